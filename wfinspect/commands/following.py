"""What a watch without a screen tells, and when it is over. Pure: snapshots in, changes and a code out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from wfinspect.commands.reading import gravest
from wfinspect.format import clock_time, exact_json, shown
from wfinspect.instance import Family, InstanceId, InstanceKey
from wfinspect.watching.snapshot import Row, Snapshot

DONE, SUCCESS, FAILURE = "done", "success", "failure"
UNTILS = tuple(f"{scope}:{state}" for scope in ("all", "any") for state in (DONE, SUCCESS, FAILURE))

_WANTED = {
    DONE: {Family.SUCCESS, Family.FAILURE},
    SUCCESS: {Family.SUCCESS},
    FAILURE: {Family.FAILURE},
}
_UNWANTED = {DONE: Family.FAILURE, SUCCESS: Family.FAILURE, FAILURE: Family.SUCCESS}
_REFUSED, _GONE = 4, 5


@dataclass(frozen=True, slots=True)
class Change:
    """A first reading, or a change of status between two."""

    id: InstanceId
    name: str
    from_status: str | None
    """None for the first reading."""
    to_status: str
    at: datetime
    """The service's own time of the change where that is known, else the reading's."""
    seen_between: tuple[datetime, datetime] | None
    is_final: bool
    """The run is over."""

    def as_json(self) -> str:
        """A line of JSON in ASCII; times are RFC 3339 to the second, which jq can read."""
        between = self.seen_between
        values = {
            "id": self.id,
            "name": self.name,
            "from": self.from_status,
            "to": self.to_status,
            "at": _rfc3339(self.at),
            "seen_between": None if between is None else [_rfc3339(at) for at in between],
            "final": self.is_final,
        }
        return exact_json(json.dumps(values))

    def as_text(self, zone: tzinfo) -> str:
        """A line for a person: time, ID, what became what, name."""
        before = "" if self.from_status is None else f"{shown(self.from_status, limit=40)} "
        words = f"{before}-> {shown(self.to_status, limit=40) or 'no status'}"
        words += " (rerun)" if self.from_status == self.to_status else ""
        return f"{clock_time(self.at, zone)}  {self.id}  {words}  {shown(self.name)}".rstrip()


class Follower:
    """Follows some instances until a wish is fulfilled, or can't be any more."""

    def __init__(self, keys: Sequence[InstanceKey], until: str, *, fail_fast: bool = False) -> None:
        """Await the first snapshot.

        Args:
            keys: the instances; each snapshot holds a row for all but the unknown ones.
            until: one of `UNTILS`.
            fail_fast: end as soon as the wish can't be fulfilled.
        """
        self._keys = keys
        self._is_any, self._state = until.startswith("any:"), until.partition(":")[2]
        self._fail_fast = fail_fast
        self._rows: list[Row | None] = []
        self._told: dict[InstanceKey, Row] = {}

    def take(self, snapshot: Snapshot) -> list[Change]:
        """Take the newest snapshot in; gives what is to be told."""
        rows = {row.key: row for row in snapshot.rows}
        self._rows = [rows.get(key) for key in self._keys]
        changes = [self._change(row) for row in self._rows if row is not None]
        return [change for change in changes if change is not None]

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it goes on.

        Only good readings that are the present make an instance settled. One that is unknown, gone,
        or was refused before it was ever read is not waited for.
        """
        wanted, unwanted = _WANTED[self._state], _UNWANTED[self._state]
        ended = {row.family for row in self._rows if row is not None and _is_settled(row)}
        lost = {code for row in self._rows if (code := _lost_code(row))}
        is_pending = any(_lost_code(row) is None and not _is_settled(row) for row in self._rows)
        if self._is_any:
            if reached := ended & wanted:
                return int(self._state == DONE and unwanted in reached)
            return None if is_pending else gravest(lost | ({1} if ended else set()))
        bad = lost | ({1} if unwanted in ended else set())
        if is_pending and not (self._fail_fast and bad):
            return None
        return gravest(bad)

    def summary(self) -> str:
        """How far it is, in a few words."""
        pairs = list(zip(self._keys, self._rows, strict=True))
        rows = [row for _, row in pairs if row is not None and not row.is_gone]
        missing = [str(key.id) for key, row in pairs if row is None or row.is_gone]
        failed = sum(row.family is Family.FAILURE for row in rows)
        unread = sum(row.instance is None for row in rows)
        parts = [f"{sum(map(_is_settled, rows))} of {len(self._keys)} settled"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{unread} not read yet"] if unread else []
        return ", ".join(parts) + (
            f"; unknown or gone: {shown(' '.join(missing))}" if missing else ""
        )

    def _change(self, row: Row) -> Change | None:
        instance, read_at, news = row.instance, row.read_at, row.last_change
        if instance is None or read_at is None:
            return None
        before = self._told.get(row.key)
        self._told[row.key] = row
        at, between, was = read_at, None, None
        if before is not None and before.instance is not None and before.read_at is not None:
            is_new = (
                news is not None and news != before.last_change and news.seen_by > before.read_at
            )
            if not is_new and before.instance.status == instance.status:
                return None
            was, between = before.instance.status, (before.read_at, read_at)
            if is_new and news is not None and news.to_status == instance.status:
                at, between = news.at, (news.seen_after, news.seen_by)
        return Change(
            row.key.id, instance.name, was, instance.status, at, between, instance.is_settled
        )


def _is_settled(row: Row | None) -> bool:
    return row is not None and row.is_live and not row.is_gone and row.family.is_settled


def _lost_code(row: Row | None) -> int | None:
    """The exit code of an instance that is not waited for; None for any other."""
    if row is None or row.is_gone:
        return _GONE
    trouble = row.trouble
    if row.instance is not None or trouble is None:
        return None
    # Without a next attempt the service has said that it will never accept the call.
    is_refused = trouble.exit_code == _REFUSED or trouble.retry_at is None
    return trouble.exit_code if is_refused else None


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
