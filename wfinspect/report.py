"""What a report says of instances, in Markdown, HTML and JSON: to be pasted unedited. Pure.

Values whose names look like a secret's are masked and counted. The lines of a log are the reader's to check.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any, NamedTuple

from wfinspect.export import (
    commands_by_hand,
    compared_fields,
    compared_tasks,
    exact_value,
    json_of,
    run_values,
    task_values,
)
from wfinspect.format import (
    LOG_END,
    VALUE_LIMIT,
    before_rerun,
    biz_day,
    change_words,
    clock_time,
    duration,
    error_places,
    listed,
    log_command,
    log_parts,
    moment,
    plain_text,
    shortened,
    shown,
)
from wfinspect.lateness import Run, compare
from wfinspect.model import (
    FIELDS,
    Family,
    FieldGroup,
    InstanceKey,
    OperationLog,
    Status,
    TaskInstance,
    Transition,
    WorkflowInstance,
    by_attention,
    failed_tasks,
    family_of,
    progress,
    spans,
    utc_words,
    zone_of,
    zone_words,
)
from wfinspect.parsing import first_parameters, visible
from wfinspect.redaction import without_secrets

FORMS: Mapping[str, str] = {"markdown": "md", "html": "html", "json": "json"}
"""The forms of a report, and how the name of a file of each ends."""
VERSION = 1
_LOG_LINES, _ERRORS, _LINE_LIMIT = 20, 4, 500
_MOST_ROWS = 50
"""Of a table; the rest is counted."""
_NONE: Mapping[Any, Any] = MappingProxyType({})


class Incident(NamedTuple):
    """What is known of an instance that a report is about."""

    key: InstanceKey
    instance: WorkflowInstance | None = None
    read_at: datetime | None = None
    since: float | None = None
    """When it entered its state, in seconds since the epoch."""
    tasks: Sequence[TaskInstance] = ()
    logs: Mapping[int, str] = _NONE
    """Of failed tasks, by the ID of the task instance."""
    operations: Sequence[OperationLog] = ()
    """What was done to its failed tasks by hand."""
    held_up: Sequence[TaskInstance] = ()
    """What has not begun because of them, as far as it was read."""
    unread: int = 0
    """How many tasks may hold up more."""
    failed_before: Sequence[TaskInstance] = ()
    """Runs of its tasks that had failed when it was rerun, as far as they were read."""
    runs: Sequence[Run] = ()
    before: WorkflowInstance | None = None
    """The last success."""
    tasks_before: Sequence[TaskInstance] = ()
    history: Sequence[Transition] = ()
    """Newest first."""
    missing: Mapping[str, str] = _NONE
    """Parts that could not be read, and why."""
    request_ids: Sequence[tuple[str, str]] = ()
    """Operations and the RequestIds of their answers, also of those that refused."""
    note: str = ""
    link: str = ""

    @property
    def fails(self) -> bool:
        """Whether its run has failed, and not only a task of it."""
        return self.instance is not None and self.instance.family is Family.FAILURE

    def has(self, task: TaskInstance) -> bool:
        """Return whether a task is one of its own."""
        return task.workflow_instance_id == self.key.id


def as_report(
    form: str,
    incidents: Sequence[Incident],
    zone: tzinfo,
    now: datetime,
    title: str = "",
) -> str:
    """Return one document in one of `FORMS`, as JSON an array; its times are in `zone`, those of JSON in UTC.

    `title` is what `counted` says of those of the watched list.
    """
    found = [_values(each, now) for each in incidents]
    if form == "json":
        return without_secrets("[" + ",\n".join(map(json_of, found)) + "]")
    blocks = [*_document(found, zone, now, title)]
    return _html(blocks) if form == "html" else _markdown(blocks)


# What is masked.

MASK = "(masked)"
# In Chinese: two words for password, two for key, one for token.
_SECRET = re.compile(
    r"password|passwd|passphrase|passcode|pwd|secret|token|key|credential|(?<![a-z])(?:pass|ak|sk)(?![a-z])"
    "|\u5bc6\u7801|\u53e3\u4ee4|\u5bc6\u94a5|\u79d8\u94a5|\u4ee4\u724c"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED = re.compile(r"""(?<![\w.-])([\w.-]++)[\\"']*+\s*+[=:]\s*+""")
