"""The one language of search: of the list's filter, the find screen and `wfinspect find`. Pure.

A search is words, all of which must hold. A plain word is part of the name or ID; behind the name of a
field and ``=`` it is about that field, e.g. ``status=fail``; a ``!`` before it, or before the ``=``,
reverses it. A value matches from its beginning and in any case; numbers and dates match as a whole, and
of several tags one is enough, as with the service. So it is of several statuses: ``status=failure,running``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from functools import cache, partial
from itertools import combinations
from typing import NamedTuple, TypeVar

from wfinspect.errors import UsageError, did_you_mean, none_of
from wfinspect.format import LINE_LIMIT, biz_day, moment, shown
from wfinspect.model import (
    FIELDS,
    Family,
    FieldKind,
    InstanceField,
    InstanceId,
    InstanceKey,
    Query,
    Status,
    Tag,
    Target,
    TaskInstance,
    WorkflowInstance,
    biz_date_of,
    family_of,
    zone_of,
)
from wfinspect.parsing import find_ids, parse_ids, read_number

T = TypeVar("T")

Names = tuple[str, ...]
NAMES: Names = tuple(field.search for field in FIELDS if field.search)
"""What may stand before ``=``."""

_FIELDS = {field.search: field for field in FIELDS if field.search}
_FIELDS |= {"project": _FIELDS["workspace"], "bizdate": _FIELDS["date"]}
SPELLED = (*_FIELDS,)
"""All that may stand there, other names of a field included."""

_ORDER = tuple(Family)
WORDS = {
    # Task instances have WaitTrigger, workflow instances can't be searched for it.
    "status": tuple(
        str(status)
        for status in sorted(Status, key=lambda status: _ORDER.index(family_of(status)))
        if status not in {Status.UNKNOWN, Status.WAIT_TRIGGER}
    ),
    "type": (
        "Normal",
        "Manual",
        "SmokeTest",
        "SupplementData",
        "ManualWorkflow",
        "TriggerWorkflow",
    ),
    "env": ("Prod", "Dev"),
}
"""The values that the service documents for a field, by the field's name in a search."""

TASK_NAMES: Names = ("name", "status", "type", "owner")
"""What may stand before ``=`` where tasks are searched."""
TASK_WORDS = (*(str(each) for each in Status if each is not Status.UNKNOWN), "frozen", "dry-run")
_LEAST_PART = 3
"""Characters of a status of which one may be meant."""
_SPOKEN = {
    **dict.fromkeys(("failed", "error"), "Failure"),
    **dict.fromkeys(("succeeded", "successful", "ok"), "Success"),
    **dict.fromkeys(("waiting", "pending", "queued"), "Wait"),
}
"""What users call a status, and the service's word or what several of its words begin with."""

EXAMPLE = "name, ID, status=Failure, !not"
"""What an empty box shows."""
HELP = (
    "Words are parts of the name or ID, field=value is about one field, !word leaves out what matches. "
    "date= is the business date, for a daily run the day before: yesterday, -2d or 2026-11-28. "
    "Tab completes."
)

_OFFERED = {
    NAMES: WORDS | {"date": ("today", "yesterday")},
    TASK_NAMES: {"status": TASK_WORDS},
}
_WRITTEN = {
    "name": "a part of the name",
    "type": "its beginning, such as ODPS",
    "date": "business date: today, yesterday, -2d, 2026-11-28 or 20261128",
    "owner": "an account ID",
    "tag": "key or key:value",
}
"""How the values of fields are written that are neither words nor IDs."""


Known = Callable[[str], Iterable[str]]
"""Gives values of a field by its name, where none are documented."""


def none_known(_: str) -> Iterable[str]:
    """Return no values."""
    return ()


