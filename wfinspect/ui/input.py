"""The keyboard: what the bytes of a terminal mean, and the loop that reads them."""

import codecs
import math
import os
import re
import select
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from textual import events, messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

from wfinspect.clock import SystemClock

MAX_PASTE = 2**18
"""Bytes of a paste that are kept."""
SILENCE_SECONDS = 1.5
"""After so long nothing more is expected of an answer or a paste: links tear them by up to 1 s."""
PAUSE_SECONDS = 0.05
"""After so long a paste without brackets is over, and ctrl+q and ctrl+c count in one with brackets."""
_LONGEST_PASTE_SECONDS = 30.0
_TYPED_AT_ONCE = 3
"""Characters that a slow link may deliver together; more of them in one read were pasted."""
_LONGEST_SEQUENCE = 256

_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
_CSI = rb"\[[0-?]*[ -/]*"
_STRING = rb"(?:\]\d|P[\d>!$+|]|_)[ -\xff]*"  # as answers begin: OSC, DCS, APC
_STRING_END = rb"(?:\a|\x1b\\)"
# A sequence is a mouse report of X10, a function key of the Linux console, CSI, SS3, or a string.
_tokens = re.compile(
    rb"""(?P<text>[^\x1b]+)
    | (?P<sequence>\x1b(?: \[M[\ -\xff]{3} | \[\[[A-E] | \[[0-?]+[\ -/]*[@-~] | \[[\ -/]*[@-LN-Z\\-~]
        | O[\d;]*[A-Za-z] | %b%b))
    | (?P<beginning>\x1b(?: \[M[\ -\xff]{0,2} | \[\[ | %b | O[\d;]* | []P] | %b\x1b?)?\Z)
    | (?P<broken>\x1b(?: %b | %b))
    | \x1b"""
    % (_STRING, _STRING_END, _CSI, _STRING, _CSI, _STRING),
    re.VERBOSE,
)
# CSI M is no mouse report in a paste, and ESC ( B comes with colours.
_in_paste = re.compile(
    rb"\x1b(?:%b[@-~]?|O[A-Za-z]|[ -/]+[0-~]|[=>]|%b%b|)" % (_CSI, _STRING, _STRING_END)
)
_UNSEEN = bytes({*range(32), 127} - {*b"\t\n\r"})

_mode_report = re.compile(r"\x1b\[\?(2004|2026);[1-3]\$y")
_knows_brackets = re.compile(rb"\x1b(?:\[\?2004;[1-3]\$y|P>\|tmux)")
_typed_ahead = re.compile(rb"\d+[\r\n]?")
# Keys as xterm's modifyOtherKeys has them, and as kitty's protocol.
_other_key = re.compile(r"\x1b\[27;(?P<modifiers>\d{1,4});(?P<code>\d{1,7})~")
_kitty_key = re.compile(
    r"\x1b\[(?P<code>\d{1,7})(?::(?P<shifted>\d{0,7})(?::\d*)?)?"
    r"(?:;(?P<modifiers>\d{0,4})(?::(?P<kind>\d))?(?:;(?P<text>\d{0,7})[\d:]*)?)?u"
)
_RELEASED = "3"
_SHIFT, _ALT, _CTRL, _USED_BY_SYSTEMS = 1, 2, 4, 56
_KEYPAD = dict(enumerate(map(ord, "0123456789./*-+\r=,"), 57399))
_NO_CHARACTERS = range(0xD800, 0xF900)  # surrogates, and what kitty uses for keys without one


class PasteCut(Message):
    """A paste was longer than what is kept of it."""

    def __init__(self, left_out: int) -> None:
        super().__init__()
        self.left_out = left_out
        """Bytes."""


@dataclass(slots=True, eq=False, repr=False)
class _Paste:
    began_at: float
    has_brackets: bool
    data: bytearray = field(default_factory=bytearray)
    left_out: int = 0
    tail: bytes = b""
    """What may be the first bytes of its end."""

    def take(self, data: bytes) -> tuple[bool, bytes]:
        """Add bytes; return whether its end was among them, and what stood behind that."""
        end = rest = b""
        if self.has_brackets:
            data, end, rest = (self.tail + data).partition(_PASTE_ENDS)
            starts = (_PASTE_ENDS[:n] for n in range(len(_PASTE_ENDS) - 1, 0, -1))
            self.tail = b"" if end else next(filter(data.endswith, starts), b"")
            data = data.removesuffix(self.tail)
        room = MAX_PASTE - len(self.data)
        self.data += data[:room]
        self.left_out += max(0, len(data) - room)
        return bool(end), rest


