"""Every kind of network fault under a real watch over loopback, in real time, all kinds side by side.

Each kind has a server, a client and a watcher of its own: first all is well, then the fault is
there for a while, then it ends.
"""

import asyncio
import contextlib
import json
import random
import ssl
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from bench import Figures, main, scratch
from drive import engine_of
from raw_server import Handle, Seen, http_answer, make_certificate, raw_server, read_request
from raw_server import server_context as tls_server
from toxics import (
    BAD,
    ID,
    TRANSIENT,
    WHOLE,
    dripping,
    flood,
    hang,
    proxying,
    reset_at_once,
    sending,
)

from wfinspect.clock import SystemClock
from wfinspect.dataworks import transport
from wfinspect.dataworks.client import DataWorksClient
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.errors import BadAnswer, ServiceError, Unreachable
from wfinspect.model import InstanceId, InstanceKey, Target, WorkflowInstance
from wfinspect.watching.poller import Poller

INTERVAL = 15.0
FAULT_SECONDS = 40.0
DEADLINE = 6.0
"""Of a call; shorter than in life, so that what hangs fails several times while the fault lasts."""
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
TRUTH = http_answer(
    json.dumps({"WorkflowInstance": {"Id": ID, "Status": "Checking", "Name": "true"}}).encode()
)
"""What the service says when all is well; every fault that holds an instance says something else."""


@dataclass
class Kind:
    """A fault, and what the watch has to make of it."""

    name: str
    toxic: Handle
    expected: type[ServiceError]
    fault_tls: ssl.SSLContext | None = None
    """What the server speaks during the fault, where it speaks TLS before and after."""
    is_tls: bool = False
    has_proxy: bool = False
    is_permanent: bool = False


@dataclass
class Trial:
    """One kind under way."""

    kind: Kind
    is_faulty: bool = False
    errors: list[ServiceError] = field(default_factory=list)
    good_at: list[float] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    watcher: Poller | None = None


class Recorded:
    """A client that keeps what came of each call."""

    def __init__(self, client: DataWorksClient, trial: Trial, now: Callable[[], float]) -> None:
        self._client = client
        self._trial = trial
        self._now = now
        self.aclose = client.aclose
        self.credentials_fingerprint = client.credentials_fingerprint
        self.check_credentials = client.check_credentials

    async def get_workflow_instance(self, instance_id: InstanceId) -> WorkflowInstance:
        try:
            found = await self._client.get_workflow_instance(instance_id)
        except ServiceError as error:
            self._trial.errors.append(error)
            raise
        self._trial.good_at.append(self._now())
        return found

    async def list_workflow_instances(
        self, ids: Sequence[InstanceId], *, project_id: int, biz_date: int, env_type: str
    ) -> tuple[WorkflowInstance, ...]:
        raise AssertionError((ids, project_id, biz_date, env_type))


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()
    await reader.read()


