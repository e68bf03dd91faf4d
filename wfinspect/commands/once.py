"""What the commands that print once share: the target, the stored list, readings with retries."""

import contextlib
import random
import sys
from collections import Counter
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from functools import cache, partial
from itertools import compress
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from wfinspect.clock import Clock, SystemClock
from wfinspect.commands.output import say, target_words
from wfinspect.dataworks import connector
from wfinspect.dataworks.endpoints import endpoint_of
from wfinspect.dataworks.profiles import DEFAULT, ENVIRONMENT, Identity, identify, region_variable
from wfinspect.errors import (
    ConfigError,
    CredentialsMissing,
    DailyLimit,
    NotAnId,
    NotFound,
    Refused,
    ServiceError,
    ServiceTrouble,
    StoreError,
    Throttled,
    Unreachable,
    UsageError,
)
from wfinspect.format import biz_day, listed, shown
from wfinspect.model import (
    MAY_BE_OF_TASK,
    InstanceKey,
    Target,
    TaskInstance,
    WorkflowInstance,
    day_of,
    zone_of,
)
from wfinspect.parsing import FoundIds, parse_ids
from wfinspect.settings import Settings, home_of
from wfinspect.watching.api import Group, InstanceSource, group_of, recorded

if TYPE_CHECKING:
    from wfinspect.search import Test
    from wfinspect.watching.api import Outcome as Answer
    from wfinspect.watching.api import Reply, Request, Row
    from wfinspect.watching.store import Store

DEFAULT_REGION = "cn-shanghai"


class ResolvedTarget(NamedTuple):
    """A target, and where its parts came from in a few words."""

    target: Target
    profile_source: str
    region_source: str
    endpoint_source: str


def resolve_target(
    settings: Settings,
    environ: Mapping[str, str],
    others: Callable[[], Collection[str]] = tuple,
) -> ResolvedTarget:
    """Decide the target of new instances; read no key and send nothing.

    Of what is stored, `others` returns profiles that may be meant where the CLI no longer has them.

    Raises:
        ConfigError: an unknown profile or region, or an endpoint that can't be used.
    """
    try:
        identity = identity_of(settings, environ)
    except ConfigError:
        if settings.profile is None or settings.profile not in others():
            raise
        identity = Identity(settings.profile, None, "the watched list")
    region, region_source = _first(
        (settings.region, settings.sources["region"]),
        (identity.region, _source(identity, environ)),
        (DEFAULT_REGION, "default"),
    )
    choice, endpoint_source = _first(
        (settings.endpoint, settings.sources["endpoint"]),
        (identity.endpoint, _profile_of(identity)),
        ("public", "default"),
    )
    try:
        endpoint = endpoint_of(region, choice)
    except ConfigError as error:
        if endpoint_source in {"default", "--endpoint"}:
            raise
        raise ConfigError(f"{error} It comes from {endpoint_source}.") from None
    target = Target(identity.profile, region, endpoint)
    return ResolvedTarget(target, identity.source, region_source, endpoint_source)


def identity_of(settings: Settings, environ: Mapping[str, str]) -> Identity:
    """Return the account that is meant; its source has what named its profile, too."""
    identity = identify(settings.profile, environ, home_of(environ))
    if settings.profile is None:
        return identity
    named_by = settings.sources["profile"]
    return identity._replace(source=f"{identity.source}, named by {named_by}")


def stored_profiles(store: "Store") -> set[str]:
    """Return the profiles of the watched list and of what is followed."""
    targets = (*(row.key.target for row in store.rows()), *(f.target for f in store.follows()))
    return {each.profile for each in targets}


def _first(*choices: tuple[str | None, str]) -> tuple[str, str]:
    return next((value, source) for value, source in choices if value is not None)


def _source(identity: Identity, environ: Mapping[str, str]) -> str:
    """Return where the region of an identity came from."""
    variable = region_variable(environ)
    is_set_there = variable and identity.region == environ[variable].strip()
    return variable if is_set_there else _profile_of(identity)


def _profile_of(identity: Identity) -> str:
    is_named = identity.profile not in {DEFAULT, ENVIRONMENT}
    return f"profile {identity.profile}" if is_named else "the aliyun CLI's current profile"


