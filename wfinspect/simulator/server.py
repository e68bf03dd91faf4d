"""The simulated service on a loopback port: a thread with a loop of its own, started and stopped at will.

Owns sockets and time; `service` decides what is answered.
"""

import asyncio
import socket
import ssl
import struct
import threading
from datetime import datetime, timedelta
from typing import Self

import h11

from wfinspect.clock import Clock, SystemClock
from wfinspect.simulator.faults import Faults
from wfinspect.simulator.fleet import REGION, Fleet, Population
from wfinspect.simulator.http import (
    HEAD_LIMIT,
    AccessKey,
    HttpReply,
    MalformedRequest,
    Verifier,
    read_request,
)
from wfinspect.simulator.service import CallLog, Service

KEY = AccessKey("LTAI5tSimulatorAccessKey", "SimulatorSecretIsNoSecret00000")

TEMPORARY_KEY = AccessKey(
    "STS.NTSimulatorAccessKey",
    "SimulatorStsSecretIsNoSecret00",
    "CAISSimulator+Token/IsNoSecret00==",
)
"""A key of the STS kind: refused without its token."""

_HOST = "127.0.0.1"
_BACKLOG = 128
_STOP_SECONDS = 5.0


class Simulator:
    """A loopback DataWorks with a fleet whose runs go on.

    A context manager. Stopping refuses all connections and loses nothing: started again it listens
    on the same port with the same fleet, faults and counts, which is how an outage is made.

    Args:
        clock: what the fleet, the signatures' dates and the Date header go by.
        epoch: when the fleet begins; now without one.
        speed: seconds of the fleet's runs in a second of the clock.
        port: 0 takes a free one.
        extra: so many instances beyond the 30 of the catalogue, a hundred to a workspace.
        tls: serve https with this context in place of http.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        epoch: datetime | None = None,
        speed: float = 1.0,
        port: int = 0,
        extra: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._fleet = Fleet(epoch=epoch or self._clock.now(), speed=speed, extra=extra)
        self.faults = Faults()
        self.calls = CallLog()
        self.population = Population(self._fleet, self.faults)
        self._service = Service(
            self.population,
            self.calls,
            Verifier({key.id: key for key in (KEY, TEMPORARY_KEY)}),
        )
        self._port, self._tls = port, tls
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    access_key_id = KEY.id
    access_key_secret = KEY.secret

    @property
    def url(self) -> str:
        """Where it listens, e.g. ``http://127.0.0.1:40123``; known once it has been started."""
        return f"{'https' if self._tls else 'http'}://{_HOST}:{self._port}"

    @property
    def ids(self) -> tuple[int, ...]:
        """Every instance's ID."""
        return self._fleet.ids

    def environment(self) -> dict[str, str]:
        """Return the variables that make wfinspect use this service."""
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.access_key_secret,
            "WFINSPECT_ENDPOINT": self.url,
            "WFINSPECT_REGION": REGION,
        }

    def set_status(self, instance_id: int, status: str) -> None:
        """Hold an instance in a status from now on."""
        self.population.set_status(instance_id, status, self._clock.now())

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        if self._thread is not None:
            raise RuntimeError("the simulator runs already")
        listener = socket.create_server((_HOST, self._port), backlog=_BACKLOG)
        # A reply is two writes, and the second would wait 40 ms for the first to be acknowledged:
        # asyncio turns that off only for a socket that names its protocol, as `create_server` does not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name="simulator", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """End every connection and stop listening; more than once does no harm."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_SECONDS)
        self._thread = self._loop = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, sock=listener, ssl=self._tls)
        ready.set()
        await self._stopping.wait()
        server.close()
        for task, writer in self._conversations.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping.is_set():
            # It was on its way as the listener closed, too late to be ended with the others.
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._conversations[task] = writer
        task.add_done_callback(self._conversations.pop)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)

        async def send(reply: HttpReply, at: datetime) -> None:
            for event in reply.events(at):
                writer.write(connection.send(event) or b"")
                await writer.drain()

        try:
            while request := await read_request(connection, reader):
                reply, fault = self._service.respond(request, self._clock.now())
                if fault is not None:
                    await asyncio.sleep(fault.seconds)
                    if reply is None:
                        await _end(fault.kind, reader, writer)
                if reply is None:
                    break
                ahead = timedelta(seconds=self.faults.clock_offset_seconds)
                await send(reply, self._clock.now() + ahead)
                if connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
        except MalformedRequest as error:
            reply = HttpReply(error.status, f"{error}\n".encode(), content_type="text/plain")
            await send(reply, self._clock.now())
        except ConnectionError:
            pass
        finally:
            writer.close()


async def _end(outage: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a connection without an answer, the way an outage does."""
    if outage == "hang":
        # Until the peer gives up or the simulator stops.
        await reader.read()
    elif outage == "reset":
        peer: socket.socket = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
