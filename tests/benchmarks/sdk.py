"""The engine against a polling loop on the official SDK: calls and CPU for each watched instance and round.

Both ask services of this process through TLS with a certificate made for it, in turns. What is
measured is the CPU of the thread that asks. The SDK's loop decodes and compares, and stores nothing.
"""

import asyncio
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import certifi
from alibabacloud_dataworks_public20240518 import models
from alibabacloud_dataworks_public20240518.client import Client
from alibabacloud_tea_openapi.models import Config
from bench import Figures, main, scratch
from fakes import FakeClock
from raw_server import make_certificate, server_context
from round import GROUPS, WATCHED, Rounds

from wfinspect.clock import SystemClock
from wfinspect.dataworks.transport import KEEPALIVE
from wfinspect.simulator import Simulator

ROUNDS = 5
SYNC_CALLS, ASYNC_CALLS = 300, 30
"""Of each round."""
PACE = 0.1
"""Of the fleet's life: every twelfth instance or so is in another state a minute later."""


class CountingSimulator(Simulator):
    """Knows how many TLS connections were opened to it."""

    handshakes = 0

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        super()._accept(reader, writer)


class Loop:
    """What somebody would write on the SDK: ask for each instance, tell which status is another."""

    def __init__(self, simulator: Simulator, authorities: Path) -> None:
        self._client = Client(
            Config(
                access_key_id=simulator.access_key_id,
                access_key_secret=simulator.access_key_secret,
                endpoint=simulator.url.removeprefix("https://"),
                protocol="https",
                ca=str(authorities),
            )
        )
        self._held: dict[int, str] = {}
        self.changed = 0

    def ask(self, ids: Iterable[int]) -> None:
        """One round with the synchronous client."""
        for number in ids:
            request = models.GetWorkflowInstanceRequest(id=number)
            self._compare(self._client.get_workflow_instance(request))

    async def ask_async(self, ids: Iterable[int]) -> None:
        """One round with the asynchronous client."""
        for number in ids:
            request = models.GetWorkflowInstanceRequest(id=number)
            self._compare(await self._client.get_workflow_instance_async(request))

    def _compare(self, answer: models.GetWorkflowInstanceResponse) -> None:
        found = answer.body.workflow_instance
        self.changed += self._held.get(found.id) != found.status
        self._held[found.id] = found.status


async def measure(
    figures: Figures, ours: CountingSimulator, clock: FakeClock, theirs: Simulator, directory: Path
) -> None:
    """Take turns for some rounds, and print."""
    authorities = directory / "authorities.pem"
    rounds = Rounds(ours, clock, directory / "state", {"SSL_CERT_FILE": str(authorities)})
    await rounds.place()
    loop = Loop(theirs, authorities)
    loop.ask(theirs.ids[-SYNC_CALLS:])
    engine, plain, asynchronous, handshakes = [], [], [], []
    for _ in range(ROUNDS):
        # As between real rounds: the connection of the last one is not kept that long.
        await asyncio.sleep(KEEPALIVE + 0.1)
        before = ours.handshakes
        engine.append(await rounds.one() / WATCHED * 1000)
        handshakes.append(ours.handshakes - before)
        before_calls, used = theirs.calls.count(), time.thread_time()
        loop.ask(theirs.ids[-SYNC_CALLS:])
        plain.append((time.thread_time() - used) / SYNC_CALLS * 1000)
        calls = (theirs.calls.count() - before_calls) / SYNC_CALLS
        used = time.thread_time()
        await loop.ask_async(theirs.ids[-ASYNC_CALLS:])
        asynchronous.append((time.thread_time() - used) / ASYNC_CALLS * 1000)
    await rounds.aclose()
    medians = [f"{statistics.median(each):.2f}" for each in (engine, plain, asynchronous)]
    figures.report(
        f"calls a round for {WATCHED:,} watched in {GROUPS} groups, ours / SDK's loop",
        f"{rounds.calls} / {calls * WATCHED:,.0f}",
    )
    figures.report(
        "CPU for an instance and round, HTTPS: ours / SDK sync / SDK async",
        f"{' / '.join(medians)} ms",
    )
    for name, most, others in (("sync", 0.2, plain), ("async", 0.01, asynchronous)):
        share = statistics.median(a / b for a, b in zip(engine, others, strict=True))
        figures.hold(f"  as a part of one call of the SDK's {name} client", share, most=most)
    figures.hold("TLS connections opened for a round of ours", max(handshakes), most=1)


def tell(figures: Figures) -> None:
    """Measure and print."""
    clock = FakeClock()
    with scratch() as directory:
        files = make_certificate(directory, "127.0.0.1")
        # With everything that each of them loads by itself, and the one that it needs here.
        bundle = Path(certifi.where()).read_bytes() + files[0].read_bytes()
        (directory / "authorities.pem").write_bytes(bundle)
        tls = server_context(files)
        with (
            CountingSimulator(
                clock=clock, extra=WATCHED, speed=PACE, epoch=clock.now(), tls=tls
            ) as ours,
            Simulator(clock=SystemClock(), extra=WATCHED, speed=PACE, tls=tls) as theirs,
        ):
            asyncio.run(measure(figures, ours, clock, theirs, directory))


if __name__ == "__main__":
    main(tell)
