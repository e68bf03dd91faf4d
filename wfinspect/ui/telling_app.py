"""What reaches a person who is not looking: toasts and the bell. Decides no rules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.notifications import Notify as Notified

from wfinspect.clock import Clock
from wfinspect.format import shown
from wfinspect.notify import Notify
from wfinspect.ui.announce import announcement
from wfinspect.ui.gated_app import GatedApp
from wfinspect.watching.notices import summary
from wfinspect.watching.snapshot import Snapshot

if TYPE_CHECKING:
    from wfinspect.instance import Transition

MAX_TOASTS = 3
_LONGEST = 1_000


class TellingApp(GatedApp):
    """Tells each thing once, however often a snapshot says it."""

    def __init__(
        self,
        clock: Clock,
        hold_seconds: float,
        *,
        notify: Notify,
        has_bell: bool,
        environ: Mapping[str, str] | None,
        ascii_only: bool,
    ) -> None:
        super().__init__(clock, hold_seconds, environ=environ, ascii_only=ascii_only)
        self._notify = notify
        self.has_bell = has_bell
        self._last_notice = self._last_alert = 0
        self._shown_last: Transition | None = None
        self._store_trouble = ""

    @property
    def ways(self) -> str:
        """How an alert reaches a person, in a few words."""
        ways = ["the bell"] if self.has_bell else []
        ways += [f"OSC {self._notify.osc}"] if self._notify.osc != "off" else []
        ways += [f"the command {shown(self._notify.command[0])}"] if self._notify.command else []
        return ", ".join(ways) or "nothing, since [notify] has all of it off"

    def tell_news(self, snapshot: Snapshot) -> None:
        """Tell what a snapshot holds beyond the former ones."""
        new = [notice for notice in snapshot.notices if notice.number > self._last_notice]
        if new:
            self._last_notice = max(notice.number for notice in new)
            for notice in new[-MAX_TOASTS:]:
                self.tell(notice.text, is_error=notice.is_error)
        trouble, self._store_trouble = self._store_trouble, snapshot.health.store_trouble
        if self._store_trouble and not trouble:
            self.tell(shown(self._store_trouble, limit=400), is_error=True)
        alert = snapshot.alert
        if alert is not None and alert.number > self._last_alert:
            self._call(alert.text)
            # A terminal that takes nothing has dropped it, and gets it once it is back.
            if not self.is_terminal_lost:
                self._last_alert = alert.number
        if not self.is_terminal_lost:
            self._shown_last = next(iter(snapshot.transitions), None)

    def _call(self, text: str) -> None:
        through_tmux = self._notify.tmux_passthrough
        sequence = announcement(self._notify.osc, text, through_tmux=through_tmux)
        # In one piece, of which a terminal that stands still drops all or nothing.
        self._write_to_terminal("\x07" * self.has_bell + sequence)

    def tell_missed(self, snapshot: Snapshot) -> None:
        """Tell in one sentence what changed while the terminal took nothing."""
        missed: list[Transition] = []
        for change in snapshot.transitions:
            if change == self._shown_last:
                break
            missed.insert(0, change)
        if missed:
            self._shown_last = missed[-1]
            self.tell(f"While the terminal stood still: {summary(missed)}.")

    def tell(self, text: str, *, is_error: bool = False) -> None:
        """Say something in a corner for some seconds."""
        self.notify(
            text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...",
            severity="error" if is_error else "information",
            markup=False,
            timeout=20 if is_error else 10,
        )

    def on_notify(self, event: Notified) -> None:
        """Make room for a toast, which Textual then adds; one that says the same gives its place."""
        new = event.notification
        for standing in list(self._notifications):
            if standing.message == new.message:
                self._unnotify(standing, refresh=False)
        if len(self._notifications) >= MAX_TOASTS:
            self.clear_notifications()