class KeyReader:
    """Makes events of what a terminal sends. Time comes in, as `monotonic`.

    A character is a key at once. A lone Escape waits `escape_seconds` for the rest of a sequence, and what
    comes of it later is no text all the same. A paste is one event. Where the terminal is not known to
    mark its pastes (`brackets_pastes`), several different characters in one read are one, too.
    """

    def __init__(self, encoding: str, *, escape_seconds: float, brackets_pastes: bool) -> None:
        self._encoding = encoding
        self._decode = codecs.getincrementaldecoder(encoding)(errors="replace").decode
        self._escape_seconds = escape_seconds
        self._brackets_pastes = brackets_pastes
        self._parser = XTermParser()
        self._last_at = -math.inf
        self._paste: _Paste | None = None
        self._late_end = b""
        """What may still come of the end of a paste."""
        self._pending = b""
        """The beginning of a sequence."""
        self._has_acted = False
        """Its Escape was taken for the key."""

    def feed(self, data: bytes, monotonic: float) -> list[Message]:
        """Return the events of one read."""
        if self._paste is None:
            rest = data.removeprefix(self._late_end)
            self._brackets_pastes |= rest != data
            data, self._pending, self._late_end = self._pending + rest, b"", b""
            # What comes behind the terminal's answer, in the same read, was typed.
            if not self._brackets_pastes and self._is_chunk(_knows_brackets.split(data)[0]):
                self._has_acted, self._paste = False, _Paste(monotonic, has_brackets=False)
        elif monotonic >= self._last_at + PAUSE_SECONDS and _is_way_out(data):
            return self._meaning(data)
        self._last_at = monotonic
        found: list[Message] = []
        while data:
            if self._paste is None:
                data = self._scan(data, monotonic, found)
                continue
            is_over, data = self._paste.take(data)
            if is_over:
                self._brackets_pastes = True
                found += self._deliver()
        return found

    @property
    def wakes_at(self) -> float | None:
        """When `tick` wants to be called if nothing comes before; None while time decides nothing."""
        if self._paste is not None:
            wait = SILENCE_SECONDS if self._paste.has_brackets else PAUSE_SECONDS
            return min(self._last_at + wait, self._paste.began_at + _LONGEST_PASTE_SECONDS)
        if not self._pending:
            return None
        return self._last_at + (SILENCE_SECONDS if self._is_swallowing else self._escape_seconds)

    @property
    def _is_swallowing(self) -> bool:
        return self._has_acted or self._pending != b"\x1b"

    def tick(self, monotonic: float) -> list[Message]:
        """Return the events that follow from nothing having come until now."""
        if self.wakes_at is None or monotonic < self.wakes_at:
            return []
        if (paste := self._paste) is not None:
            # A client of tmux that dies amid its paste sends no end, and one that comes late is no text.
            self._brackets_pastes &= not paste.has_brackets
            self._late_end = _PASTE_ENDS[len(paste.tail) :] if paste.tail else b""
            return self._deliver()
        if not self._is_swallowing:
            self._has_acted = True
            return self._keys("\x1b")
        pending, self._pending = self._pending, b""
        # Escape and a character, which have begun nothing.
        found = self._pressed(pending[1:]) if len(pending) == 2 else []  # noqa: PLR2004
        self._has_acted = False
        return found

    def _pressed(self, behind: bytes) -> list[Message]:
        """Return the keys that Escape, unless it has acted, and what stands behind it are."""
        return [*([] if self._has_acted else self._keys("\x1b")), *self._typed(behind)]

    def _deliver(self) -> list[Message]:
        """Close the paste; return it without escape sequences and control characters."""
        paste, self._paste = self._paste, None
        assert paste is not None  # noqa: S101 - what calls this has seen it
        data = _in_paste.sub(_break, bytes(paste.data)).translate(None, _UNSEEN)
        if not paste.has_brackets:
            self._brackets_pastes |= _knows_brackets.search(paste.data) is not None
            if _typed_ahead.fullmatch(data):
                # Before the start, or over a slow link; of a paste it would be the same ID.
                return self._typed(data)
        text: list[Message] = [events.Paste(data.decode(self._encoding, "replace"))] if data else []
        return [*text, PasteCut(paste.left_out)] if paste.left_out else text

    def _is_chunk(self, data: bytes) -> bool:
        """Return whether so much text can't have been typed; one character repeated is a key held down."""
        text = b"".join(token["text"] or b"" for token in _tokens.finditer(data))
        chars = text.decode(self._encoding, "replace")
        return _PASTE_BEGINS not in data and len(chars) > _TYPED_AT_ONCE and len(set(chars)) > 1

    def _scan(self, data: bytes, monotonic: float, found: list[Message]) -> bytes:
        """Take what is typed and what the terminal reports; return what stands behind a paste's begin."""
        for token in _tokens.finditer(data):
            kind = token.lastgroup
            # The beginning of a character has no end before a sequence.
            found += self._typed(token["text"] or b"", is_whole=kind != "text")
            if kind == "sequence":
                if token[0] == _PASTE_BEGINS:
                    self._has_acted, self._paste = False, _Paste(monotonic, has_brackets=True)
                    return data[token.end() :]
                found += self._meaning(token[0])
            elif kind == "beginning" and not (self._has_acted and data == b"\x1bO"):
                # Of a long one, whether its last byte begins its end.
                cut = b"\x1b" if token[0].endswith(b"\x1b") else b""
                kept = token[0][:_LONGEST_SEQUENCE]
                self._pending = kept if kept == token[0] else kept + cut
                return b""
            elif kind in {None, "beginning"}:
                found += self._pressed(token[0][1:])
            self._has_acted = False
        return b""

    def _typed(self, data: bytes, *, is_whole: bool = False) -> list[Message]:
        return [key for char in self._decode(data, final=is_whole) for key in self._keys(char)]

    def _meaning(self, sequence: bytes) -> list[Message]:
        """Return what a key or a report is; nothing for an answer to what was never asked."""
        text = sequence.decode("latin-1")
        mode = _mode_report.fullmatch(text)
        if mode and mode[1] == "2026":
            return [messages.TerminalSupportsSynchronizedOutput()]
        # tmux 3.3a knows the mode, and does not say so.
        if mode or sequence == _PASTE_ENDS or text.startswith("\x1bP>|tmux"):
            self._brackets_pastes = True
            return []
        if len(text) > _LONGEST_SEQUENCE:
            return []
        # Reports of the window's focus are none of this: the screen is the same without it, and Textual
        # would paint all of it.
        mouse = self._parser.parse_mouse_code(text)
        return [mouse] if mouse else self._keys(_as_typed(text))

    def _keys(self, text: str) -> list[Message]:
        """Return the keys that a character, or a sequence of a keyboard in its usual mode, is."""
        if text[:1] == "\x1b" and len(text) == 2:  # noqa: PLR2004 - Alt with a character
            return [*self._keys("\x1b"), *self._keys(text[1])]
        if text == "\n":
            # Enter, pressed before the terminal was ours.
            text = "\r"
        if len(text) > 1 and text not in ANSI_SEQUENCES_KEYS:
            return []
        keys = self._parser._sequence_to_key_events(text)  # noqa: SLF001 - it has no public name
        return [key for key in keys if not key.key.startswith("<")]


