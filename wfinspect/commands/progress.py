"""What a watch without a screen says on standard error: what is wrong, told once, and how far it is.

On a terminal the progress is one line that is drawn anew; elsewhere no control character is written.
"""

import os
from collections.abc import Iterator
from datetime import tzinfo
from typing import TextIO

from wfinspect.format import shown
from wfinspect.watching.snapshot import Contact, Snapshot

_LIMIT = 4_000


class Progress:
    """Writes to a stream; to none where there is none."""

    def __init__(self, stream: TextIO | None, zone: tzinfo, *, is_terminal: bool) -> None:
        self._stream = stream
        self._zone = zone
        self._is_terminal = is_terminal
        self._last_notice = 0
        self._told: set[str] = set()
        self._slow: set[str] = set()
        self._store_trouble = ""
        self._line = ""

    def say(self, sentence: str) -> None:
        """A sentence of its own line."""
        self.clear()
        self._write(f"wfinspect: {shown(sentence, limit=_LIMIT)}\n")

    def clear(self) -> None:
        """Take the progress off the terminal, since something else is to be written there."""
        if self._line:
            self._write("\r\x1b[K")
            self._line = ""

    def show(self, snapshot: Snapshot, summary: str) -> None:
        """Tell what is new in a snapshot, and draw how far the watch is."""
        for sentence in self._news(snapshot):
            self.say(sentence)
        health = snapshot.health
        words = "live" if health.contact is Contact.LIVE else health.contact.value.upper()
        if health.contact is Contact.LIVE and health.slow is not None:
            words = health.slow.words
        if health.trouble is not None:
            words += f": {shown(health.trouble.cause)}"
            if health.trouble.retry_at is not None:
                words += f", next try {health.trouble.retry_at.astimezone(self._zone):%H:%M:%S}"
        if self._is_terminal and self._stream is not None:
            # A line that wraps could not be taken back.
            room = os.get_terminal_size(self._stream.fileno()).columns - 1
            line = f"{summary} | {words}"[:room]
            if line != self._line:
                self.clear()
                self._write(line)
                self._line = line

    def _news(self, snapshot: Snapshot) -> Iterator[str]:
        fresh = [n for n in snapshot.notices if n.number > self._last_notice]
        for notice in fresh:
            self._last_notice = notice.number
            yield notice.text
        health = snapshot.health
        if health.store_trouble not in {"", self._store_trouble}:
            yield health.store_trouble
        self._store_trouble = health.store_trouble
        if health.slow is not None and health.slow.cause not in self._slow:
            self._slow.add(health.slow.cause)
            yield health.slow.sentence
        troubles = [health.trouble, *(row.trouble for row in snapshot.rows if not row.is_gone)]
        causes = {trouble.cause: trouble for trouble in troubles if trouble is not None}
        for trouble in (t for cause, t in causes.items() if cause not in self._told):
            at = trouble.retry_at
            again = f" Next try at {at.astimezone(self._zone):%H:%M:%S}." if at is not None else ""
            yield f"{trouble.sentence}{again}"
        self._told |= causes.keys()
        if self._told and not causes and health.contact is Contact.LIVE:
            self._told.clear()
            if not fresh:
                yield "Contact is back."

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # That nobody reads the progress is no reason to stop.
            self._stream = None
