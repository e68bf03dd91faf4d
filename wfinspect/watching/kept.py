"""Answers that stay true until what they tell of is another, so that nobody asks twice. Pure."""

from typing import Any

from wfinspect.query import Page
from wfinspect.watching.book import Book
from wfinspect.watching.requests import Reply, Request, RunsOf, TaskLog, TaskOf, TasksOf

_MOST = 64
_MOST_LOGS = 2  # each may hold 32 MiB
_MOST_TASKS = 10_000  # over all, at two or three KiB each


class Kept:
    """The latest of them."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._replies: dict[Request[Any], tuple[int, Reply[Any]]] = {}

    def version(self, request: Request[Any]) -> int | None:
        """What changes when a kept answer is no longer true; None where none is to be kept."""
        if isinstance(request, (TaskOf, TaskLog)):
            return request.settled_at
        if isinstance(request, (TasksOf, RunsOf)):
            entry = self._book.entries.get(request.key)
            instance = entry.instance if entry is not None else None
            return instance.modify_time if instance is not None and instance.is_settled else None
        return None

    def find(self, request: Request[Any]) -> Reply[Any] | None:
        """The answer to a request, if there is one that is still true."""
        found = self._replies.pop(request, None)
        if found is None or found[0] != self.version(request):
            return None
        self._replies[request] = found
        return found[1]

    def keep(self, request: Request[Any], version: int | None, reply: Reply[Any]) -> None:
        """Keep an answer, asked for at a version, that is true still."""
        if version is None or version != self.version(request):
            return
        self._replies[request] = version, reply
        logs = [each for each in self._replies if isinstance(each, TaskLog)]
        heavy, room = list[Request[Any]](), _MOST_TASKS
        for known, (_, each) in reversed(self._replies.items()):
            room -= len(each.value.items) if isinstance(each.value, Page) else 0
            if room < 0 and known != request:
                heavy.append(known)
        for oldest in (*logs[:-_MOST_LOGS], *list(self._replies)[:-_MOST], *heavy):
            self._replies.pop(oldest, None)