def values_in(name: str, instances: Iterable[WorkflowInstance]) -> list[str]:
    """Return the values that instances have of a field of IDs or of tags, each once; of others none."""
    field = _FIELDS[name]
    if field.kind is FieldKind.TAGS:
        found = (":".join(filter(None, tag)) for one in instances for tag in one.tags)
    elif field.kind is FieldKind.NUMBER or name == "owner":
        found = (str(getattr(one, field.attribute) or "") for one in instances)
    else:
        return []
    # What has a blank, or what can't be seen, could not be searched for as it stands there.
    return [each for each in dict.fromkeys(found) if each.isprintable() and len(each.split()) == 1]


def completions(text: str, names: Names = NAMES, known: Known = none_known) -> list[str]:
    """Return what the last word may become: the name of a field, or a value that is documented or known."""
    word = _last_word(text)
    name, equals, typed = word.partition("=")
    found = [f"{each}=" for each in names]
    if equals:
        field = _FIELDS.get(name.lower().removesuffix("!"))
        values = (_OFFERED[names].get(field.search) or known(field.search)) if field else ()
        before = typed[: typed.rfind(",") + 1] if field is _FIELDS["status"] else ""
        found = [f"{name}={before}{value}" for value in values]
    return [each for each in found if each.casefold().startswith(word.casefold())]


def completed(text: str, names: Names = NAMES, known: Known = none_known) -> str:
    """Return a search with its last word completed, else all words as they may be meant; "" for as it is."""
    word = _last_word(text)
    found = completions(text, names, known) if word else []
    if found and found[0] != word:
        return text + found[0][len(word) :]
    whole = re.sub(_WORD, lambda each: meant(each[0], names) or each[0], text)
    return whole if whole != text else ""


_WORD = r"[^ !][^ ]*"
_WILDCARDS = r"(?:^|(?<==))[*%]+|[*%]+$"


def meant(word: str, names: Names = NAMES) -> str:
    """Return the condition that a word without a field may be meant for, e.g. ``status=Failure``."""
    if (part := re.sub(_WILDCARDS, "", word)) != word:
        return part  # there are none
    if "date" in names:
        with suppress(UsageError):
            read_day(word)
            return f"date={word}"
    offered = {name: some for name, some in _OFFERED.get(names, WORDS).items() if name in names}
    values = offered | {"status": (*offered["status"], *_SPOKEN)}
    known = ((name, each) for name, some in values.items() for each in some)
    found = (
        f"{name}={_SPOKEN.get(each, each)}"
        for name, each in known
        if each.casefold() == word.casefold()
    )
    if whole := next(found, ""):
        return whole
    begun = {
        _SPOKEN.get(each, each)
        for each in values["status"]
        if len(word) >= _LEAST_PART and each.casefold().startswith(word.casefold())
    }
    # A part of several of them is itself such a condition.
    return f"status={begun.pop() if len(begun) == 1 else word}" if begun else ""


def hint_on(text: str, names: Names = NAMES) -> str:
    """Return the sentence on what the words of a search may be meant for; "" for none."""
    parts = ((word, word.lstrip("!")) for word in text.split())
    # A word that is negated is offered negated.
    others = [
        word.removesuffix(bare) + other for word, bare in parts if (other := meant(bare, names))
    ]
    return f" A word is a part of a name or ID: did you mean {' '.join(others)}?" if others else ""


def none_match(what: str, text: str, names: Names = NAMES, *, is_named: bool = False) -> str:
    """Return the sentence that nothing matches a search, with what its words may be meant for.

    With `is_named` it has the words, which are not in sight.
    """
    hint = hint_on(text, names)
    for name, _, value in (word.partition("=") for word in text.split()):
        # Digits may be the beginning of one.
        if name.casefold() in {"date", "bizdate"} and value.strip("-0123456789"):
            try:
                read_day(value)
            except UsageError as error:
                hint += f" {error}"
    if {"date=today", "bizdate=today"} & {*text.casefold().split()}:
        hint += _OF_TODAY
    named = f" {shown(text, limit=60)}" if is_named else ""
    # That all words have to match is not said elsewhere.
    every = " all of" if is_named and len(text.split()) > 1 else ""
    return f"No {what} matches{every}{named}.{hint}"


