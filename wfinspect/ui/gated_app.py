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
        box = self.id_box
        if char is None:
            await self._release()
            await super().on_event(event)
        elif box is None:
            await self._judge_in_view(event, char)
        else:
            await self._judge(event, char, box)

    async def _judge(self, event: events.Key, char: str, box: IdBox) -> None:
        match self._gate.judge(char, self._clock.monotonic(), in_box=box.has_keys):
            case Verdict.PASS:
                if char.isdigit() and not box.has_keys:
                    box.take_keys()
                await super().on_event(event)
            case Verdict.TEXT:
                self._held = None
                box.insert(self._gate.take_text())
            case Verdict.HOLD:
                self._hold(event)
            case Verdict.REPEAT:
                await self._release()
                self._hold(event)

    async def _judge_in_view(self, event: events.Key, char: str) -> None:
        is_typing = isinstance(self.focused, Input)
        match self._gate.judge_in_view(char, self._clock.monotonic(), is_typing=is_typing):
            case Verdict.PASS:
                await super().on_event(event)
            case Verdict.TEXT if is_typing:
                for each in (self._held, event):
                    if each is not None:
                        is_break = each.key in _BREAKS
                        await super().on_event(events.Key("space", " ") if is_break else each)
                self._held = None
            case Verdict.TEXT:
                if self._held is not None:
                    self.notify("Pasted text does nothing here.", markup=False, timeout=4)
                self._held = None
            case Verdict.HOLD:
                self._hold(event)
            case Verdict.REPEAT:
                await self._release()
                self._hold(event)

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