_VALUE = re.compile(
    r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\\+["'].*?\\+["']|\{[^{}]*+\}|\[[^\[\]]*+\]"""
    # Without quotes the words up to the next name; of what is not closed all of the line.
    r"""|[^\s,;&"'{}\[\]]++(?:[ \t]++(?![\w.-]++[\\"']*+\s*+[=:])[^\s,;&"'{}\[\]]++)*+|[^\n]++"""
)
_LOGIN = re.compile(r"(?<=://)([^/\s:@]*+:)[^/\s@]++(?=@)")


def is_secret(name: str) -> bool:
    """Return whether a name looks like that of a password, secret, token or key."""
    plain = unicodedata.normalize("NFKC", visible(name))
    return _SECRET.search(_HUMP.sub("_", plain).casefold()) is not None


class _Secrets:
    """Masks values by their names, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def masked(self, name: str, value: str) -> str:
        """Return a value without what is secret: all of it, or what its text names so."""
        if value and is_secret(name):
            self.count += 1
            return MASK
        start, size = shortened(value)
        return self.within(start) + (f"... {size}" if size else "")

    def within(self, text: str) -> str:
        """Return a text without the values of names such as ``password=...``, and without the logins of URLs."""
        text, logins = _LOGIN.subn(rf"\1{MASK}", text)
        self.count += logins
        parts, end = list[str](), 0
        for name in _NAMED.finditer(text):
            value = _VALUE.match(text, name.end()) if name.start() >= end else None
            if value is not None and is_secret(name[1]):
                parts += [text[end : value.start()], MASK]
                end = value.end()
                self.count += 1
        return "".join([*parts, text[end:]])

    def parameters(self, text: str) -> list[dict[str, str]]:
        """Return names and values; a text in no known format as one value without a name."""
        found = first_parameters(text)
        if found is None:
            return [self.pair("", text)]
        return [self.pair(each.key, each.told_apart) for each in found.pairs]

    def tags(self, instance: WorkflowInstance) -> list[dict[str, str]]:
        """Return keys and values; in what can't be read no key tells which values are secret."""
        if "tags" in dict(instance.unreadable):
            self.count += 1
            return [{"name": "", "value": MASK}]
        return [self.pair(*tag) for tag in instance.tags]

    def pair(self, name: str, value: str) -> dict[str, str]:
        """Return a name and its masked value."""
        return {"name": name, "value": self.masked(name, value)}


# What is said: exact but for what is masked, times as times. JSON is this.


def _values(incident: Incident, now: datetime) -> dict[str, Any]:
    instance, secrets, failed = incident.instance, _Secrets(), failed_tasks(incident.tasks)
    by_hand = commands_by_hand(incident.key.target, instance, failed) if instance else {}
    runs = (each.run_number for each in by_attention(incident.tasks))
    return {
        "id": incident.key.id,
        "name": instance.name if instance else None,
        "status": instance.status if instance else None,
        "since": incident.since and moment(round(incident.since * 1000)),
        "read_at": incident.read_at,
        "note": incident.note or None,
        "link": incident.link or None,
        "fields": _fields(instance, incident.key.target.region) if instance else {},
        "parameters": secrets.parameters(_parameters(instance)) if instance else [],
        "tags": secrets.tags(instance) if instance else [],
        "seconds": instance.run_seconds(now) if instance else None,
        "progress": str(progress(incident.tasks)) if incident.tasks else None,
        "rerun": by_hand.get("Rerun"),
        "rerun_at": _rerun_at(incident),
        "earlier_run": next((n - 1 for n in runs if n and n > 1 and not incident.fails), None),
        "failed_before": [*map(run_values, incident.failed_before)],
        "failed_tasks": [_task(each, incident, secrets, now) for each in failed],
        "timeline": sorted(_events(incident, failed), key=_by_second),
        "held_up": [task_values(each) for each in incident.held_up if not incident.has(each)],
        "held_up_inside": [task_values(each) for each in incident.held_up if incident.has(each)],
        "held_up_unread": incident.unread,
        "compared": _compared(incident, now),
        "missing": dict(incident.missing),
        "request_ids": [dict(zip(_REQUEST, each, strict=True)) for each in incident.request_ids],
        "masked": secrets.count,
        **incident.key.target._asdict(),
        "version": VERSION,
    }


_REQUEST = ("operation", "request_id")


def _rerun_at(incident: Incident) -> datetime | None:
    """Return when what had failed was last run again; None where it fails now."""
    if incident.instance is None or incident.fails:
        return None
    reruns = (each for each in incident.history if each.is_rerun)
    return next((each.at for each in reruns if each.from_status == Status.FAILURE), None)


def _fields(instance: WorkflowInstance, region: str) -> dict[str, Any]:
    return {
        field.attribute: exact_value(instance, field, region) or None
        for field in FIELDS
        if field.group is not FieldGroup.PAIRS
    }


def _parameters(instance: WorkflowInstance) -> str:
    return dict(instance.unreadable).get("workflow_parameters", instance.workflow_parameters)


def _task(
    task: TaskInstance, incident: Incident, secrets: _Secrets, now: datetime
) -> dict[str, Any]:
    log = incident.logs.get(task.id, "")[-LOG_END:].replace("\r\n", "\n").rstrip("\n")
    ends = [(log.rfind("\n", 0, at) + 1, log.find("\n", at)) for at in error_places(log)]
    errors = [log_parts(log[begin : None if end < 0 else end]).text for begin, end in ends]
    return {
        "id": task.id,
        "name": task.task_name,
        "type": task.task_type,
        "status": task.status,
        "run_number": task.run_number,
        "started": moment(task.started_time),
        "finished": moment(task.finished_time),
        "seconds": spans(task, now.timestamp() * 1000).running,
        "owner": task.owner,
        "parameters": secrets.parameters(task.script_parameters),
        "errors": [each[:_LINE_LIMIT] for each in dict.fromkeys(errors) if each][-_ERRORS:],
        "log_end": "\n".join(line[:_LINE_LIMIT] for line in log.split("\n")[-_LOG_LINES:]),
    }


def _events(incident: Incident, failed: Sequence[TaskInstance]) -> Iterator[dict[str, Any]]:
    """Yield what happened and how exactly the time of it is known, causes first."""
    for task in failed:
        if (at := moment(task.finished_time)) is not None:
            yield _event(at, f"{task.name_or_id} failed in run {task.run_number or 1}")
    changed = {round(each.at.timestamp()) for each in incident.history}
    for change in incident.history:
        states = change.from_status, change.to_status
        what = change_words(*states, limit=_LINE_LIMIT, is_rerun=change.is_rerun)
        seen = None if change.is_service_time else (change.seen_after, change.seen_by)
        yield _event(change.at, what, seen)
    instance = incident.instance
    if instance is not None:
        ended = f"ended: {instance.status}", instance.finished_time
        for what, milliseconds in (("started", instance.started_time), ended):
            at = moment(milliseconds)
            # A change that is known to the second says the same.
            if at is not None and round(at.timestamp()) not in changed:
                yield _event(at, what)
    names = {task.id: task.name_or_id for task in failed}
    for each in incident.operations:
        if (at := moment(each.create_time)) is not None:
            name = names.get(each.task_id or 0, "a task")
            yield _event(at, f"{name}: {each.content}, by {each.user or 'an unknown account'}")


def _by_second(event: Mapping[str, Any]) -> datetime:
    # Of what is shown with one time, a task's failure stands before the end of the run, its effect.
    at: datetime = event["at"]
    return at.replace(microsecond=0)


def _event(
    at: datetime, what: str, seen: tuple[datetime, datetime] | None = None
) -> dict[str, Any]:
    return {"at": at, "what": what, "seen_between": seen}


def _compared(incident: Incident, now: datetime) -> dict[str, Any] | None:
    instance, before, now_ms = incident.instance, incident.before, now.timestamp() * 1000
    if instance is None:
        return None
    lateness = compare(instance, incident.runs)
    usual = lateness.sentence(now) if lateness.usual is not None else None
    if before is None:
        return {"usual": usual} if usual else None
    region, hidden = incident.key.target.region, _Secrets()
    fields = compared_fields(instance, before, region, UTC)
    pairs = compared_tasks(incident.tasks, incident.tasks_before, now_ms)
    return {
        "usual": usual,
        "id": before.id,
        "biz_date": biz_day(before.biz_date, zone_of(region)) if before.biz_date else None,
        "seconds": before.run_seconds(now),
        "tasks": [
            {
                "name": pair.name,
                "status": pair.first and pair.first.word,
                "status_before": pair.second and pair.second.word,
                **dict(zip(("seconds", "seconds_before"), pair.seconds(now_ms), strict=True)),
            }
            for pair in (pairs if incident.tasks_before else ())
        ],
        "fields": [
            {
                "name": each.label,
                "value": each.first and hidden.masked(each.label, each.first),
                "value_before": each.second and hidden.masked(each.label, each.second),
            }
            for each in fields
            if not (each.is_equal or each.is_of_run or each.label == "Status")
        ],
    }


# The document: a few kinds of blocks, of texts as they came.


class _Heading(NamedTuple):
    level: int
    text: str


class _Table(NamedTuple):
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]


