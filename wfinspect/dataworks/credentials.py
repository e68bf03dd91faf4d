"""The access key of one profile: found, remembered, and read again when its source changes.

A key in the environment or in the aliyun CLI's file is read here. All else (roles, log-ins, commands, metadata
servers) is left to the official library, which `library` keeps within bounds: in a thread, since it blocks.
"""

import codecs
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from wfinspect.dataworks import profiles
from wfinspect.dataworks.profiles import CliFile, mode_of
from wfinspect.dataworks.transport import BlockingCall
from wfinspect.errors import ConfigError, CredentialsMissing, Refused, ServiceError
from wfinspect.format import shown
from wfinspect.redaction import remember_secrets
from wfinspect.settings import (
    PIPE_SECONDS,
    decoded,
    other_writers,
    other_writers_above,
    read_settings,
)

WITHOUT_ACCOUNT = (
    "without an account, `wfinspect demo` shows the app, and `wfinspect simulate` serves commands."
)
HOW_TO = (
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET or run `aliyun configure`; "
    + WITHOUT_ACCOUNT
)

DEADLINE = 15.0
"""Seconds that a caller waits; the look-up itself goes on and serves the next caller."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; its text shows no secret, since crash reports print what they find."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""
    """"" for a key that is not temporary."""

    def __repr__(self) -> str:
        return f"Credentials({self.masked_id}, ***)"

    @property
    def masked_id(self) -> str:
        """Enough of the key's ID to tell two apart."""
        return f"{self.access_key_id[:4]}***"


Provider = Callable[[], Credentials]
"""Blocks until there are keys; raises a ServiceError."""


class CredentialsSource:
    """The credentials of one profile, kept until their source changes or the service refuses them."""

    def __init__(
        self,
        profile: str,
        environ: Mapping[str, str],
        home: Path,
        *,
        deadline: float = DEADLINE,
    ) -> None:
        """Look nowhere yet; `profile` is a CLI profile's name, ``(env)`` or ``(default)``."""
        self._profile = profile
        self._environ = environ
        self._home = home
        self._deadline = deadline
        self._seen = ""
        self._known: Credentials | None = None
        self._provider: Provider | None = None
        self._lookup: BlockingCall[tuple[Credentials, str]] | None = None
        self._is_overdue = False

    async def current(self) -> Credentials:
        """Return the credentials to sign with now.

        Raises:
            CredentialsMissing: there are none; says what to set.
            Refused: the profile is there, and gives none.
        """
        self._reread_if_changed()
        if self._known is not None:
            return self._known
        if self._provider is None:
            raise _none_found(self._environ)
        lookup = self._lookup = self._lookup or self._look_up(self._provider)
        try:
            found, self._seen = await lookup.wait(self._deadline)
        except ServiceError:
            raise
        except TimeoutError:
            self._is_overdue = True
            raise CredentialsMissing(
                f"The source of the credentials has not answered for {self._deadline:g} s: check what "
                "it waits for, and try again.",
                cause="credentials slow",
            ) from None
        except Exception as error:  # noqa: BLE001 - the library fails in its own ways, keys in the text
            raise CredentialsMissing(
                f"The credentials library failed ({type(error).__name__}): check the profile with "
                "`aliyun sts GetCallerIdentity`."
            ) from None
        finally:
            if lookup.is_done and self._lookup is lookup:
                self._lookup = None
        return checked(found, self._profile)

    def forget(self) -> None:
        """Read everything again at the next call: the service has refused what is remembered."""
        self._known = self._provider = self._lookup = None
        self._seen = ""

    def fingerprint(self) -> str:
        """Return a text that changes when the files behind the credentials do; cheap."""
        if self._profile == profiles.ENVIRONMENT:
            return "the environment of a process does not change"
        files = [profiles.config_file(self._home), ini_file(self._environ, self._home)]
        return " ".join(_state_of(path) for path in files)

    def _look_up(self, provider: Provider) -> BlockingCall[tuple[Credentials, str]]:
        self._is_overdue = False
        # The library writes renewed keys into the CLI's file, which is not a change to read again.
        return BlockingCall(lambda: (provider(), self.fingerprint()), "credentials")

    def _reread_if_changed(self) -> None:
        if self._lookup is not None and not self._is_overdue:
            return
        seen = self.fingerprint()
        if seen != self._seen:
            self.forget()
        if self._known is None and self._provider is None:
            self._open()
            self._seen = seen

    def _open(self) -> None:
        if self._profile == profiles.ENVIRONMENT:
            keys = profiles.keys_in(self._environ)
            if keys is None:
                raise _none_found(self._environ)
            self._known = checked(Credentials(*keys), self._profile)
            return
        name = self._profile
        if name == profiles.DEFAULT:
            name = self._current_profile()
            if not name:
                ini = ini_file(self._environ, self._home)
                self._provider = chain_provider(self._environ, ini)
                return
        try:
            file, profile = profiles.find_profile(name, self._home)
        except ConfigError as error:
            raise CredentialsMissing(str(error)) from None
        self._open_profile(file, profile)

    def _current_profile(self) -> str:
        """Return the CLI's own current profile, for an app that began before `aliyun configure` ran; or ""."""
        with contextlib.suppress(ConfigError):
            return profiles.profile_in_use(self._environ, self._home)[0]
        return ""

    def _open_profile(self, file: CliFile, profile: Mapping[str, Any]) -> None:
        mode = mode_of(profile)
        if mode in {"AK", "StsToken"}:
            wanted = ["access_key_id", "access_key_secret"]
            wanted += ["sts_token"] if mode == "StsToken" else []
            values = [str(profile.get(name) or "").strip() for name in wanted]
            if not all(values):
                lacking = wanted[values.index("")]
                name = shown(str(profile.get("name")), limit=80)
                raise CredentialsMissing(
                    f"Profile '{name}' holds no {lacking}: run `aliyun configure --profile {name}`; "
                    + WITHOUT_ACCOUNT
                )
            self._known = checked(Credentials(*values), self._profile)
            return
        self._provider = profile_provider(profile, file, self._environ)