_OF_TODAY = " The business date of today's daily runs is yesterday: date=yesterday."
_KEPT_DAYS = 30


def none_found(terms: Iterable["Term"], query: Query, now: datetime, zone: tzinfo) -> str:
    """Return what is said behind "no" where the service has nothing for a search, e.g. ``instance is there``."""
    terms = tuple(terms)
    others = " ".join(str(each) for each in terms if each.name not in {"workspace", "date"})
    day = date.fromisoformat(biz_day(query.biz_date, zone))
    ago = (now.astimezone(zone).date() - day).days
    why, hint = f"matches {shown(others, limit=200)}", _OF_TODAY if ago == 0 else ""
    if not others:
        why, hint = "is there: a daily run has the date of the day before it runs", ""
    if ago < 0:
        why = "can be there: the date is in the future, and a daily run has that of the day before"
    elif ago > _KEPT_DAYS:
        why = f"is kept: the service keeps them for about {_KEPT_DAYS} days"
    return f"instance {why}.{hint_on(' '.join(map(str, terms)))}{hint}"


def help_on(text: str, names: Names = NAMES, known: Known = none_known) -> str:
    """Return a line on what the last word may become."""
    word = _last_word(text)
    name, equals, _ = word.partition("=")
    field = _FIELDS.get(name.lower().removesuffix("!"))
    found = completions(text, names, known)
    if other := meant(word, names):
        other = text.rpartition(" ")[2].removesuffix(word) + other
        return f"Tab makes it {other}; as it is, it is a part of a name or ID"
    if not equals or field is None or field.search not in names:
        fields = " ".join(found or [f"{each}=" for each in names])
        return f"{fields}  Tab completes" if len(found) < len(names) and found else f"{fields} !not"
    # Of several statuses it is about the last.
    start = max(len(name), word.rfind(",") if field.search == "status" else 0) + 1
    values = [each[start:] for each in found] or _OFFERED[names].get(field.search)
    written = _WRITTEN.get(field.search, "an ID")
    return f"{name}= {', '.join(values) if values and field.search != 'date' else written}"


def _last_word(text: str) -> str:
    return text.rpartition(" ")[2].lstrip("!")


class Term(NamedTuple):
    """One condition of a search."""

    field: InstanceField | None
    """None for a part of the name or ID."""
    value: str
    """As it was typed, never ""."""
    is_negated: bool = False

    @classmethod
    def of(cls, name: str, value: str) -> "Term":
        """Return the condition that a field has a value."""
        return cls(_FIELDS[name], value)

    @property
    def name(self) -> str:
        """What stands before the ``=``; "" for a plain word."""
        return self.field.search if self.field else ""

    def __str__(self) -> str:
        return "!" * self.is_negated + (f"{self.name}={self.value}" if self.name else self.value)


_UNLIKE = r"(?<!\S)(!*[^\s!=]+)!="
"""A field as other languages say that it has not a value: ``status!=success`` is ``!status=success``."""


def parse_search(text: str, names: Names = NAMES) -> tuple[Term, ...]:
    """Read a search for the fields of `names`; an unfinished ``status=`` is not a condition yet.

    Raises:
        UsageError: there is no field of a name before ``=``, or two values of one can't both hold.
    """
    terms: list[Term] = []
    for word in re.sub(_UNLIKE, r"!\1=", text).split():
        bare = word.lstrip("!")
        name, equals, value = bare.partition("=")
        if not equals:
            name, value = "", bare
        elif name.lower() not in _FIELDS or _FIELDS[name.lower()].search not in names:
            use = f"use {', '.join(names)}."
            if name.lower() == "id":
                use = f"an ID is a word of its own: {shown(value, limit=40)}"
            elif value and "tag" in names:
                key = name.lower().removeprefix("tag.")
                use += f" Of a tag: tag={shown(f'{key}:{value}', limit=60)}"
            hint = did_you_mean(name.lower(), names, use)
            raise UsageError(f"There is no field {_quoted(name)}: {hint}")
        if name.lower() in WORDS and value.startswith("!"):
            other = f"{'!' * (word == bare)}{name}={value.replace('!', '')}"
            raise UsageError(f"! stands before a field: did you mean {shown(other, limit=60)}?")
        if value.strip(","):
            is_negated = (len(word) - len(bare)) % 2 == 1
            terms.append(Term(_FIELDS[name.lower()] if name else None, value, is_negated))
    _refuse_twice(terms)
    return tuple(terms)