class _Lines(NamedTuple):
    text: str


class _Url(str):
    __slots__ = ()


_Block = _Heading | _Table | _Lines | str


def counted(found: Sequence[Incident], watched: int, words: str = "", unknown: int = 0) -> str:
    """Return how many rows of the watched list, that match the words of a search, failed.

    Args:
        found: those that failed or could not be read, and those that go on with failed tasks.
        watched: of how many rows.
        words: of the search.
        unknown: rows that go on, of whose tasks nothing is known.
    """
    if not watched:
        return "The watched list is empty"
    which = "the 1 watched instance" if watched == 1 else f"{watched:,} watched instances"
    which += f" that match{'es' * (watched == 1)} {shown(words, limit=200)}" * bool(words)
    unread = sum("instance" in each.missing for each in found)
    failed = sum(each.fails and "instance" not in each.missing for each in found)
    going_on = len(found) - unread - failed
    if not (found or unknown):
        return f"Nothing has failed of {which}"
    if watched == failed + going_on == 1:
        return f"T{which[1:]} {'failed' if failed else 'runs with failed tasks'}"
    some = [f"{failed:,} of {which} failed"] * bool(failed or not going_on)
    if going_on:
        with_tasks = "runs with failed tasks" if going_on == 1 else "run with failed tasks"
        some.append(f"{going_on:,}{'' if some else f' of {which}'} {with_tasks}")
    some += [f"{unread:,} could not be read"] * bool(unread)
    some += [f"the tasks of {unknown:,} still running were not read"] * bool(unknown)
    return ", ".join(some)