def given_keys(
    words: Sequence[str],
    settings: Settings,
    environ: Mapping[str, str],
    target: Target | None = None,
) -> list[InstanceKey]:
    """Return the instances of IDs, or that of the one row of the watched list that words match, which is said.

    Raises:
        UsageError: as `parse_ids`, or several rows match.
    """
    target = target or resolve_target(settings, environ).target
    try:
        return [InstanceKey(target, number) for number in parse_ids(" ".join(words))]
    except NotAnId as error:
        found = _listed(words, settings, environ)
        if found is None:
            raise
        if not found:
            raise NotAnId(error.name, ", and nothing on the watched list matches it") from None
    text, names = shown(" ".join(words), limit=60), [_dated(*each) for each in found.items()]
    if len(found) > 1:
        which = f"{len(found)} rows of the watched list: {listed(names, _MOST_NAMED)}"
        more = ", or more of the name" * (len({each.name for each in found.values()}) > 1)
        raise UsageError(f"{text} matches {which}. Give an ID{more}.")
    say(f"{text}: {names[0]}, on the watched list.")
    return [*found]


def given_key(
    word: str, settings: Settings, environ: Mapping[str, str], target: Target | None = None
) -> InstanceKey:
    """Return the instance of one ID, or of such a word."""
    key, *others = given_keys([word], settings, environ, target)
    if others:
        raise UsageError(f"{word!r} is more than one instance ID: give one.")
    return key


def _listed(
    words: Sequence[str], settings: Settings, environ: Mapping[str, str]
) -> dict[InstanceKey, WorkflowInstance] | None:
    """Return the rows of the watched list that words of a search match; those of a whole name before others.

    None where IDs are among the words.
    """
    from wfinspect.search import ids_and_search, matcher  # `get` of IDs does without

    clock, (ids, terms) = SystemClock(), ids_and_search(words)
    if ids or not terms:
        return None
    matches = matcher(terms, clock.now())
    rows: list[Row] = stored_or(
        settings, clock, lambda s: selected_rows(s, selector(settings, environ, s)), []
    )
    read: Outcomes = {row.key: row.instance for row in rows if row.instance}
    found = _matching(read, matches)
    if not found:
        # What was put on the list without the app has no name yet.
        unread = [row.key for row in rows if row.instance is None and not row.is_gone]
        found = _matching(read_all(unread, settings, environ, clock)[0], matches)
    return {key: each for key, each in found.items() if each.name in words} or found


def _matching(read: "Outcomes", matches: "Test") -> dict[InstanceKey, WorkflowInstance]:
    return {
        key: each
        for key, each in read.items()
        if isinstance(each, WorkflowInstance) and matches(key, each, each.status)
    }


def _dated(key: InstanceKey, found: WorkflowInstance) -> str:
    """Return an instance so that it is told apart from others of its workflow."""
    day = f" of {biz_day(found.biz_date, zone_of(key.target.region))}" if found.biz_date else ""
    return f"{shown(found.name, limit=200)} {key.id}{day}"


Outcome = WorkflowInstance | ServiceError
Outcomes = dict[InstanceKey, Outcome]
"""Of each instance what was read, or why it could not be."""


def errors_of(outcomes: Mapping[InstanceKey, Outcome]) -> dict[InstanceKey, ServiceError]:
    """Return what could not be read."""
    return {key: each for key, each in outcomes.items() if isinstance(each, ServiceError)}


def say_errors(outcomes: Mapping[InstanceKey, Outcome], *, is_of_list: bool = False) -> int:
    """Say what could not be read; return the exit code for that."""
    errors = errors_of(outcomes)
    for sentence in sentences(errors, is_of_list=is_of_list):
        say(sentence)
    return gravest({error.exit_code for error in errors.values()})


def sentences(
    errors: Mapping[InstanceKey, ServiceError], *, is_of_list: bool = False
) -> Sequence[str]:
    """Return what to say of errors: each once, however many IDs it kept from being read.

    Of the list, whose rows have profiles of their own, those that have no usable keys are named.
    """
    keys_of: dict[tuple[str, str], list[InstanceKey]] = {}
    missing = [
        k for k, e in errors.items() if f" instance {k.id} " in e.sentence * isinstance(e, NotFound)
    ]
    for key, error in errors.items():
        is_of_keys = is_of_list and isinstance(error, CredentialsMissing | Refused)
        if len(missing) < 2 or key not in missing:  # noqa: PLR2004 - several
            keys_of.setdefault((str(error), key.target.profile * is_of_keys), []).append(key)
    said = [
        f"{named(keys)}: {text}" if who else on_list(text, keys * is_of_list)
        for (text, who), keys in keys_of.items()
    ]
    if len(missing) > 1:
        numbers, first = ", ".join(str(key.id) for key in missing), max(missing)
        sentence = errors[first].sentence
        said.insert(0, sentence.replace(f"instance {first.id} ", f"instances {numbers} "))
    return said


