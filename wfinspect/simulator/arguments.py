"""What a call's parameters say, checked as the service checks them, and the page they ask for."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from wfinspect.instance import MAX_INSTANCE_ID
from wfinspect.simulator.answers import Body, Refusal
from wfinspect.simulator.fleet import Record

_MIN_PAGE, _MAX_PAGE = 10, 500
_DIGITS = 20
_COMMON = {"RegionId"}  # what the aliyun CLI and older SDKs send along with every call
_SORT_FIELDS = ("TriggerTime", "StartedTime", "FinishedTime", "CreateTime", "Id")


class Arguments:
    """The parameters of one call; what is wrong with one of them is raised as a `Refusal`."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters
        self._unread = set(parameters) - _COMMON

    def refuse_unread(self, action: str) -> None:
        """Refuse, by its name, a parameter that has not been asked for: none is passed over."""
        if self._unread:
            names = ", ".join(sorted(self._unread))
            raise Refusal("InvalidParameter", f"{action} takes no parameter {names} here.")

    def text(self, name: str) -> str:
        """A text as it came, "" where it is missing."""
        self._unread.discard(name)
        return self._parameters.get(name, "")

    def word(self, name: str, words: Collection[str]) -> str:
        """One of some words, "" where it is missing."""
        word = self.text(name)
        if word and word not in words:
            raise invalid(name)
        return word

    def number(self, name: str) -> int | None:
        """A number, None where it is missing."""
        text = self.text(name)
        if not text:
            return None
        is_short = text.isascii() and text.isdigit() and len(text) < _DIGITS
        if not is_short or int(text) > MAX_INSTANCE_ID:
            raise invalid(name)
        return int(text)

    def required(self, name: str) -> int:
        """A number that can't be missing."""
        number = self.number(name)
        if number is None:
            raise Refusal(f"Missing{name}", f"{name} is mandatory for this action.")
        return number

    def bounded(self, name: str, *, default: int, low: int, high: int = MAX_INSTANCE_ID) -> int:
        """A number within bounds."""
        number = self.number(name)
        if number is None:
            return default
        if not low <= number <= high:
            raise invalid(name)
        return number

    def array(self, name: str) -> list[object]:
        """A JSON array in one field, as the official SDK writes it; empty where it is missing."""
        loaded = self._json(name)
        if not isinstance(loaded, list | None):
            raise invalid(name)
        return loaded or []

    def numbers(self, name: str) -> list[int]:
        """A JSON array of numbers."""
        array = self.array(name)
        if not all(type(item) is int for item in array):
            raise invalid(name)
        return [item for item in array if isinstance(item, int)]

    def conditions(self, name: str, known: Collection[str]) -> dict[str, object]:
        """A JSON object of known fields in one parameter, empty where it is missing."""
        loaded = self._json(name)
        if not isinstance(loaded, dict | None):
            raise invalid(name)
        if unknown := ", ".join(sorted(set(loaded or {}) - set(known))):
            raise invalid(name, f"{unknown} is not served, only {', '.join(known)}.")
        return loaded or {}

    def equals(
        self, numbers: Iterable[str], words: Mapping[str, Collection[str]], texts: Iterable[str]
    ) -> Callable[[Record], bool]:
        """Whether a record has what is asked for in the parameters named like its fields."""
        asked: Record = {name: self.number(name) for name in numbers}
        asked |= {name: self.word(name, known) or None for name, known in words.items()}
        asked |= {name: self.text(name) or None for name in texts}
        wanted = {name: value for name, value in asked.items() if value is not None}.items()
        return lambda record: all(record.get(name) == value for name, value in wanted)

    def contains(self, parameter: str, field: str) -> Callable[[Record], bool]:
        """Whether a field of a record holds what a parameter says, in any case."""
        part = self.text(parameter).lower()
        return lambda record: part in str(record.get(field)).lower()

    def among(self, parameter: str, field: str) -> Callable[[Record], bool]:
        """Whether a field of a record is among the numbers of a parameter, where that is given."""
        numbers = self.numbers(parameter)
        return lambda record: not numbers or record.get(field) in numbers

    def sort(self, records: list[Record], due: Callable[[Record], object]) -> None:
        """Put records in the order of SortBy, by falling IDs where it is missing.

        Where the documents are silent: what has no such time yet comes before all that have.
        """
        field, _, order = (self.text("SortBy") or "Id Desc").partition(" ")
        if field not in _SORT_FIELDS or order not in {"", "Asc", "Desc"}:
            raise invalid("SortBy", f"Use {', '.join(_SORT_FIELDS)}, then Desc or Asc.")

        def rank(record: Record) -> list[int]:
            value = due(record) if field == "TriggerTime" else record.get(field)
            values = (value, record.get("Id"), record.get("RunNumber"))
            return [value if isinstance(value, int) else -1 for value in values]

        records.sort(key=rank, reverse=order == "Desc")

    def page(self, key: str, found: Sequence[Record], shown: Callable[[Record], Record]) -> Body:
        """The part of what was found that PageNumber and PageSize ask for, under `key`."""
        number = self.bounded("PageNumber", default=1, low=1)
        size = self.bounded("PageSize", default=10, low=_MIN_PAGE, high=_MAX_PAGE)
        part = found[(number - 1) * size : number * size]
        paging: Body = {"PageNumber": number, "PageSize": size, "TotalCount": len(found)}
        return {"PagingInfo": {**paging, key: [shown(record) for record in part]}}

    def _json(self, name: str) -> object:
        try:
            return json.loads(self.text(name) or "null")
        except (ValueError, RecursionError):
            raise invalid(name) from None


def moment_of(value: object, name: str) -> int:
    """Milliseconds since 1970, written as a number or as its digits."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise invalid(name, f"{text[:40]} is not a time in milliseconds.")
    return int(text)


def invalid(name: str, reason: str = "") -> Refusal:
    """The refusal of a parameter."""
    message = f"The specified parameter {name} is not valid. {reason}"
    return Refusal(f"Invalid{name}", message.rstrip())