def has_field(name: str, terms: Iterable[Term]) -> bool:
    """Return whether terms give a field a value."""
    return any(term.name == name and not term.is_negated for term in terms)


def complete(words: Iterable[str]) -> str:
    """Return the words of a command line as a search.

    Raises:
        UsageError: a field has no value, as of an unset variable of a shell: everything would match.
    """
    text = " ".join(words)
    if empty := next((word for word in text.split() if "=" in word and word[-1] in "=,"), ""):
        raise UsageError(f"{shown(empty, limit=40)!r} has no value: give it, or leave this out.")
    return text


def ids_and_search(
    words: Iterable[str], names: Names = NAMES
) -> tuple[tuple[InstanceId, ...], tuple["Term", ...]]:
    """Return the IDs among the words of a command line, and the search that the others are; ``all`` is neither.

    Raises:
        NotAnId: a word without a field stands beside IDs, or names a file.
        UsageError: as `parse_search` and `complete`; or a date can't be one.
    """
    given = [word for word in words if word.casefold() != "all"]
    others = [word for word in given if not ("=" in word or word.startswith("!"))]
    if all(re.search(_NAME, word) and not find_ids(word) for word in others):
        others = []
    ids = parse_ids(" ".join(others)) if others else ()
    terms = parse_search(complete(word for word in given if word not in others), names)
    for term in terms:
        # All days that begin so match, too.
        if term.name == "date" and not re.fullmatch(_BEGUN_DAY, term.value):
            try:
                read_day(term.value)
            except UsageError as error:
                raise UsageError(f"date: {error}") from None
    return ids, terms


_BEGUN_DAY = r"(?a)\d{4}(?:[-/]?\d{1,2}[-/]?\d?)?"
_NAME = r"^(?!@)(?!.*(?:/|\.(?:txt|csv|tsv|json)$)).*[^\W\d_]"
"""A word with a letter that is not the name of a file."""


def task_matcher(text: str, now: datetime) -> Callable[[TaskInstance], bool]:
    """Return what tests tasks by a search, whose status is their word, e.g. ``frozen``.

    Raises:
        UsageError: the search names a field that tasks do not have.
    """
    has = matcher(parse_search(text, TASK_NAMES), now)
    nowhere = Target("", "", "")

    def test(task: TaskInstance) -> bool:
        number = InstanceId(task.id)
        found = WorkflowInstance(number, name=task.task_name, type=task.task_type, owner=task.owner)
        return has(InstanceKey(nowhere, number), found, task.word)

    return test


Test = Callable[[InstanceKey, WorkflowInstance | None, str], bool]
"""Whether an instance matches: its key, its reading and the word of its state."""


def matcher(terms: Iterable[Term], now: datetime) -> Test:
    """Return what tests instances; `now` is what ``today`` is about, in each instance's region."""
    tests: list[Test] = []
    tags: list[Test] = []
    for term in terms:
        test = _test_of(term, now)
        if term.is_negated:
            tests.append(lambda key, found, word, test=test: not test(key, found, word))  # type: ignore[misc]
        elif term.field is not None and term.field.kind is FieldKind.TAGS:
            tags.append(test)
        else:
            tests.append(test)
    if tags:
        tests.append(lambda key, found, word: any(test(key, found, word) for test in tags))
    return lambda key, found, word: all(test(key, found, word) for test in tests)


def _test_of(term: Term, now: datetime) -> Test:
    """Return the test of a term, its negation left aside."""
    field, value = term.field, term.value.casefold()
    if field is None:
        return lambda key, found, _: value in _name(found) or value in str(key.id)
    if field.kind is FieldKind.STATUS:
        wanted = tuple(_statuses(value))
        return lambda _, __, word: word.casefold().replace(" ", "-").startswith(wanted)
    holds = _field_test(field, value, now)
    return lambda key, found, _: found is not None and holds(found, key.target.region)


