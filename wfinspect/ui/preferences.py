"""What a person has chosen on the screen, kept between starts. Never worth failing for."""

import contextlib
import json
import os
from pathlib import Path

from wfinspect.errors import ConfigError, StoreError
from wfinspect.paths import make_private, read_settings

FILE_NAME = "preferences.json"
_MAX_BYTES = 1024 * 1024


class Preferences:
    """Names and values; the last start to write one wins."""

    def __init__(self, directory: Path | None = None) -> None:
        """Read what was kept; without a directory nothing is."""
        self._path = directory / FILE_NAME if directory else None
        self._values: dict[str, str] = {}
        self.trouble = ""
        """A sentence where what stands there is not read."""
        self._read()

    def get(self, name: str, default: str) -> str:
        """The value kept under a name."""
        return self._values.get(name, default)

    def set(self, name: str, value: str) -> None:
        """Keep a value; what others have kept meanwhile stays."""
        self._read()
        self._values[name] = value
        if self._path is None or self.trouble:
            return
        new = self._path.with_name(f"{FILE_NAME}.{os.getpid()}")
        with contextlib.suppress(OSError, StoreError):
            make_private(self._path.parent)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._values, file)
            new.replace(self._path)

    def _read(self) -> None:
        if self._path is None:
            return
        self.trouble = ""
        try:
            data, _ = read_settings(self._path, _MAX_BYTES)
        except FileNotFoundError:
            return
        except ConfigError as error:
            self.trouble = f"{error} Until then what is chosen here ends with the app."
            return
        with contextlib.suppress(ValueError, RecursionError):
            values = json.loads(data)
            if isinstance(values, dict):
                self._values |= {k: v for k, v in values.items() if isinstance(v, str)}