def on_list(sentence: str, keys: Sequence[InstanceKey]) -> str:
    """Return a sentence on rows of the list, which keep their endpoint whatever --endpoint is."""
    own = [key for key in keys if not key.target.endpoint.startswith("dataworks.")]
    if "--endpoint" not in sentence or not own:
        return sentence
    row, there = own[0].id, shown(own[0].target.endpoint)
    return (
        f"{sentence} {row} was added to the list with {there}, and keeps that: to change it, run "
        f"`wfinspect list remove {row} --endpoint {there}` and `wfinspect list add {row}`; "
        "a note on it is removed as well."
    )


def named(keys: Collection[InstanceKey]) -> str:
    """Return instances of one profile in a few words: ``10432987165 of profile prod``."""
    numbers = [str(key.id) for key in keys]
    which = ", ".join(numbers) if len(numbers) <= _MOST_NAMED else f"{len(numbers):,} instances"
    return f"{which} of profile {next(iter(keys)).target.profile}"


_MOST_NAMED = 3


def gravest(codes: Collection[int]) -> int:
    """Return which of several exit codes to end with."""
    return next((code for code in (4, 5, 2, 3, 1, 8) if code in codes), 0)


async def read_instances(
    keys: Sequence[InstanceKey], environ: Mapping[str, str], clock: Clock, on_call: "OnCall"
) -> Outcomes:
    """Read instances of one target; what may pass is tried again."""
    target = keys[0].target
    client = await connector(environ, home_of(environ), clock)(target, lambda: on_call(target))
    async with contextlib.aclosing(client):
        return await read(client, keys, partial(with_retries, clock=clock, place=target.endpoint))


def read_all(
    keys: Sequence[InstanceKey], settings: Settings, environ: Mapping[str, str], clock: Clock
) -> tuple[Outcomes, int]:
    """Read instances, those of all targets at once; return how many calls that took, too."""
    if not keys:
        return {}, 0
    import asyncio  # dear, and a status bar has no use for it

    calls = Counter[Target]()

    async def read_those(those: Sequence[InstanceKey], on_call: OnCall) -> Outcomes:
        try:
            return await read_instances(those, environ, clock, on_call)
        except ConfigError as error:
            # One profile that is gone must not keep the rows of others from being read.
            return dict.fromkeys(those, Refused(str(error), cause="settings"))

    async def read_each(on_call: OnCall) -> list[Outcomes]:
        by_target: dict[Target, list[InstanceKey]] = {}
        for key in keys:
            by_target.setdefault(key.target, []).append(key)
        return await asyncio.gather(*(read_those(some, on_call) for some in by_target.values()))

    found = run_counted(settings, clock, read_each, calls)
    return {key: outcome for some in found for key, outcome in some.items()}, calls.total()


Attempt = Callable[[Callable[[], Awaitable[WorkflowInstance]]], Awaitable[WorkflowInstance]]


async def read(source: InstanceSource, keys: Iterable[InstanceKey], attempt: Attempt) -> Outcomes:
    """Read instances of one target with few calls.

    `attempt` makes the single calls and may retry them. An error that is not the instance's own
    ends the reading: no other ID would fare better.
    """
    from wfinspect.watching.groups import BatchPlanner

    planner, outcomes, waiting = BatchPlanner(), Outcomes(), dict.fromkeys(keys)
    for key in waiting:
        planner.add(key, None)
    while waiting:
        batch, group = planner.place(next(iter(waiting)), _AT)
        if group is not None:
            try:
                listed = await _list(source, batch, group)
            except ServiceError as error:
                planner.refused(batch, group, error)
                continue
            planner.answered(batch, group, dict.fromkeys(listed, group), _AT)
            outcomes |= listed
            for key in listed:
                del waiting[key]
            continue
        (key,) = batch
        try:
            instance = await attempt(lambda key=key: source.get_workflow_instance(key.id))  # type: ignore[misc]
        except (CredentialsMissing, Refused, Throttled, Unreachable) as error:
            return outcomes | dict.fromkeys(waiting, error)
        except ServiceError as error:
            outcomes[key] = await _of_task(error, key, source.get_task_instance)
            planner.answered(batch, None, {}, _AT)
        else:
            outcomes[key] = instance
            planner.answered(batch, None, {key: group_of(key.target, instance)}, _AT)
        del waiting[key]
    return outcomes