def _statuses(value: str) -> Iterator[str]:
    """Yield what a status may begin with, in lower case, for each word between commas."""
    for part in filter(None, (each.rstrip("*%") for each in value.casefold().split(","))):
        spoken = (word for said, word in _SPOKEN.items() if said.startswith(part))
        words = (word for each in spoken if not (word := each.casefold()).startswith(part))
        yield next(words, part)


def _name(found: WorkflowInstance | None) -> str:
    return found.name[:LINE_LIMIT].casefold() if found else ""


def _field_test(
    field: InstanceField, value: str, now: datetime
) -> Callable[[WorkflowInstance, str], bool]:
    """Return what tests an instance of a region."""
    attribute = field.attribute
    match field.kind:
        case FieldKind.NUMBER:
            number = read_number(value)
            return lambda found, _: number is not None and getattr(found, attribute) == number
        case FieldKind.DATE:
            return _date_test(value, now)
        case FieldKind.TAGS:
            key, mark, rest = _parts_of_tag(value)
            return lambda found, _: any(
                tag.key[:LINE_LIMIT].casefold() == key
                and (not mark or tag.value[:LINE_LIMIT].casefold() == rest)
                for tag in found.tags
            )
        case _ if attribute == "name":
            return lambda found, _: value in _name(found)
        case _:
            return lambda found, _: (
                getattr(found, attribute)[:LINE_LIMIT].casefold().startswith(value)
            )


def _date_test(value: str, now: datetime) -> Callable[[WorkflowInstance, str], bool]:
    @cache  # few days and regions, many instances
    def is_on(day: int, region: str) -> bool:
        zone = zone_of(region)
        try:
            wanted = str(date_of(read_day(value), now, zone))
        except UsageError:
            wanted = value  # not finished: all days that begin so
        return biz_day(day, zone).replace("-", "").startswith(wanted.replace("-", ""))

    return lambda found, region: found.biz_date is not None and is_on(found.biz_date, region)


_HOW = {
    "workspace": ("workspace=", "a workspace, such as workspace=88123"),
    "date": ("date=", "a business date, such as date=yesterday"),
}


def to_query(
    terms: Iterable[Term], now: datetime, zone: tzinfo, how: Mapping[str, tuple[str, str]] = _HOW
) -> tuple[Query, tuple[Term, ...]]:
    """Return what the service is to search for, and the terms that are left to a `matcher`.

    The service knows no negation, no ID, one value of a field, and accounts as a whole. Business dates begin at midnight
    in `zone`. `how` has of what is needed how it is written, and what is said where it is missing.

    Raises:
        UsageError: a value can't be used, or workspace or date is missing.
    """

    def read_date(text: str) -> date:
        return date_of(read_day(text), now, zone)

    terms = tuple(terms)
    _refuse_twice(terms, read_date)
    given: dict[str, str] = {}
    tags = [read_tag(t.value) for t in terms if t.name == "tag" and not t.is_negated]
    # The service knows no key alone; since one of the tags is enough, all are left then.
    known = tuple(tag for tag in tags if isinstance(tag, Tag))
    has_known = len(known) == len(tags)
    left: list[Term] = []
    for term in terms:
        name = term.name or "name"
        is_left = term.is_negated or name in given or _is_broad(term)
        if is_left or (name == "tag" and not has_known):
            left.append(term)
        elif name != "tag":
            given[name] = term.value

    def value(name: str, read: Callable[[str], T]) -> T | None:
        if name not in given:
            return None
        try:
            return read(given[name])
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None

    def word(name: str) -> str:
        return value(name, partial(read_word, WORDS[name])) or ""

    project, day = value("workspace", read_id), value("date", read_date)
    if project is None or day is None:
        missing = [name for name in how if name not in given]
        advice = _advice_on(missing, terms, how)
        raise UsageError(f"The service searches one workspace and business date: {advice}")
    query = Query(
        project,
        biz_date_of(day, zone),
        name=given.get("name", ""),
        status=value("status", partial(read_words, WORDS["status"])) or "",
        type=word("type"),
        owner=value("owner", read_owner) or "",
        env_type=word("env"),
        tags=known if has_known else (),
        workflow_id=value("workflow", read_id),
        unified_workflow_instance_id=value("trigger", read_id),
    )
    return query, tuple(left)