def checked(credentials: Credentials, profile: str) -> Credentials:
    """Return the same credentials, if each part can stand in a header.

    Raises:
        Refused: a part holds a blank, a control character or a letter beyond ASCII.
    """
    parts = (
        credentials.access_key_id,
        credentials.access_key_secret,
        credentials.security_token or "-",
    )
    if not all(re.fullmatch(r"[\x21-\x7e]+", part) for part in parts):
        raise Refused(
            f"The key of profile '{shown(profile, limit=80)}' holds a character that no key has: "
            "copy it again, without quotes or blanks."
        )
    remember_secrets(credentials.access_key_secret, credentials.security_token)
    return credentials


def ini_file(environ: Mapping[str, str], home: Path) -> Path:
    """Return where the official libraries' own credentials file is."""
    named = environ.get("ALIBABA_CLOUD_CREDENTIALS_FILE", "")
    return Path(named) if named else home / ".alibabacloud" / "credentials.ini"


def _state_of(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "-"
    return f"{state.st_mtime_ns}.{state.st_size}.{state.st_ino}"


# The modes that are served, and what to do where one gives no keys.
_REMEDIES = {
    "CloudSSO": "log in again with `aliyun configure --mode CloudSSO --profile {name}`.",
    "OAuth": "log in again with `aliyun configure --mode OAuth --profile {name}`.",
    "External": "run its process_command by hand and see what it says.",
    "CredentialsURI": "check that its credentials_uri answers.",
    "EcsRamRole": "check that this machine is an ECS instance with that role.",
    "RamRoleArn": "check the role's ARN and the key that assumes it.",
    "ChainableRamRoleArn": "check the role's ARN and its source_profile.",
    "RamRoleArnWithRoleName": "check that this machine is an ECS instance with that role, and the ARN.",
    "OIDC": "check the role's ARN and the token file.",
}

# The modes that run a program, or send what is in a file, that the CLI's file names.
_RUNS_OR_SENDS = {"External", "OIDC"}

_MAX_INI_BYTES = 1024 * 1024


def profile_provider(
    profile: Mapping[str, Any], file: CliFile, environ: Mapping[str, str]
) -> Provider:
    """Return a provider for a CLI profile of any mode but AK and StsToken.

    Raises:
        Refused: the mode is not served, the environment forbids it, or others may have written what
            would be run.
    """
    chain = _chain(profile, file)
    for each in chain:
        _require_allowed(each, file, environ)
    mode = mode_of(profile)
    remedy = _REMEDIES[mode].format(name=shown(str(profile.get("name")), limit=80))

    failure = Refused(f"Profile {_quoted(profile)} gave no keys: {remedy}")
    return _FirstThatWorks(lambda: [partial(_library().of_profile, chain, file)], failure)


def _chain(profile: Mapping[str, Any], file: CliFile) -> list[Mapping[str, Any]]:
    """Return a profile, and behind it each one that the one before takes its keys from."""
    chain = [profile]
    while mode_of(chain[-1]) == "ChainableRamRoleArn":
        source = file.profile(chain[-1].get("source_profile") or "")
        if source is None or source in chain:
            raise Refused(
                f"Profile {_quoted(chain[-1])} has no source_profile that gives keys: name another "
                "profile of the file there."
            )
        chain.append(source)
    return chain


def _require_allowed(profile: Mapping[str, Any], file: CliFile, environ: Mapping[str, str]) -> None:
    quoted, mode = _quoted(profile), mode_of(profile)
    if mode not in {"AK", "StsToken", *_REMEDIES}:
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
    if mode in _RUNS_OR_SENDS and file.other_writers:
        raise Refused(f"Profile {quoted} is not used: {file.other_writers}")
    if mode == "CredentialsURI":
        _require_private(
            str(profile.get("credentials_uri") or ""), f"The credentials_uri of profile {quoted}"
        )


def _quoted(profile: Mapping[str, Any]) -> str:
    name, mode = shown(str(profile.get("name")), limit=80), mode_of(profile)
    # Nothing else is printed of what stands there: it may be a key.
    return f"'{name}' ({mode})" if mode in _REMEDIES else f"'{name}'"


def chain_provider(environ: Mapping[str, str], ini_file: Path) -> Provider:
    """Return what follows environment keys and the CLI's file in the official chain: OIDC, ini, ECS, URI."""
    value = environ.get

    def build() -> Iterator[Callable[[], Any]]:
        provider = _library().provider
        role, issuer, token = (
            value(f"ALIBABA_CLOUD_{part}")
            for part in ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE")
        )
        if role and issuer and token:
            yield lambda: provider.OIDCRoleArnCredentialsProvider(
                role_arn=role,
                oidc_provider_arn=issuer,
                oidc_token_file_path=token,
                role_session_name=value("ALIBABA_CLOUD_ROLE_SESSION_NAME"),
            )
        name = decoded(value("ALIBABA_CLOUD_PROFILE") or "default")
        is_named = bool(value("ALIBABA_CLOUD_CREDENTIALS_FILE"))
        if section := _ini_section(ini_file, name, is_named=is_named):
            reader = provider.ProfileCredentialsProvider(profile_file=str(ini_file))
            yield lambda: reader._get_credentials_provider(section)  # noqa: SLF001
        if value("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() != "true":
            yield lambda: provider.EcsRamRoleCredentialsProvider(
                role_name=value("ALIBABA_CLOUD_ECS_METADATA"), async_update_enabled=False
            )
        uri = value("ALIBABA_CLOUD_CREDENTIALS_URI")
        if uri:
            _require_private(uri, "ALIBABA_CLOUD_CREDENTIALS_URI")
            yield lambda: provider.URLCredentialsProvider(uri=uri)

    return _FirstThatWorks(build, _none_found(environ))


def _none_found(environ: Mapping[str, str]) -> CredentialsMissing:
    half = profiles.missing_half(environ)
    said = f"No credentials were found, as {half} is empty" if half else "No credentials were found"
    return CredentialsMissing(f"{said}: {HOW_TO}")


def _ini_section(path: Path, name: str, *, is_named: bool) -> dict[str, str] | None:
    """Return a section of the libraries' credentials file; None where there is no such file or section.

    Raises:
        Refused: it can't be read, or others may have written what is in it.
    """
    if path.is_dir():
        return None
    try:
        seconds = PIPE_SECONDS if is_named else 0.0
        data, status = read_settings(path, _MAX_INI_BYTES, pipe_seconds=seconds)
    except FileNotFoundError:
        return None
    except ConfigError as error:
        raise Refused(str(error)) from None
    if writers := other_writers(path, status) or other_writers_above(path):
        raise Refused(writers)
    from configparser import ConfigParser, Error  # noqa: PLC0415 - the library imports it too

    is_utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # A % in a secret does not refer to another value.
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(data.decode("utf-16" if is_utf_16 else "utf-8-sig"))
        return {key: value.partition("#")[0].strip() for key, value in parser.items(name)}
    except (UnicodeDecodeError, Error):
        return None


def _require_private(uri: str, what: str) -> None:
    """Raise Refused if keys from there would cross a network in the clear."""
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
            f"{what} would send keys in the clear: use https://; http:// is for this machine, "
            "127.0.0.1 or localhost, only."
        )


class _FirstThatWorks:
    """Tries the library's providers in turn and keeps the first that gives keys.

    Keys that can't be renewed are given again: they may be good for a while, and the service says
    so when they are not.
    """

    def __init__(
        self, build: Callable[[], Iterable[Callable[[], Any]]], failure: ServiceError
    ) -> None:
        self._build = build
        self._failure = failure
        self._kept: Any = None
        self._last: Credentials | None = None

    def __call__(self) -> Credentials:
        for make in self._build() if self._kept is None else [lambda: self._kept]:
            provider, keys = _keys_from(make)
            if keys is not None:
                self._kept, self._last = provider, keys
                break
        if self._last is None:
            # A new one each time: one exception object would gather the tracebacks of many calls.
            raise type(self._failure)(self._failure.sentence)
        return self._last


def _keys_from(make: Callable[[], Any]) -> tuple[Any, Credentials | None]:
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
    keys = Credentials(*(str(part or "").strip() for part in parts))
    return provider, keys if keys.access_key_id and keys.access_key_secret else None


def _library() -> ModuleType:
    # 0.3 to 0.9 s and 480 modules, for the few profiles that need them.
    from wfinspect.dataworks import library  # noqa: PLC0415

    return library
