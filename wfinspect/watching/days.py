"""Calls by day and account, and the budgets that follow. A day begins at midnight in the region."""

from datetime import date, datetime, timedelta

from wfinspect.errors import DailyLimit
from wfinspect.instance import Account, Binding
from wfinspect.regions import day_ends_at, zone_of
from wfinspect.watching.book import Book
from wfinspect.watching.budget import LEAST_LEARNT_BUDGET
from wfinspect.watching.limits import Limits

_LEARNT_FOR = timedelta(days=7)  # then the edition may be another one
_MARGIN = 0.9


class Days:
    """Keeps the buckets in step with the wall clock and with what all processes have used."""

    def __init__(self, book: Book, limits: Limits) -> None:
        self._book = book
        self._limits = limits
        self._days: dict[Account, date] = {}

    def follow(self, binding: Binding, now: float, at: datetime) -> None:
        """Begin a day where a new one has come, else correct the count."""
        account, day = binding.account, day_of(binding, at)
        used = self._book.calls(account, day, now)
        bucket = self._limits.bucket(binding, now)
        ends_at = now + _seconds_left(binding, at)
        if self._days.get(account) != day:
            self._days[account] = day
            bucket.budget = self._learnt(account, self._limits.budget, at, now)
            bucket.begin_day(now, ends_at=ends_at, used=used)
        else:
            # A call on its way is in the bucket's count, and may not be in the book's yet.
            is_true = not self._limits.has_calls_out(binding)
            bucket.correct(now, used if is_true else bucket.used, ends_at=ends_at)

    def called(self, binding: Binding, at: datetime) -> None:
        """Count a request that goes out."""
        self._book.count_call(binding.account, day_of(binding, at))

    def calls_today(self, binding: Binding, now: float, at: datetime) -> int:
        """The calls of a binding's account on this day, over all processes."""
        return self._book.calls(binding.account, day_of(binding, at), now)

    def limit_met(self, binding: Binding, now: float, at: datetime) -> None:
        """Learn from an answer that says the day's calls are used up, unless it repeats another.

        A limit that outlasts our day says nothing about the calls of this one.
        """
        if isinstance(self._limits.account_gate(binding).error, DailyLimit):
            return
        account = binding.account
        bucket = self._limits.bucket(binding, now)
        used = self._book.calls(account, day_of(binding, at), now)
        learnt = max(LEAST_LEARNT_BUDGET, int(used * _MARGIN))
        if learnt < bucket.budget:
            bucket.budget = learnt
            until = (at + _LEARNT_FOR).isoformat()
            self._book.remember(_name(account), f"{learnt} {until}")

    def _learnt(self, account: Account, budget: int, at: datetime, now: float) -> int:
        calls, _, until = self._book.remembered(_name(account), now).partition(" ")
        try:
            is_valid = at < datetime.fromisoformat(until)
            return min(budget, max(LEAST_LEARNT_BUDGET, int(calls))) if is_valid else budget
        except (ValueError, TypeError):
            return budget


def _name(account: Account) -> str:
    return f"budget {account[0]} {account[1]}"


def day_of(binding: Binding, at: datetime) -> date:
    """The day a call counts for: it begins at midnight in the region."""
    return at.astimezone(zone_of(binding.region)).date()


def _seconds_left(binding: Binding, at: datetime) -> float:
    # In UTC, since a day in which a zone changes its offset is not 24 hours long.
    return day_ends_at(binding.region, at).timestamp() - at.timestamp()