def _is_way_out(data: bytes) -> bool:
    return _as_typed(data.decode("latin-1")) in {"\x03", "\x11"}


def _break(sequence: re.Match[bytes]) -> bytes:
    """Return the line end that a sequence within a paste stands for: tmux may send one as ctrl+j in CSI."""
    is_break = sequence[0] == _PASTE_BEGINS or _as_typed(sequence[0].decode("latin-1")) in "\t\n\r"
    return b"\n" if is_break else b""


def _as_typed(sequence: str) -> str:
    """Return a key in the form of a usual keyboard's mode; "" for one that is released or not ours.

    Another program may have left the keyboard in kitty's mode or xterm's.
    """
    key = _other_key.fullmatch(sequence) or _kitty_key.fullmatch(sequence)
    if key is None:
        return sequence
    parts: dict[str, str] = key.groupdict("")
    modifiers, code = int(parts["modifiers"] or 1) - 1, int(parts["code"])
    code = int(parts.get("text") or parts.get("shifted") or _KEYPAD.get(code, code))
    is_pressed = parts.get("kind") != _RELEASED and not modifiers & _USED_BY_SYSTEMS
    if not is_pressed or code in _NO_CHARACTERS or code > sys.maxunicode:
        return ""
    char = chr(code)
    if modifiers & _SHIFT:
        char = "\x1b[Z" if char == "\t" else char.upper()[:1]
    if modifiers & _CTRL and "@" <= char.upper() <= "_":
        char = chr(ord(char.upper()) & 31)
    return f"\x1b{char}" if modifiers & _ALT else char


_READ_BYTES = 4096


class StopReading(threading.Event):
    """An event that also wakes a thread waiting for input."""

    def __init__(self) -> None:
        super().__init__()
        self.fileno, self._wake = os.pipe()
        os.set_blocking(self.fileno, False)

    def set(self) -> None:
        """Set the event, and wake the reader."""
        super().set()
        os.write(self._wake, b"x")

    def clear(self) -> None:
        """Clear the event, so that reading can begin again."""
        super().clear()
        _read(self.fileno)


def read_keys(
    fileno: int, reader: KeyReader, stop: StopReading, deliver: Callable[[Message], object]
) -> bool:
    """Deliver events until told to stop; False if the terminal has gone away.

    It never wakes while nothing comes, unlike Textual's own loop, so that an idle app costs nothing.
    """
    monotonic = SystemClock().monotonic
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    poll.register(stop.fileno, select.POLLIN)
    while not stop.is_set():
        wakes_at = reader.wakes_at
        left = None if wakes_at is None else max(0.0, wakes_at - monotonic())
        # Time decides only where nothing is there to read: this thread may have had to wait.
        ready = dict(poll.poll(None if left is None else math.ceil(left * 1000)))
        if fileno in ready:
            data = _read(fileno)
            if not data:
                return False
            found = reader.feed(data, monotonic())
        else:
            found = reader.tick(monotonic())
        for event in found:
            deliver(event)
    return True


def _read(fileno: int) -> bytes:
    """What is there to read; nothing at the end of the file or if it fails, as a lost terminal does."""
    try:
        return os.read(fileno, _READ_BYTES)
    except OSError:
        return b""
