"""What a person has chosen on the screen, kept between starts. Never worth failing for."""

import contextlib
import json
import os
from pathlib import Path

from wfinspect.errors import StoreError
from wfinspect.paths import make_private

FILE_NAME = "preferences.json"


class Preferences:
    """Names and values; the last start to write one wins."""

    def __init__(self, directory: Path | None = None) -> None:
        """Read what was kept; without a directory nothing is."""
        self._path = directory / FILE_NAME if directory else None
        self._values: dict[str, str] = {}
        self._read()

    def get(self, name: str, default: str) -> str:
        """The value kept under a name."""
        return self._values.get(name, default)

    def set(self, name: str, value: str) -> None:
        """Keep a value; what others have kept meanwhile stays."""
        self._read()
        self._values[name] = value
        if self._path is None:
            return
        new = self._path.with_name(f"{FILE_NAME}.{os.getpid()}")
        with contextlib.suppress(OSError, StoreError):
            make_private(self._path.parent)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._values, file)
            new.replace(self._path)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            values = json.loads(self._path.read_text("utf-8")) if self._path else None
            if isinstance(values, dict):
                self._values |= {k: v for k, v in values.items() if isinstance(v, str)}