class TaskGiven(NotFound):
    """The ID of a task was given for that of an instance."""

    def __init__(self, sentence: str, task: TaskInstance) -> None:
        super().__init__(sentence)
        self.task = task


async def _of_task(
    error: ServiceError, key: InstanceKey, find: Callable[[int], Awaitable[TaskInstance]]
) -> ServiceError:
    """Return an error on an ID, where that is a task's with what the task is of, at the cost of a call."""
    if isinstance(error, NotFound) and key.id >= MAY_BE_OF_TASK:
        with contextlib.suppress(ServiceError):
            task = await find(key.id)
            if number := task.workflow_instance_id:
                of = f"{shown(task.task_name, limit=200)}, of instance {number}"
                how = f"use that ID, or `wfinspect logs --task {key.id}`."
                return TaskGiven(f"{key.id} is the ID of a task, {of}: {how}", task)
    return error


_AT = 0.0  # one reading is one moment to the planner


async def _list(
    source: InstanceSource, keys: Sequence[InstanceKey], group: Group
) -> dict[InstanceKey, WorkflowInstance]:
    listed: Sequence[WorkflowInstance] = ()
    with contextlib.suppress(NotFound):
        listed = await source.list_workflow_instances(
            [key.id for key in keys],
            project_id=group.project_id,
            biz_date=group.biz_date,
            env_type=group.env_type,
        )
    found = {InstanceKey(group.target, instance.id): instance for instance in listed}
    return {key: found[key] for key in keys if key in found}


ATTEMPTS = 3
BASE_SECONDS = 0.5
THROTTLED_BASE_SECONDS = 1.0
CAP_SECONDS = 20.0
TOTAL_SECONDS = 30.0
"""From the first attempt to the beginning of the last."""
SILENT_SECONDS = 3.0
"""After which a user reads that it lasts."""
_RNG = random.Random()
_T = TypeVar("_T")


async def with_retries(
    attempt: Callable[[], Awaitable[_T]],
    *,
    clock: Clock,
    place: str = "the service",
    answered_at: Callable[[], float] = lambda: -inf,
    sleep: Callable[[float], Awaitable[object]] | None = None,
    rng: random.Random = _RNG,
) -> _T:
    """Return the value of the first attempt that succeeds; raise the last one's ServiceError.

    Pauses have full jitter, and are at least what the service demands. A terminal says that it lasts, and
    why: no answer comes from `place`, or one attempt makes many calls, the last answered at `answered_at`.
    """
    import asyncio

    again = f"Still trying, up to {TOTAL_SECONDS:g}s in all; Ctrl-C ends it."
    started, cause = clock.monotonic(), f"No complete answer from {place} for {SILENT_SECONDS:g}s."

    async def say_why() -> None:
        while (left := max(started, answered_at()) + SILENT_SECONDS - clock.monotonic()) > 0:
            await asyncio.sleep(left)
            if answered_at() > started:
                say_on_terminal("Still reading, 2 calls a second.")
        say_on_terminal(f"{cause} {again}")

    silence = asyncio.create_task(say_why())
    try:
        for number in range(1, ATTEMPTS):
            try:
                return await attempt()
            except ServiceError as error:
                if not is_worth_retrying(error):
                    raise
                pause = pause_seconds(error, number, rng)
                if clock.monotonic() - started + pause > TOTAL_SECONDS:
                    raise
                cause = error.sentence
            if clock.monotonic() - started >= SILENT_SECONDS:
                say_on_terminal(f"{cause} {again}")
            await (sleep or asyncio.sleep)(pause)
        return await attempt()
    finally:
        silence.cancel()


@cache  # of many calls once
def say_on_terminal(sentence: str) -> None:
    """Say what a user who waits needs to know, and a script does not."""
    if sys.stderr is not None and sys.stderr.isatty():
        say(sentence)