def _document(
    found: Sequence[dict[str, Any]], zone: tzinfo, now: datetime, title: str
) -> Iterator[_Block]:
    is_one = len(found) == 1 and not title
    if not is_one:
        yield _Heading(1, f"{title or f'{len(found)} instances'}, {_exactly(now, zone)}")
    if found and not is_one:
        rows = [_summary(each, zone) for each in found]
        since = f"Since, {utc_words(zone, now)}"
        yield _Table(("Name", "ID", "Status", since, "Failed tasks", "Error", "Note"), rows)
    for each in found:
        yield from _about(each, 1 if is_one else 2, zone, now)
    logs = " Times outside logs" if any(map(_has_log, found)) else " Times"
    yield f"Made by wfinspect at {_at(now, zone)}.{logs}: {utc_words(zone, now)}."
    masked = sum(each["masked"] for each in found)
    if masked:
        were = "values were masked because of their names"
        yield f"{masked} {were if masked > 1 else 'value was masked because of its name'}."
    if any(map(_has_log, found)):
        yield "Lines of logs are as the tasks wrote them: check them before this is passed on."


def _has_log(values: Mapping[str, Any]) -> bool:
    return any(task["log_end"] for task in values["failed_tasks"])


def _summary(values: Mapping[str, Any], zone: tzinfo) -> Sequence[str]:
    tasks = values["failed_tasks"]
    error = next((task["errors"][0] for task in tasks if task["errors"]), "")
    return (
        values["name"] or "-",
        str(values["id"]),
        "not read" if "instance" in values["missing"] else values["status"] or "-",
        _at(values["since"], zone),
        ", ".join(task["name"] or str(task["id"]) for task in tasks) or "-",
        error or values["missing"].get("instance", "-"),
        values["note"] or "-",
    )


