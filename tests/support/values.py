"""What tests do with immutable values of either kind."""

import dataclasses
from typing import Any, TypeVar

V = TypeVar("V")


def replace(value: V, **changes: object) -> V:
    """A copy with some fields changed, of a named tuple or a dataclass."""
    made: Any = value
    if isinstance(made, tuple):
        return made._replace(**changes)  # type: ignore[attr-defined]
    return dataclasses.replace(made, **changes)
