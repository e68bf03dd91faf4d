"""Bounds for the credentials library's calls, commands and files. Imported only with the library.

Tea 0.4.3 sends all plain HTTP through ``HTTP_PROXY`` whatever ``NO_PROXY`` says. What it asks that way is
this machine or the ECS metadata server: a proxy would see the keys, or ask a server of its own.
"""

import os
import select
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from Tea.core import TeaCore

from wfinspect.dataworks.profiles import members_of

_MAX_OUTPUT = 1024 * 1024
"""Bytes a command may print; keys need a thousandth of it."""

_adapter_of = TeaCore.get_adapter


def set_for(provider: ModuleType) -> None:
    """Bound what the library's providers do, in their module and in Tea."""
    provider.external.subprocess = SimpleNamespace(
        run=_run, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
    )
    # It writes renewed keys into what it reads in the locale's encoding.
    provider.cli_profile._load_config = lambda path: members_of(Path(path))  # noqa: SLF001
    TeaCore.get_adapter = staticmethod(_adapter)


def _adapter(prefix: str, tls_min_version: str | None = None) -> HTTPAdapter:
    """Tea's own for TLS, which goes as the environment says; one that goes nowhere else for the rest."""
    is_tls = prefix.upper() == "HTTPS"
    return _adapter_of(prefix, tls_min_version) if is_tls else _Direct()


class _Direct(HTTPAdapter):
    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - handed on
        return super().send(request, *args, **kwargs | {"proxies": None})


def _run(command: list[str], *, timeout: float, **_: object) -> "subprocess.CompletedProcess[str]":
    """What `subprocess.run` does for the library, bounded, and away from the keyboard.

    Raises:
        ValueError: it printed more than `_MAX_OUTPUT` bytes, or nothing for so many seconds.
    """
    quiet, output = subprocess.DEVNULL, b""
    with subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet) as process:  # noqa: S603 - the user's own
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            while (
                len(output) <= _MAX_OUTPUT and select.select([process.stdout], [], [], timeout)[0]
            ):
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    code = process.wait(timeout)
                    return subprocess.CompletedProcess(command, code, output.decode(), "")
                output += piece
        finally:
            process.kill()
    raise ValueError("it printed too much, or nothing any more")
