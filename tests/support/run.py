"""Commands run for a test: in its own process, or as the console script beside a server of its own loop."""

import asyncio
from pathlib import Path

import pytest
from journey import SCRIPT

from wfinspect.cli import main
from wfinspect.clock import SystemClock
from wfinspect.commands.doctor import Level, ServiceChecks, findings
from wfinspect.settings import load_settings


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
    """The exit code of a command line, and what it wrote."""
    base = {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIexample",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "aVerySecretSecret01",
        "WFINSPECT_ENDPOINT": "https://127.0.0.1:9",
    }
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *arguments,
        env=base | environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode()


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
