"""Tells a person who is not looking of what the book has noted. Knows no bell and no screen."""

from wfinspect.instance import Family
from wfinspect.watching.alerts import TRIAL, Alerts
from wfinspect.watching.book import Book
from wfinspect.watching.messenger import Messenger
from wfinspect.watching.notices import Notices


class Telling:
    """Takes news from the book to the alerts, and what they make of it to the messenger."""

    def __init__(self, book: Book, alerts: Alerts, messenger: Messenger, notices: Notices) -> None:
        self._book = book
        self._alerts = alerts
        self._messenger = messenger
        self._notices = notices

    def tell(self, now: float, *, is_last: bool = False) -> None:
        """Tell once what happened at the same time is known; the last time, whatever there is."""
        for change, is_ours in self._book.news:
            entry = self._book.entries.get(change.key)
            if entry is not None and entry.is_watched:
                frozen = entry.known.frozen if entry.known is not None else ()
                if change.family is not Family.FAILURE:
                    frozen = ()
                self._alerts.changed(change, entry.instance, now, is_ours=is_ours, frozen=frozen)
        self._book.news.clear()
        message = self._alerts.take(max(now, self._alerts.due_at) if is_last else now)
        if message is not None:
            self._messenger.send(message)
        if trouble := self._messenger.take_trouble():
            self._notices.say(trouble, is_error=True)

    def try_out(self, now: float) -> None:
        """Have an alert raised that says that it is a trial."""
        self._alerts.say(TRIAL, now)

    def close(self, now: float) -> None:
        """Tell what is left."""
        self.tell(now, is_last=True)
        self._messenger.close()
