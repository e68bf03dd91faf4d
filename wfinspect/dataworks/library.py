"""What only the official credentials library can do; to be called in a thread of its own.

The library costs 0.3 s to import, blocks, logs to standard error and puts secrets into its
exceptions; none of that may reach the terminal or a sentence.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from wfinspect.errors import CredentialsMissing, Refused, ServiceError
from wfinspect.format import shown

Keys = tuple[str, str, str]
"""Key ID, secret and token, the last "" for a key that is not temporary."""

Provider = Callable[[], Keys]
"""Blocks until there are keys; raises a ServiceError."""

_REMEDIES = {
    "CloudSSO": "log in again with `aliyun configure --mode CloudSSO --profile {name}`.",
    "OAuth": "log in again with `aliyun configure --mode OAuth --profile {name}`.",
    "External": "run its process_command by hand and see what it says.",
    "CredentialsURI": "check that its credentials_uri answers.",
    "EcsRamRole": "check that this machine is an ECS instance with that role.",
    "RamRoleArn": "check the role's ARN and the key that assumes it.",
    "ChainableRamRoleArn": "check the role's ARN and its source_profile.",
    "OIDC": "check the role's ARN and the token file.",
}
"""The modes that are served, and what to do where one gives no keys."""

_LOGGERS = (
    "credentials", "alibabacloud-tea", "darabonba-core", "apscheduler", "urllib3", "requests",
    "aiohttp",
)  # fmt: skip


def profile_provider(
    profile: Mapping[str, Any], environ: Mapping[str, str], config_file: Path
) -> Provider:
    """A provider for a CLI profile of any mode but AK and StsToken.

    Raises:
        Refused: the mode is not served, or the environment forbids it.
    """
    name, mode = str(profile.get("name")), str(profile.get("mode"))
    quoted = f"'{shown(name, limit=80)}' ({shown(mode, limit=40)})"
    if mode not in _REMEDIES:
        raise Refused(
            f"Profile {quoted} has a mode that is not served: use one of AK, StsToken, "
            f"{', '.join(_REMEDIES)}."
        )
    forbidden = environ.get("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", "").lower() in {"1", "true"}
    if forbidden and mode in {"External", "CredentialsURI"}:
        raise Refused(
            f"Profile {quoted} is switched off by ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS: unset "
            "that, or use another profile."
        )
    uri = str(profile.get("credentials_uri") or "")
    if mode == "CredentialsURI":
        _require_private(uri, f"The credentials_uri of profile {quoted}")
    remedy = _REMEDIES[mode].format(name=shown(name, limit=80))

    def build() -> Iterator[Callable[[], Any]]:
        library = _library()
        if mode == "CredentialsURI":
            # The library's reader of the CLI's file does not know this mode.
            yield lambda: library.URLCredentialsProvider(uri=uri)
        else:
            yield lambda: library.CLIProfileCredentialsProvider(
                profile_name=name, profile_file=str(config_file)
            )

    return _FirstThatWorks(build, Refused(f"Profile {quoted} gave no keys: {remedy}"))


def chain_provider(environ: Mapping[str, str], ini_file: Path, how_to: str) -> Provider:
    """The official default chain after environment keys and the CLI's file: OIDC, ini, ECS, URI."""
    value = environ.get

    def build() -> Iterator[Callable[[], Any]]:
        library = _library()
        role, issuer, token = (
            value(f"ALIBABA_CLOUD_{part}")
            for part in ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE")
        )
        if role and issuer and token:
            yield lambda: library.OIDCRoleArnCredentialsProvider(
                role_arn=role,
                oidc_provider_arn=issuer,
                oidc_token_file_path=token,
                role_session_name=value("ALIBABA_CLOUD_ROLE_SESSION_NAME"),
            )
        if ini_file.is_file():
            yield lambda: library.ProfileCredentialsProvider(
                profile_file=str(ini_file), profile_name=value("ALIBABA_CLOUD_PROFILE")
            )
        if value("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() != "true":
            yield lambda: library.EcsRamRoleCredentialsProvider(
                role_name=value("ALIBABA_CLOUD_ECS_METADATA"), async_update_enabled=False
            )
        uri = value("ALIBABA_CLOUD_CREDENTIALS_URI")
        if uri:
            _require_private(uri, "ALIBABA_CLOUD_CREDENTIALS_URI")
            yield lambda: library.URLCredentialsProvider(uri=uri)

    return _FirstThatWorks(build, CredentialsMissing(f"No credentials were found: {how_to}"))


class _FirstThatWorks:
    """Asks the library's providers in turn and keeps the first that gives keys.

    Keys that can't be renewed are given again: they may be good for a while, and the service says
    so when they are not.
    """

    def __init__(
        self, build: Callable[[], Iterator[Callable[[], Any]]], failure: ServiceError
    ) -> None:
        self._build = build
        self._failure = failure
        self._kept: Any = None
        self._last: Keys | None = None

    def __call__(self) -> Keys:
        if self._kept is not None:
            _, keys = _ask(lambda: self._kept)
            self._last = keys or self._last
        else:
            for make in self._build():
                self._kept, self._last = _ask(make)
                if self._last is not None:
                    break
        if self._last is None:
            self._kept = None
            # Raised anew: one exception object must not gather the tracebacks of many calls.
            raise type(self._failure)(self._failure.sentence)
        return self._last


def _ask(make: Callable[[], Any]) -> tuple[Any, Keys | None]:
    try:
        provider = make()
        found = provider.get_credentials()
        parts = (
            found.get_access_key_id(),
            found.get_access_key_secret(),
            found.get_security_token(),
        )
    except Exception:  # noqa: BLE001 - it raises anything, with answers and keys in the text
        return None, None
    key_id, secret, token = (str(part or "").strip() for part in parts)
    return provider, ((key_id, secret, token) if key_id and secret else None)


def _require_private(uri: str, what: str) -> None:
    """Raise Refused if keys served there would cross a network in the clear."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        is_private = parts.scheme == "https" or (
            parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
        )
    except ValueError:
        is_private = False
    if not is_private:
        raise Refused(
            f"{what} would bring keys in the clear: use https://; http:// is for this machine, "
            "127.0.0.1 or localhost, only."
        )


def _library() -> ModuleType:
    """The library, imported on first use, its voice taken away, its commands and calls in bounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from alibabacloud_credentials import provider  # noqa: PLC0415 - 0.3 s and 480 modules

        from wfinspect.dataworks import library_bounds  # noqa: PLC0415 - imports the same
    library_bounds.set_for(provider)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    module: ModuleType = provider
    return module