def _is_broad(term: Term) -> bool:
    """Return whether a term matches more than the service can search for by one value."""
    if term.name == "status":
        with suppress(UsageError):
            return "," in read_words(WORDS["status"], term.value)
    if term.name == "owner":
        return term.value.isdecimal() and len(term.value) < _ACCOUNT_DIGITS
    # Digits may be a part of the ID.
    return not term.name and term.value.isdecimal()


_ACCOUNT_DIGITS = 16
"""Of an account ID, at least: fewer are its beginning, as in the filter of the list."""


def to_follow(query: Query, left: Iterable[Term]) -> Query:
    """Return what a follow of a search looks for, on every date; see `to_query`.

    Raises:
        UsageError: a follow can't look for all of it.
    """
    # It takes tags by their keys alone, too, which the service does not search for.
    tags = [term for term in left if term.name == "tag" and not term.is_negated]
    if others := [term for term in left if term not in tags]:
        raise UsageError(
            f"{shown(str(others[0]), limit=60)} can't be followed: give one part of the name "
            "(name= before digits), one value of a field, the whole of an account ID, and no word with !."
        )
    query = query._replace(biz_date=0).with_tags(query.tags or (read_tag(t.value) for t in tags))
    if query.is_whole_workspace:
        raise UsageError(
            "A whole workspace can't be followed: add what its runs have in common, "
            "such as name=ads, workflow=2261034 or tag=team."
        )
    return query


def _refuse_twice(terms: Iterable[Term], read_date: Callable[[str], object] | None = None) -> None:
    """Refuse values of a field that can't both hold; dates where there is what reads them."""
    reads = {"workspace": read_number, "workflow": read_number, "trigger": read_number}

    def may_both_hold(a: Term, b: Term) -> bool:
        if read := {"date": read_date, **reads}.get(a.name):
            return read(a.value) == read(b.value)
        pairs = ((x, y) for x in _statuses(a.value) for y in _statuses(b.value))
        return any(x.startswith(y) or y.startswith(x) for x, y in pairs)

    several = {"", "name", "tag", "" if read_date else "date"}
    given = [term for term in terms if not (term.is_negated or term.name in several)]
    for a, b in combinations(given, 2):
        if a.name == b.name and not may_both_hold(a, b):
            values = [term.value for term in given if term.name == a.name]
            form = f"; for any of them: status={','.join(values)}" if a.name == "status" else ""
            said = shown(" and ".join(values), limit=60)
            raise UsageError(f"{a.name}= is given twice: {said}{shown(form, limit=90)}.")


def _advice_on(
    missing: Sequence[str], terms: Sequence[Term], how: Mapping[str, tuple[str, str]]
) -> str:
    """Return what to add to a search, or which of its words may be meant for what is missing."""
    words = [term.value for term in terms if not (term.name or term.is_negated)]
    days = [word for word in words if meant(word).startswith("date=")]
    numbers = [word for word in words if len(word) < ID_DIGITS and read_number(word) is not None]
    found = {"workspace": [word for word in numbers if word not in days], "date": days}
    others = " and ".join(how[name][1] for name in missing if not found[name])
    likely = " ".join(f"{how[name][0]}{found[name][0]}" for name in missing if found[name])
    said = [f"add {others}"] * bool(others) + [f"did you mean {likely}"] * bool(likely)
    return f"{'; '.join(said)}{'?' if likely else '.'}"


ID_DIGITS = 10
"""Of the ID of an instance, at least; that of a workspace has fewer."""