def say_none(form: object, sentence: str) -> None:
    """Say why nothing is printed in a form of ``--output``; a script reads that from JSON, CSV or no line."""
    (say if form in {"table", ""} else say_on_terminal)(sentence)


def is_worth_retrying(error: ServiceError) -> bool:
    """Return whether the same call may succeed a little later."""
    if isinstance(error, Unreachable):
        return not error.is_permanent
    return isinstance(error, ServiceTrouble | Throttled) and not isinstance(error, DailyLimit)


def pause_seconds(error: ServiceError, number: int, rng: random.Random) -> float:
    """Return the seconds to wait after the attempt of that number, counted from 1."""
    base, demanded = BASE_SECONDS, 0.0
    if isinstance(error, Throttled):
        base, demanded = THROTTLED_BASE_SECONDS, error.retry_after_seconds or 0.0
    return max(demanded, rng.uniform(0.0, min(CAP_SECONDS, base * 2 ** (number - 1))))


class Requester:
    """Has requests answered as those of a screen are, by an engine that watches nothing."""

    def __init__(self, target: Target, settings: Settings, environ: Mapping[str, str]) -> None:
        # `get` makes its few calls without them: they take 60 ms.
        from wfinspect.watching.engine import Engine
        from wfinspect.watching.notifications import Alerts
        from wfinspect.watching.poller import Poller
        from wfinspect.watching.schedule import Schedule
        from wfinspect.watching.store import EphemeralStore

        self.target = target
        self.clock = SystemClock()
        self._settings = settings
        schedule = Schedule(budget=settings.budget, interval_seconds=settings.interval)
        self._limits = schedule.limits
        self._poller = Poller(
            Engine(
                target,
                connector(environ, home_of(environ), self.clock),
                self.clock,
                store=EphemeralStore(settings.paths.state_dir, self.clock.now),
                schedule=schedule,
                alerts=Alerts(),
            )
        )

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Return what work gives that awaits `answer`; what it has called is counted, also where it fails.

        Raises:
            ServiceError: a request was not answered.
        """
        import asyncio

        from wfinspect.signals import ended_by_signals

        self._poller.start()
        with ended_by_signals():
            try:
                return asyncio.run(work)
            finally:
                self._poller.stop()

    def recorded(self, key: InstanceKey) -> "Sequence[TaskInstance]":
        """Return the tasks of an instance that are recorded of its last failure, as far as that can be read."""
        with contextlib.suppress(StoreError):
            changes = stored(self._settings, self.clock, lambda s: s.transitions(1, key))
            return recorded(changes)
        return ()

    async def answer(self, request: "Request[_T]") -> _T:
        """Return what a request gives; what may pass is tried again."""
        return (await self.reply(request)).value

    async def reply(self, request: "Request[_T]") -> "Reply[_T]":
        """Return the same with when it was read, and how many calls it took."""
        try:
            return await with_retries(
                partial(self._reply, request),
                clock=self.clock,
                place=self.target.endpoint,
                answered_at=lambda: self._limits.answered_at.get(request.destination, -inf),
            )
        except NotFound as error:
            if (key := getattr(request, "key", None)) is None:
                raise
            from wfinspect.watching.api import TaskOf

            raise await _of_task(error, key, lambda n: self.answer(TaskOf(key.target, n))) from None

    async def _reply(self, request: "Request[_T]") -> "Reply[_T]":
        import asyncio

        loop = asyncio.get_running_loop()
        came: asyncio.Future[Answer[_T]] = loop.create_future()

        def heard(outcome: "Answer[_T]") -> None:
            loop.call_soon_threadsafe(came.set_result, outcome)

        self._poller.submit(request, heard)
        outcome = await came
        if isinstance(outcome, Refused) and outcome.cause == "settings":
            raise ConfigError(str(outcome))
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome


def requested(request: "Request[_T]", settings: Settings, environ: Mapping[str, str]) -> _T:
    """Return what one request gives; raises as `Requester.run`."""
    requester = Requester(request.destination, settings, environ)
    return requester.run(requester.answer(request))


def stored(settings: Settings, clock: Clock, read: "Callable[[Store], _T]") -> _T:
    """Return what is read from the store, and say on standard error what of it is damaged.

    Raises:
        StoreError: it can't be read.
    """
    from wfinspect.watching.store import Store

    with contextlib.closing(Store(settings.paths.state_dir, clock.now)) as store:
        found = read(store)
        if unreadable := store.take_unreadable():
            say(unreadable)
        return found


def stored_or(settings: Settings, clock: Clock, read: "Callable[[Store], _T]", otherwise: _T) -> _T:
    """Return the same; where it can't be read, say so and go on with `otherwise`."""
    try:
        return stored(settings, clock, read)
    except StoreError as error:
        say(str(error))
        return otherwise


