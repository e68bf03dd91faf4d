"""Commands run in the process of a test, also beside a server in its loop."""

import asyncio
import contextlib
import io
import subprocess
from pathlib import Path

import pytest
from journey import Home

from wfinspect.cli import main
from wfinspect.clock import SystemClock
from wfinspect.commands.doctor import Level, ServiceChecks, findings
from wfinspect.settings import load_settings


class InProcess(Home):
    """A user whose commands run in this process, which starts no interpreter for each."""

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        environ = {"HOME": str(self.path), "TZ": "UTC"} | self.environ
        words = [*map(str, arguments)]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words, environ)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


class Run:
    """Runs a command line and keeps what it gave."""

    def __init__(self, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        self.environ = environ
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = main(arguments, self.environ)
        self.out, self.err = self._capsys.readouterr()
        return code


async def command(environ: dict[str, str], home: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of a command line, and what it wrote; it runs in a thread of this process."""
    base = {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "aVerySecretSecret01",
        "WFINSPECT_ENDPOINT": "https://127.0.0.1:9",
    }
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = await asyncio.to_thread(main, arguments, base | environ)
    return code, said.getvalue()


async def service_findings(
    port: int, environ: dict[str, str], home: Path
) -> dict[str, tuple[Level, str]]:
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}
    environ = (
        keys | {"HOME": str(home), "WFINSPECT_ENDPOINT": f"https://127.0.0.1:{port}"} | environ
    )
    service = ServiceChecks(load_settings({}, environ), environ, SystemClock(), lambda _: [])
    found = {name: (f.level, f.text) async for name, f in findings(service.checks())}
    await service.aclose()
    return found