def read_id(text: str) -> int:
    """Return an ID of the service.

    Raises:
        UsageError: it is not one.
    """
    if (number := read_number(text)) is None:
        raise UsageError(
            f"{_quoted(text)} is not an ID: use digits only, e.g. 88123; `wfinspect get INSTANCE` "
            "prints the IDs of its workspace and workflow."
        )
    return number


def read_owner(text: str) -> str:
    """Return an account ID.

    Raises:
        UsageError: it is not one.
    """
    if not (text.isascii() and text.isdigit()):
        raise UsageError(
            f"{_quoted(text)} is not an account ID: use digits only, e.g. 1823556600124410."
        )
    return text


def read_word(words: Sequence[str], text: str) -> str:
    """Return the word that a text is the beginning of, in any case, or the whole of one.

    Raises:
        UsageError: it begins none of the words, or several.
    """
    found = _begun(words, text)
    if len(found) != 1:
        raise UsageError(f"{_quoted(text)} may be {' or '.join(found)}: write which.")
    return found[0]


def read_words(words: Sequence[str], text: str) -> str:
    """Return all words that a text, or one of its parts between commas, is the beginning of.

    Raises:
        UsageError: a part begins none of the words.
    """
    found = (each for part in text.split(",") if part for each in _begun(words, part))
    return ",".join(dict.fromkeys(found)) or read_word(words, text)


def _begun(words: Sequence[str], text: str) -> list[str]:
    # As a shell says it, a * behind a beginning changes nothing.
    begun = text.casefold().rstrip("*%")
    wanted = _SPOKEN.get(begun, begun).casefold()
    found = [word for word in words if word.casefold().startswith(wanted)]
    if not found:
        raise UsageError(none_of(text, words))
    return [word for word in found if word.casefold() == wanted] or found


_DAYS_AGO = r"(?i)-([0-9]{1,4})d"
_DAYS = {"today": 0, "yesterday": 1}


Day = date | timedelta
"""A date, or how long before today it is."""


def read_day(text: str) -> Day:
    """Return a business date: ``today``, ``yesterday``, ``-2d``, ``2026-11-28`` or ``20261128``.

    Raises:
        UsageError: it is not one.
    """
    if (days := _DAYS.get(text.casefold())) is not None:
        return timedelta(days)
    if ago := re.fullmatch(_DAYS_AGO, text):
        return timedelta(int(ago[1]))
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise UsageError(
            f"{_quoted(text)} is not a date: write one day, such as -1d, yesterday or 2026-11-28."
        ) from None


def date_of(day: Day, now: datetime, zone: tzinfo) -> date:
    """Return the date that a day is in a zone."""
    return now.astimezone(zone).date() - day if isinstance(day, timedelta) else day


def read_tag(text: str) -> Tag | str:
    """Return a tag, or the key alone, which means any value.

    Raises:
        UsageError: it has no key.
    """
    key, mark, value = _parts_of_tag(text)
    if not key:
        raise UsageError(f"{_quoted(text)} is not a tag: write it as key or key:value.")
    return Tag(key, value) if mark else key


def _parts_of_tag(text: str) -> tuple[str, str, str]:
    # As the service's documents write it, or as tables here show it.
    return text.partition(":" if ":" in text else "=")


def _quoted(text: str) -> str:
    return repr(shown(text, limit=30))


def suggestions(instance: WorkflowInstance | None, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """Return searches to begin with: around an instance, its trigger, its workflow; else of yesterday."""
    at = moment(instance.biz_date) if instance else None
    day = (at or now - timedelta(days=1)).astimezone(zone).date()
    if instance is None or instance.project_id is None:
        return ("date=yesterday workspace=",)
    start = f"workspace={instance.project_id} date={day}"
    related = {
        "trigger": instance.unified_workflow_instance_id,
        "workflow": instance.workflow_id,
    }
    narrower = (
        f"{start} {name}={number}" for name, number in related.items() if number is not None
    )
    return (start, *narrower)