def _about(values: Mapping[str, Any], level: int, zone: tzinfo, now: datetime) -> Iterator[_Block]:
    missing, fields, tasks = values["missing"], values["fields"], values["failed_tasks"]
    yield _Heading(level, f"{values['name'] or values['id']}: {values['status'] or 'not read'}")
    if "instance" in missing:
        yield f"It could not be read: {missing['instance']}"
    if since := values["since"]:
        ago = duration((now - since).total_seconds(), in_minutes=True).replace("<", "under ")
        yield f"Since {_exactly(since, zone)}, {ago} ago. Read at {_at(values['read_at'], zone)}."
    if values["note"]:
        yield f"Note: {values['note']}"
    rows = [("Instance", str(values["id"])), ("Region", values["region"])]
    rows += [
        (f.label, _text(fields.get(f.attribute), zone)) for f in FIELDS if f.attribute not in _SAID
    ]
    rows += [("Ran", "" if values["seconds"] is None else duration(values["seconds"]))]
    rows += [("Tasks", values["progress"] or ""), ("Link", _Url(values["link"] or ""))]
    yield _Table((), [row for row in rows if row[1]])
    if "tasks" in missing:
        yield f"Its tasks could not be read: {missing['tasks']}"
    if _waits(values):
        yield "It has not begun. This command prints what it waits for:"
        yield _Lines(f"wfinspect upstream {values['id']}")
    log_zone = zone_words(values["region"], now)
    yield from _before_rerun(values, zone)
    if values["rerun"]:
        yield "To run what failed again, by hand:"
        yield _Lines(values["rerun"])
    for task in tasks:
        yield from _about_task(task, missing, level + 1, zone, log_zone)
    yield from _holds_up(values, level + 1)
    yield from _timeline(values, level + 1, zone)
    yield from _comparison(values, level + 1)
    pairs = [(kind, *each.values()) for kind in ("parameter", "tag") for each in values[f"{kind}s"]]
    if pairs:
        yield _Heading(level + 1, "Parameters and tags")
        yield from _table(("Kind", "Name", "Value"), pairs)
    if values["request_ids"]:
        yield _Heading(level + 1, "RequestIds")
        ids = [tuple(each.values()) for each in values["request_ids"]]
        yield from _table(("Operation", "RequestId"), ids)


def _waits(values: Mapping[str, Any]) -> bool:
    """Return whether the run has not begun."""
    return family_of(values["status"] or "") in {Family.IDLE, Family.WAITING}


_HELD = ("name", "status", "workflow", "instance", "workspace", "owner")
_SAID = {"id", "name", "status"}


def _about_task(
    task: Mapping[str, Any], missing: Mapping[str, str], level: int, zone: tzinfo, log_zone: str
) -> Iterator[_Block]:
    yield _Heading(level, f"Failed task {task['name'] or task['id']}")
    ran = "" if task["seconds"] is None else duration(task["seconds"])
    parameters = " ".join("=".join(filter(None, each.values())) for each in task["parameters"])
    rows = (
        *(("Task instance", str(task["id"])), ("Type", task["type"]), ("Owner", task["owner"])),
        *(("Run", str(task["run_number"] or "")), ("Started", _text(task["started"], zone))),
        *(("Finished", _text(task["finished"], zone)), ("Ran", ran), ("Parameters", parameters)),
    )
    yield _Table((), [row for row in rows if row[1]])
    if trouble := missing.get(f"log {task['id']}"):
        yield f"Its log was not read: {trouble}"
        yield "This command prints it:"
        yield _Lines(f"wfinspect logs --task {task['id']}")
    if task["errors"]:
        yield "Looks like the error:"
        yield _Lines("\n".join(task["errors"]))
    if task["log_end"]:
        yield f"The end of its log, times in {log_zone}:"
        yield _Lines(task["log_end"])


