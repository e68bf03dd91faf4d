"""The service: the only package that knows httpx, msgspec and the names in its JSON.

This module is cheap to import. A client is not (httpx, msgspec and what they need: 0.1 s and more), so it is imported
when one is opened.
"""

import gc
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wfinspect.clock import Clock
from wfinspect.dataworks.endpoints import is_loopback
from wfinspect.model import Target

if TYPE_CHECKING:
    import ssl

    from wfinspect.dataworks.client import DataWorksClient

# Where click is installed, httpx imports its own command line with it: 56 ms, and rich for commands without a screen.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # says that there is none

Connect = Callable[[Target, Callable[[], None]], Awaitable["DataWorksClient"]]


def connector(environ: Mapping[str, str], home: Path, clock: Clock) -> Connect:
    """Return a function that opens a client for a target; it calls its second argument for each request.

    The clients share one TLS context. Opening makes no call and reads no key. It raises
    ConfigError where the proxy or the certificates that the environment names can't be used.
    """
    shared: list[ssl.SSLContext] = []

    async def connect(target: Target, on_call: Callable[[], None]) -> "DataWorksClient":
        if is_first := f"{__name__}.client" not in sys.modules:
            gc.disable()
        # Not before a client is opened: these are slow to import, and the screen comes first.
        from wfinspect.dataworks import client, transport  # noqa: PLC0415
        from wfinspect.dataworks.credentials import CredentialsSource  # noqa: PLC0415

        if is_first:
            # All of it stays: looking for garbage among it takes 5 % of `get`.
            gc.freeze()
            gc.enable()
        if is_loopback(target.endpoint):
            verify = transport.no_tls()
        else:
            if not shared:
                shared.append(transport.tls_context(environ))
            verify = shared[0]
        return client.DataWorksClient(
            target,
            lambda: transport.open_http(target.endpoint, environ, verify),
            CredentialsSource(target.profile, environ, home),
            clock,
            on_call=on_call,
        )

    return connect
