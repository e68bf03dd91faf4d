"""Which rows of the watched list a filter lets through. Pure."""

from collections.abc import Iterable

from wfinspect.format import LINE_LIMIT
from wfinspect.ui.row_words import state_word
from wfinspect.watching.snapshot import Row


def matching(rows: Iterable[Row], query: str) -> tuple[Row, ...]:
    """The rows that have all the words of a query.

    A word is part of the name or ID; ``status=`` before it makes it the beginning of the status, and
    ``!`` before either means that the row must not have it.
    """
    words = query.casefold().split()
    return tuple(row for row in rows if all(_has(row, word) for word in words))


def _has(row: Row, word: str) -> bool:
    bare = word.lstrip("!")
    if bare != word:
        return not bare or _has(row, bare) == ((len(word) - len(bare)) % 2 == 0)
    if word.startswith("status="):
        return state_word(row)[0].casefold().startswith(word.removeprefix("status="))
    name = row.instance.name[:LINE_LIMIT] if row.instance else ""
    return word in name.casefold() or word in str(row.key.id)