def stored_rows(settings: Settings, environ: Mapping[str, str], clock: Clock) -> "list[Row]":
    """Return the watched list in its order, as far as it is selected.

    Raises:
        ConfigError: as `selector`.
        StoreError: it can't be read.
    """
    return stored(settings, clock, lambda s: selected_rows(s, selector(settings, environ, s)))


Selector = Callable[[Target], bool]
"""Whether what is stored of a target is meant."""


def selected_rows(store: "Store", is_selected: Selector) -> "list[Row]":
    """Return the rows of the watched list, in its order, that are meant."""
    return [row for row in store.rows() if is_selected(row.key.target)]


def selector(settings: Settings, environ: Mapping[str, str], store: "Store") -> Selector:
    """Return what selects what is stored by --profile, --region and --endpoint.

    What config.toml and variables say is of new instances alone.

    Raises:
        ConfigError: an unknown profile or region, or an endpoint that can't be used.
    """
    given = [settings.sources[name] == f"--{name}" for name in Target._fields]
    if not any(given):
        return lambda _: True
    own = resolve_target(settings, environ, lambda: stored_profiles(store)).target
    wanted = [*compress(target_words(own), given)]
    return lambda target: [*compress(target_words(target), given)] == wanted


def selected_by(settings: Settings) -> str:
    """Return the options that select what is stored, as they are given; "" for none."""
    given = [name for name in Target._fields if settings.sources[name] == f"--{name}"]
    return " ".join(f"--{name} {getattr(settings, name)}" for name in given)


def empty_list(settings: Settings) -> str:
    """Return the sentence that no row of the list is there, or none that is selected."""
    if given := selected_by(settings):
        return f"The watched list has no row of {given}."
    return "The watched list is empty: add to it with wfinspect list add ID."


def read_input(name: str, what: str, parse: Callable[[bytes], _T]) -> _T:
    """Return what a file holds, or standard input for ``-``; `what` names the argument in an error.

    Raises:
        UsageError: it can't be read, or not be parsed.
    """
    from pathlib import Path

    try:
        if name == "-" and sys.stdin.isatty():
            say(f"{what}: type or paste, and end with Enter and ctrl-D.")
        return parse(sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes())
    except OSError as error:
        why = f"can't be read: {error.strerror or error}."
        raise UsageError(f"{what}: {_called(name)} {why}") from None
    except UsageError as error:
        raise UsageError(f"{what}: {_called(name)}: {error}") from None


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def say_found(name: str, found: FoundIds) -> None:
    """Say which IDs were read from a file, and from where in it."""
    where = {"": "", "text": " found in its text"}.get(found.source, f" from {found.source}")
    count = "1 ID" if len(found.ids) == 1 else f"{len(found.ids):,} IDs"
    say("; ".join(filter(None, (f"{_called(name)}: {count}{where}", found.left_out))) + ".")


OnCall = Callable[[Target], None]
"""Notes a request that goes out."""


def run_counted(
    settings: Settings,
    clock: Clock,
    work: Callable[[OnCall], Coroutine[Any, Any, _T]],
    calls: Counter[Target] | None = None,
) -> _T:
    """Return what work gives; the requests that it notes are counted, also where it fails."""
    import asyncio  # dear, and a status bar has no use for it

    calls = Counter() if calls is None else calls
    try:
        return asyncio.run(work(lambda target: calls.update([target])))
    finally:
        count_calls(settings, clock, calls)


def count_calls(settings: Settings, clock: Clock, calls: Counter[Target]) -> None:
    """Count calls that went out, as far as the store can be written."""
    from wfinspect.watching.store import Changes, Store

    changes = Changes()
    for target, number in calls.items():
        changes.calls[target.account, day_of(target.region, clock.now())] += number
    if not changes:
        return
    with (
        contextlib.suppress(StoreError),
        contextlib.closing(Store(settings.paths.state_dir, clock.now)) as store,
    ):
        store.save(changes)