def _before_rerun(values: Mapping[str, Any], zone: tzinfo) -> Iterator[_Block]:
    """Yield what failed before a rerun, as far as it was read, else how to find it."""
    number = values["earlier_run"]
    if rerun_at := values["rerun_at"]:
        at = _exactly(rerun_at, zone)
        yield f"It failed, and was rerun at {at}. This report is about the run since then."
        number = number or 1
    runs = [
        TaskInstance(each["id"], task_name=each["name"], run_number=each["run_number"])
        for each in values["failed_before"]
    ]
    if runs:
        yield before_rerun(runs)
        yield _Lines("\n".join(log_command(values["id"], run) for run in runs))
    elif number:
        yield f"This prints a log of run {number}, and which task and result it is of:"
        yield _Lines(f"wfinspect logs {values['id']} --run {number}")


def _holds_up(values: Mapping[str, Any], level: int) -> Iterator[_Block]:
    if "held_up" in values["missing"]:
        yield f"Not all that it holds up was read: {values['missing']['held_up']}"
    if held := values["held_up"]:
        yield _Heading(level, "Holds up")
        rows = [[str(each[name] or "-") for name in _HELD] for each in held]
        yield from _table([name.capitalize() for name in _HELD], rows)
    if inner := values["held_up_inside"]:
        names = listed([each["name"] or str(each["id"]) for each in inner], _MOST_ROWS)
        yield f"These of its own tasks have not begun because of that: {names}."
    if unread := values["held_up_unread"]:
        were = "task was" if unread == 1 else "tasks were"
        more = f"wfinspect downstream {values['id']} looks further."
        yield f"It may hold up more: {unread:,} {were} not looked at. {more}"


def _timeline(values: Mapping[str, Any], level: int, zone: tzinfo) -> Iterator[_Block]:
    if trouble := values["missing"].get("operations", ""):
        yield f"Not all manual actions were read: {trouble}"
    if events := values["timeline"]:
        yield _Heading(level, "Timeline")
        when = f"When, {utc_words(zone, events[-1]['at'])}"
        yield from _table((when, "What", "How exactly"), [_event_row(e, zone) for e in events])
        if values["failed_tasks"] and not trouble:
            # It is a call for each task: those that were rerun and did not fail have none.
            yield "Manual actions were read for the failed tasks only."


def _event_row(event: Mapping[str, Any], zone: tzinfo) -> Sequence[str]:
    seen = event["seen_between"]
    between = f"between {_at(seen[0], zone)} and {_at(seen[1], zone)}" if seen else ""
    return _at(event["at"], zone), event["what"], between or "to the second"


def _comparison(values: Mapping[str, Any], level: int) -> Iterator[_Block]:
    found, missing = values["compared"] or {}, values["missing"].get("comparison")
    if not (found or missing):
        return
    yield _Heading(level, "Compared with its last success")
    if missing:
        yield f"The comparison was not read in full: {missing}"
        yield "This command prints it:"
        yield _Lines(f"wfinspect compare {values['id']}")
    if found.get("usual"):
        yield f"Its run: {found['usual']}."
    if "id" not in found:
        return
    took = "" if found["seconds"] is None else f", took {duration(found['seconds'])}"
    yield f"The last success before it is {found['id']}, of business date {found['biz_date'] or '-'}{took}."
    rows = [
        [task["name"], *(_ran(task[word], task[ran]) for word, ran in _BOTH)]
        for task in found["tasks"]
    ]
    # What went alike says nothing, and there may be thousands.
    differ = [row for row in rows if row[1] != row[2]]
    if not _waits(values):
        if alike := len(rows) - len(differ):
            yield f"{alike:,} of {len(rows):,} tasks ended alike, after the same time."
        yield from _table(("Task", "This run", "Last success"), differ)
    fields = [
        [each["name"], *(each[name] or "-" for name in ("value", "value_before"))]
        for each in found["fields"]
    ]
    yield from _table(("Field, $parameter or #tag", "This run", "Last success"), fields)


_BOTH = (("status", "seconds"), ("status_before", "seconds_before"))


def _ran(word: str | None, seconds: float | None) -> str:
    return f"{word or '-'}{'' if seconds is None else f' {duration(seconds)}'}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[_Block]:
    if rows:
        yield _Table(titles, rows[:_MOST_ROWS])
    if (more := len(rows) - _MOST_ROWS) > 0:
        yield f"... and {more:,} more."


def _at(at: datetime | None, zone: tzinfo) -> str:
    return "-" if at is None else clock_time(at, zone)


def _exactly(at: datetime, zone: tzinfo) -> str:
    return f"{clock_time(at, zone)} {utc_words(zone, at)}"


