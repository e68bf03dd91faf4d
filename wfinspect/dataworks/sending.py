"""Sending calls: keys, signature, deadline, and the service's clock where ours is wrong.

One attempt for each call; who calls decides about another. Knows no operation.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from wfinspect.clock import Clock
from wfinspect.dataworks.credentials import CredentialsSource
from wfinspect.dataworks.endpoints import base_url, is_loopback
from wfinspect.dataworks.exchange import Answer, Call, Exchange
from wfinspect.dataworks.failures import NO_SKEW, failure_of, has_code, http_date
from wfinspect.dataworks.network_faults import contact_error
from wfinspect.dataworks.signing import Acs3Auth
from wfinspect.errors import ABOUT_KEYS, BadAnswer, ClockSkew, NotFound

DEADLINE = 20.0
"""Seconds a call may take in all; httpx has no such limit, and a slow drip passes its others."""

_SAME_CLOCK = timedelta(minutes=1)
"""A second attempt with a date that hardly differs would be refused again."""

_DATE_TRUST = 10.0
"""Seconds an answer may take for its Date to say something about the clock."""

_OK = 200
_T = TypeVar("_T")


class Sender:
    """Sends the calls of one binding; every failure is a `ServiceError`.

    A call runs in a task of its own that nobody cancels from outside: a native cancel in the wrong
    moment leaves a connection of httpx's pool in use for ever. Its caller may be cancelled freely.
    """

    def __init__(
        self,
        endpoint: str,
        open_http: Callable[[], httpx.AsyncClient],
        credentials: CredentialsSource,
        clock: Clock,
        *,
        region: str = "",
        on_call: Callable[[], None] = lambda: None,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
        deadline: float = DEADLINE,
    ) -> None:
        """Open no connection yet.

        Args:
            endpoint: as `Binding.endpoint`.
            open_http: makes an HTTP client for that endpoint.
            credentials: gives the keys for each call.
            clock: gives the date that is signed.
            region: decides when a day of calls ends.
            on_call: called once for each request that goes out.
            nonce: gives a text that was never used before.
            deadline: seconds that a call may take in all.
        """
        self._region = region
        self._host = urlsplit(base_url(endpoint)).netloc
        self._has_tls = not is_loopback(endpoint)
        self._exchange = Exchange(self._host, open_http, on_call)
        self._credentials = credentials
        self._clock = clock
        self._nonce = nonce
        self._deadline = deadline
        self._offset = timedelta()
        self.skew_seconds: float | None = None
        """How far the service's clock was ahead by the last answer that told; None before one."""
        self._running: set[asyncio.Task[Any]] = set()

    def credentials_fingerprint(self) -> str:
        """A text that changes when the files behind the credentials do: a refusal may be over."""
        return self._credentials.fingerprint()

    async def check_credentials(self) -> None:
        """Raise CredentialsMissing or Refused where a call would; asks the service nothing."""
        await self._credentials.current()

    async def aclose(self) -> None:
        """End what is under way and close the connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._exchange.aclose()

    async def send(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        """Make a call and decode its answer."""
        task = asyncio.create_task(self._within_deadline(call, decode))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Its caller may be gone; asyncio would report an error that nobody has looked at.
            task.exception()

    async def _within_deadline(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        try:
            with anyio.fail_after(call.deadline or self._deadline):
                return await self._corrected(call, decode)
        except TimeoutError as error:
            raise contact_error(error, self._host, self._exchange.proxy) from None

    async def _corrected(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        """One attempt; a second one only if the first shows that the clock signed with is off."""
        used = self._offset
        try:
            return await self._attempt(call, decode)
        except ClockSkew as error:
            if error.skew_seconds is None:
                raise
            offset = timedelta(seconds=error.skew_seconds)
            if abs(offset - used) < _SAME_CLOCK:
                raise
            self._offset = offset
        return await self._attempt(call, decode)

    async def _attempt(self, call: Call, decode: Callable[[bytes], _T]) -> _T:
        keys = await self._credentials.current()
        started = self._clock.monotonic()
        auth = Acs3Auth(keys, lambda: self._clock.now() + self._offset, self._nonce)
        answer = await self._exchange.send(call, auth)
        if self._clock.monotonic() - started <= _DATE_TRUST:
            self._learn_clock(answer)
        if answer.status == _OK:
            try:
                return decode(answer.body)
            except (NotFound, BadAnswer):
                if not has_code(answer.body):
                    raise
        error = failure_of(
            answer.status,
            answer.headers,
            answer.body,
            now=self._clock.now(),
            asked=call.asked,
            kind=call.kind,
            region=self._region,
        )
        if error.code.startswith(ABOUT_KEYS):
            self._credentials.forget()
        raise error

    def _learn_clock(self, answer: Answer) -> None:
        """Take the service's clock where ours is plainly wrong; TLS alone makes its Date the truth."""
        at = http_date(answer.headers.get("date", ""))
        if at is None or "age" in answer.headers:
            return
        offset = at - self._clock.now()
        self.skew_seconds = offset.total_seconds()
        if self._has_tls:
            self._offset = offset if abs(offset) >= NO_SKEW else timedelta()