def kinds(directory: Path) -> tuple[list[Kind], tuple[Path, Path], Path]:
    """All kinds, the good certificate, and the bundle of all that are trusted."""
    slow = {
        "headers byte by byte": dripping(WHOLE, 0.5),
        "body byte by byte": dripping(WHOLE, 0.25),
        "endless 100 Continue": flood,
    }
    found = [
        Kind(name, slow.get(name, handle), Unreachable)
        for name, (handle, _, _) in TRANSIENT.items()
    ]
    found += [Kind(name, sending(data), BadAnswer) for name, (data, _) in BAD.items()]
    made = {}
    for name, host in {"good": "127.0.0.1", "host": "example.org", "unknown": "127.0.0.1"}.items():
        (directory / name).mkdir()
        made[name] = make_certificate(directory / name, host)
    bundle = directory / "bundle.pem"
    bundle.write_bytes(b"".join(made[name][0].read_bytes() for name in ("good", "host")))
    old = tls_server(made["good"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    for name, certificate in (("unknown authority", "unknown"), ("wrong host", "host")):
        tls = tls_server(made[certificate])
        found.append(Kind(name, hang, Unreachable, tls, is_tls=True, is_permanent=True))
    found += [
        Kind("TLS 1.1", hang, Unreachable, old, is_tls=True),
        Kind("TLS is not answered", hang, Unreachable, is_tls=True),
        Kind("TLS is reset", reset_at_once, Unreachable, is_tls=True),
        Kind("TLS is answered in plain text", greet, Unreachable, is_tls=True, is_permanent=True),
        Kind("proxy says 502", proxying("502 Bad Gateway", Seen()), Unreachable, has_proxy=True),
    ]
    return found, made["good"], bundle


def serving(trial: Trial, good_tls: ssl.SSLContext, passes_on: Handle | None) -> Handle:
    """The server of a trial: the fault or the truth, as the moment is."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trial.writers.add(writer)
        kind = trial.kind
        try:
            if trial.is_faulty:
                if kind.fault_tls is not None:
                    await writer.start_tls(kind.fault_tls)
                await kind.toxic(reader, writer)
                return
            if passes_on is not None:
                await passes_on(reader, writer)
                return
            if kind.is_tls:
                await writer.start_tls(good_tls)
            while True:
                await read_request(reader)
                writer.write(TRUTH)
                await writer.drain()
        finally:
            trial.writers.discard(writer)

    return handle


async def start(
    kind: Kind, good: tuple[Path, Path], bundle: Path, state: Path, stack: contextlib.AsyncExitStack
) -> Trial:
    """A trial whose watch has begun."""
    trial, clock, good_tls = Trial(kind), SystemClock(), tls_server(good)
    environ = {"SSL_CERT_FILE": str(bundle)}
    passes_on = None
    if kind.has_proxy:
        passes_on = proxying("200 OK", Seen())
        plain = Trial(Kind("behind the proxy", hang, Unreachable, is_tls=True))
        behind = await stack.enter_async_context(raw_server(serving(plain, good_tls, None)))
    seen = await stack.enter_async_context(raw_server(serving(trial, good_tls, passes_on)))
    if kind.has_proxy:
        environ["HTTPS_PROXY"] = f"http://127.0.0.1:{seen.port}"
        endpoint = f"127.0.0.1:{behind.port}"
    else:
        endpoint = f"127.0.0.1:{seen.port}" if kind.is_tls else f"http://127.0.0.1:{seen.port}"
    verify = transport.tls_context(environ) if "http" not in endpoint else transport.no_tls()

    def open_http() -> httpx.AsyncClient:
        return transport.open_http(endpoint, environ, verify)

    async def connect(target: Target, on_call: Callable[[], None]) -> Recorded:
        keys = CredentialsSource("(env)", KEYS, state)
        client = DataWorksClient(target, open_http, keys, clock, on_call=on_call, deadline=DEADLINE)
        return Recorded(client, trial, clock.monotonic)

    trial.watcher = Poller(
        engine_of(
            state,
            connect,
            clock,
            Target("(env)", "cn-shanghai", endpoint),
            interval=INTERVAL,
            budget=100_000,
            rng=random.Random(len(kind.name)),
        )
    )
    trial.watcher.watch([InstanceKey(trial.watcher.target, ID)])
    trial.watcher.start()
    return trial


async def until(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait for something, at most for some seconds."""
    for _ in range(round(seconds / 0.05)):
        if is_so():
            return
        await asyncio.sleep(0.05)


def judge(trial: Trial, ended_at: float) -> tuple[list[str], float]:
    """What was wrong, and the seconds until contact was back."""
    kind, wrong = trial.kind, []
    back = next((at - ended_at for at in trial.good_at if at > ended_at), float("inf"))
    assert trial.watcher is not None
    seen = trial.watcher.snapshot
    if not trial.errors:
        wrong.append("no call failed")
    for error in trial.errors:
        is_permanent = isinstance(error, Unreachable) and error.is_permanent
        if type(error) is not kind.expected or is_permanent is not kind.is_permanent:
            wrong.append(f"{type(error).__name__} ({error.cause})")
    if seen.transitions or [row.instance and row.instance.status for row in seen.rows] != [
        "Checking"
    ]:
        wrong.append("the state changed")
    if seen.health.trouble is not None and seen.health.trouble.cause == "internal error":
        wrong.append("a crash")
    return wrong, back


async def main_async(figures: Figures, directory: Path) -> None:
    """Let all kinds happen at once and print what came of each."""
    all_kinds, good, bundle = kinds(directory)
    clock = SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        trials = [
            await start(kind, good, bundle, directory / f"state{n}", stack)
            for n, kind in enumerate(all_kinds)
        ]
        await until(lambda: all(trial.good_at for trial in trials), INTERVAL)
        for trial in trials:
            trial.is_faulty = True
            for writer in tuple(trial.writers):
                writer.transport.abort()
        await asyncio.sleep(FAULT_SECONDS)
        ended_at = clock.monotonic()
        for trial in trials:
            trial.is_faulty = False
        await until(
            lambda: all(trial.good_at[-1:] > [ended_at] for trial in trials), 2 * INTERVAL + 10.0
        )
        await asyncio.sleep(0.3)
        worst, amiss = 0.0, 0
        for trial in trials:
            wrong, back = judge(trial, ended_at)
            amiss, worst = amiss + bool(wrong), max(worst, back)
            tail = f"{len(trial.errors):3} failed calls, back after {back:5.1f} s"
            causes = ", ".join(sorted({error.cause for error in trial.errors}))
            kind = f"{trial.kind.name:30} {trial.kind.expected.__name__:12} {causes:20}"
            figures.say(f"{kind} {tail} {wrong or ''}")
        stops: list[Awaitable[None]] = [
            asyncio.to_thread(trial.watcher.stop) for trial in trials if trial.watcher is not None
        ]
        await asyncio.gather(*stops)
    figures.reach("kinds of fault", len(trials), least=33)
    figures.hold("of another class, a crash, or a state changed", amiss, most=0)
    figures.hold("seconds until the first good poll", worst, most=INTERVAL + 5.0)


def tell(figures: Figures) -> None:
    """Let them happen and print."""
    with scratch() as directory:
        asyncio.run(main_async(figures, directory))


if __name__ == "__main__":
    main(tell)
