"""An app whose keys go through the gate that tells typing from pasting. Knows no watcher."""

from collections.abc import Mapping

from textual import events
from textual.widgets import Input

from wfinspect.clock import Clock
from wfinspect.ui.key_gate import KeyGate, Verdict
from wfinspect.ui.terminal import CrashSafeApp
from wfinspect.ui.widgets.id_box import IdBox

_BREAKS = {"enter": "\r", "ctrl+j": "\n", "tab": "\t"}


class GatedApp(CrashSafeApp):
    """Holds a letter for a moment, and hands pasted text to the ID box."""

    def __init__(
        self,
        clock: Clock,
        hold_seconds: float,
        *,
        environ: Mapping[str, str] | None,
        ascii_only: bool,
    ) -> None:
        super().__init__(environ=environ, ascii_only=ascii_only)
        self._clock = clock
        self._hold_seconds = hold_seconds
        self._gate = KeyGate()
        self._held: events.Key | None = None

    @property
    def id_box(self) -> IdBox | None:
        """Where digits and pasted text go; None while another screen has the keys."""
        return None

    def key_came(self) -> None:
        """A key was pressed."""

    async def on_event(self, event: events.Event) -> None:
        """Send a key on at once, in a moment, or into the ID box."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self.key_came()
        char = _BREAKS.get(event.key) or (event.character if event.is_printable else None)
        if char is None:
            await self._release()
            await super().on_event(event)
            return
        # When it came, not when its turn is: a paste may take the app a while.
        box, now = self.id_box, event.time
        if box is None:
            is_typing = isinstance(self.focused, Input)
            verdict = self._gate.judge_in_view(char, now, is_typing=is_typing)
        else:
            verdict = self._gate.judge(char, now, in_box=box.has_keys)
        match verdict:
            case Verdict.PASS:
                if box is not None and char.isdigit() and not box.has_keys:
                    box.take_keys()
                await super().on_event(event)
            case Verdict.TEXT:
                await self._take_text(event, box)
            case Verdict.HOLD:
                self._hold(event)
            case Verdict.REPEAT:
                await self._release()
                self._hold(event)

    async def _take_text(self, event: events.Key, box: IdBox | None) -> None:
        """Put a part of a paste where text goes: into the ID box, into a view's input, or nowhere."""
        held, self._held = self._held, None
        if box is not None:
            box.insert(self._gate.take_text())
        elif isinstance(self.focused, Input):
            for each in (held, event):
                if each is not None:
                    is_break = each.key in _BREAKS
                    await super().on_event(events.Key("space", " ") if is_break else each)
        elif held is not None:
            self.notify("Pasted text does nothing here.", markup=False, timeout=4)

    def _hold(self, event: events.Key) -> None:
        self._held = event
        if self._hold_seconds > 0:
            self.set_timer(self._hold_seconds, lambda: self._release_held(event))
        else:
            self.call_later(self._release_held, event)

    async def _release_held(self, event: events.Key) -> None:
        if self._held is event:
            await self._release()

    async def _release(self) -> None:
        event, self._held = self._held, None
        if event is not None:
            self._gate.release()
            await super().on_event(event)
