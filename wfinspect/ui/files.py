"""Files of the app: the preferences that it keeps, and the texts that it saves for the user."""

import contextlib
import json
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path

from wfinspect import format as fmt
from wfinspect.errors import ConfigError, StoreError
from wfinspect.export import as_csv, as_json, labelled
from wfinspect.settings import read_settings, replace_private, write_new
from wfinspect.watching.api import Row

FILE_NAME = "preferences.json"
_MAX_BYTES = 1024 * 1024


class Preferences:
    """Names and values that the user has chosen on the screen; the last start to write one wins.

    Failures are no reason to stop: without a file the choices end with the app.
    """

    def __init__(self, directory: Path) -> None:
        """Read what was kept."""
        self._path = directory / FILE_NAME
        self._values: dict[str, str] = {}
        self.trouble = ""
        """A sentence where what stands there is not read."""
        self._read()

    def get(self, name: str, default: str) -> str:
        return self._values.get(name, default)

    def set(self, name: str, value: str) -> None:
        """Keep a value; what other processes have kept meanwhile stays."""
        self._read()
        self._values[name] = value
        if self.trouble:
            return
        with contextlib.suppress(OSError, StoreError):
            replace_private(self._path, json.dumps(self._values))

    def _read(self) -> None:
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


FORMATS = ("JSON", "CSV")


def as_text(form: str, rows: Iterable[Row], zone: tzinfo) -> str:
    """Return the last readings of rows in one of `FORMATS`; rows without one are left out.

    CSV has their notes as well.
    """
    read = [(row, row.instance) for row in rows if row.instance is not None]
    if form == "CSV":
        found = [(instance, row.key.target.region) for row, instance in read]
        return as_csv(found, zone, [row.note for row, _ in read])
    return as_json([instance for _, instance in read], is_array=len(read) != 1)


def save_new(text: str, name: str, ending: str, directories: Iterable[Path]) -> str:
    """Write a new file that only the user can read; one that is there is never touched.

    Return a sentence that says where it is, or why there is none. The first of the directories that can
    be written to gets it.
    """
    why: object = "there is no directory to write to"
    for directory in directories:
        try:
            path = write_new(directory / f"{name}.{ending}", text + "\n")
        except OSError as error:
            why = error.strerror or error
        else:
            return f"Written to {path}."
    return f"Not written: {why}."


def fields(row: Row, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """Return the label and whole value of each field that has one; times in `zone`.

    Of one that can't be read the value is the service's JSON.
    """
    found = row.instance
    if found is None:
        return (("ID", str(row.key.id)),)
    named = [
        (f"  {key}" if key else field.label, value)
        for field, key, value in labelled(found, row.key.target.region, zone)
    ]
    whole = fmt.exact_json(found.raw)
    return (*named, ("All as JSON", whole)) if whole else tuple(named)
