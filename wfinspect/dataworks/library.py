"""The official credentials library, quiet and within bounds. Imported only where a profile needs it, in a thread.

It costs 0.3 s or more to import, blocks, logs to standard error and puts secrets into its exceptions; none of that
may reach the terminal or a sentence. Tea 0.4.3 sends all plain HTTP through ``HTTP_PROXY`` whatever ``NO_PROXY``
says. What it requests that way is this machine or the ECS metadata server: a proxy would see the keys, or request
a server of its own.
"""

import logging
import os
import select
import subprocess
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from Tea.core import TeaCore

from wfinspect.clock import SystemClock
from wfinspect.dataworks.profiles import CliFile, members_of, mode_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from alibabacloud_credentials import provider


def of_profile(chain: Sequence[Mapping[str, Any]], file: CliFile) -> Any:  # noqa: ANN401 - the library's
    """Make the library's provider for the first profile of a chain; the second gives keys to the first.

    The library's own reader of the file is used only for the modes whose renewed keys it writes back. It
    passes over ``sts_endpoint``, the token of a RamRoleArn profile and keys of CloudSSO that have not
    expired, and does not know the modes CredentialsURI and RamRoleArnWithRoleName.
    """
    profile, mode, of = chain[0], mode_of(chain[0]), chain[0].get
    role = {
        "role_arn": of("ram_role_arn"),
        "role_session_name": of("ram_session_name"),
        "duration_seconds": of("expired_seconds") or None,
        "policy": of("policy"),
        "sts_region_id": of("sts_region"),
        # The CLI takes a URL as well as a host.
        "sts_endpoint": str(of("sts_endpoint") or "").strip().rpartition("://")[2].rstrip("/"),
        "enable_vpc": of("enable_vpc"),
    }
    found: Any
    match mode:
        case "AK" | "StsToken":
            found = _static(profile, has_token=mode == "StsToken")
        case "EcsRamRole":
            found = _ecs_role(profile)
        case "RamRoleArn" | "RamRoleArnWithRoleName" | "ChainableRamRoleArn":
            if mode == "RamRoleArn":
                first = _static(profile, has_token=bool(of("sts_token")))
            elif mode == "RamRoleArnWithRoleName":
                first = _ecs_role(profile)
            else:
                first = of_profile(chain[1:], file)
            found = provider.RamRoleArnCredentialsProvider(
                credentials_provider=first, external_id=of("external_id"), **role
            )
        case "OIDC":
            found = provider.OIDCRoleArnCredentialsProvider(
                oidc_provider_arn=of("oidc_provider_arn"),
                oidc_token_file_path=of("oidc_token_file"),
                **role,
            )
        case "CredentialsURI":
            found = provider.URLCredentialsProvider(uri=str(of("credentials_uri") or ""))
        case _:
            reader = provider.CLIProfileCredentialsProvider(
                profile_name=str(of("name")), profile_file=str(file.path)
            )
            # What was read and checked: by itself it would read the file once more.
            members = {"profiles": [{**profile, "mode": mode}]}
            log_in = partial(reader._get_credentials_provider, members, of("name"))  # noqa: SLF001
            is_kept = mode in {"CloudSSO", "OAuth"}
            found = _KeptKeys(profile, log_in) if is_kept else log_in()
    return found


def _static(profile: Mapping[str, Any], *, has_token: bool) -> Any:  # noqa: ANN401 - the library's
    keys = {name: profile.get(name) for name in ("access_key_id", "access_key_secret")}
    if has_token:
        return provider.StaticSTSCredentialsProvider(
            security_token=profile.get("sts_token"), **keys
        )
    return provider.StaticAKCredentialsProvider(**keys)


def _ecs_role(profile: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the library's
    return provider.EcsRamRoleCredentialsProvider(
        role_name=profile.get("ram_role_name"), async_update_enabled=False
    )


class _KeptKeys:
    """The keys that a log-in left in the file; once they have expired, those of another log-in."""

    def __init__(self, profile: Mapping[str, Any], log_in: Callable[[], Any]) -> None:
        self._log_in = log_in
        self._clock = SystemClock()
        self._provider: Any = None
        try:
            self._expires_at = int(profile.get("sts_expiration") or 0)
            self._kept = _static(profile, has_token=True)
        except ValueError:
            self._expires_at = 0

    def get_credentials(self) -> Any:  # noqa: ANN401 - the library's
        if self._clock.now().timestamp() < self._expires_at:
            return self._kept.get_credentials()
        self._provider = self._provider or self._log_in()
        return self._provider.get_credentials()


_MAX_OUTPUT = 1024 * 1024  # bytes a command may print; keys need a thousandth of it


def _run(command: list[str], *, timeout: float, **_: object) -> "subprocess.CompletedProcess[str]":
    """Run a command as `subprocess.run` does for the library, bounded, and away from the keyboard.

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


_adapter_of = TeaCore.get_adapter


def _adapter(prefix: str, tls_min_version: str | None = None) -> HTTPAdapter:
    """Return Tea's own adapter for TLS, which goes as the environment says; one that goes nowhere else for the rest."""
    is_tls = prefix.upper() == "HTTPS"
    return _adapter_of(prefix, tls_min_version) if is_tls else _Direct()


class _Direct(HTTPAdapter):
    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - handed on
        return super().send(request, *args, **kwargs | {"proxies": None})


_LOGGERS = (
    "credentials", "alibabacloud-tea", "darabonba-core", "apscheduler", "urllib3", "requests",
    "aiohttp",
)  # fmt: skip


def _silence() -> None:
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


provider.external.subprocess = SimpleNamespace(
    run=_run, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
)
# It writes renewed keys into what it reads in the locale's encoding.
provider.cli_profile._load_config = lambda path: members_of(Path(path))  # noqa: SLF001
TeaCore.get_adapter = staticmethod(_adapter)
_silence()