def _text(value: Any, zone: tzinfo) -> str:  # noqa: ANN401 - any field's
    return _exactly(value, zone) if isinstance(value, datetime) else str(value or "")


# How it is written.


def _line(text: str) -> str:
    """Return one line of any text, in which nothing can act or hide, without a secret of ours."""
    start, size = shortened(without_secrets(text))
    return shown(start, limit=VALUE_LIMIT) + (f"... {size}" if size else "")


def _whole(text: str) -> str:
    """Return the lines of a log in the same way."""
    return plain_text(without_secrets(text))


# A > quotes only at the start of a line. An underscore within a word is none; a colon or dot would make a
# link of what follows it or stands before.
_MARK = re.compile(r"^>|[\\`*\[\]|~!$#]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE)
_IN_MARKDOWN = str.maketrans({"&": "&amp;", "<": "&lt;"})
_IN_HTML = {**_IN_MARKDOWN, ord(">"): "&gt;", ord('"'): "&quot;"}


def _markdown(blocks: Iterable[_Block]) -> str:
    return "\n\n".join(map(_markdown_block, blocks))


def _markdown_block(block: _Block) -> str:
    if isinstance(block, _Heading):
        return f"{'#' * block.level} {_in_markdown(block.text)}"
    if isinstance(block, _Lines):
        text = _whole(block.text)
        # Longer than any row of these in the text, so that none ends the block.
        fence = "`" * max(3, *(len(each) + 1 for each in re.findall("`+", text)), 3)
        return f"{fence}text\n{text}\n{fence}"
    if isinstance(block, _Table):
        width = len(block.rows[0])
        rows = [block.titles or ("",) * width, ("---",) * width]
        lines = [*rows, *([_in_markdown(cell) for cell in row] for row in block.rows)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return _in_markdown(block)


def _in_markdown(text: str) -> str:
    if isinstance(text, _Url):
        return f"<{text}>"
    return _MARK.sub(r"\\\g<0>", _line(text).lstrip(" ").translate(_IN_MARKDOWN))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; }}
h1, h2, h3 {{ line-height: 1.25; overflow-wrap: anywhere; break-after: avoid; }}
h2 {{ margin-top: 2.5em; border-top: 1px solid #8888; padding-top: 0.7em; }}
table {{ border-collapse: collapse; margin: 1em 0; }}
th, td {{ border: 1px solid #8888; padding: 0.2em 0.6em; text-align: left; vertical-align: top; }}
th, td {{ white-space: pre-wrap; overflow-wrap: anywhere; min-width: 6em; }}
th {{ font-weight: 600; background: #8881; }}
pre {{ border-left: 4px solid #c33; padding: 0.6em 0.8em; background: #8881; white-space: pre-wrap; }}
pre {{ overflow-wrap: anywhere; font-size: 13px; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 11px; }} tr, pre {{ break-inside: avoid; }} }}
</style>
</head>
<body>
{}
</body>
</html>"""


def _html(blocks: Sequence[_Block]) -> str:
    title = next(block.text for block in blocks if isinstance(block, _Heading))
    return _PAGE.format(_in_html(title), "\n".join(map(_html_block, blocks)))


def _html_block(block: _Block) -> str:
    if isinstance(block, _Heading):
        return f"<h{block.level}>{_in_html(block.text)}</h{block.level}>"
    if isinstance(block, _Lines):
        return f"<pre>{_whole(block.text).translate(_IN_HTML)}</pre>"
    if isinstance(block, _Table):
        first = "td" if block.titles else "th"
        rows = [f"<tr>{''.join(map('<th>{}</th>'.format, block.titles))}</tr>"] * bool(block.titles)
        for head, *others in block.rows:
            cells = "".join(f"<td>{_in_html(cell)}</td>" for cell in others)
            rows.append(f"<tr><{first}>{_in_html(head)}</{first}>{cells}</tr>")
        return "\n".join(["<table>", *rows, "</table>"])
    return f"<p>{_in_html(block)}</p>"


def _in_html(text: str) -> str:
    safe = _line(text).translate(_IN_HTML)
    return f'<a href="{safe}">{safe}</a>' if isinstance(text, _Url) else safe
