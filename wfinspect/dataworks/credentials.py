"""The keys that sign: where each kind of profile gets them, read again when their source changes.

A row's profile name decides the source; one bound to a CLI profile never sees keys from the
environment. What only the official library knows is asked of it in `library`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wfinspect.dataworks import profiles
from wfinspect.dataworks.library import Keys, Provider, chain_provider, profile_provider
from wfinspect.dataworks.lookup import Lookup
from wfinspect.errors import (
    ConfigError,
    CredentialsMissing,
    Refused,
    ServiceError,
    remember_secrets,
)
from wfinspect.format import shown

HOW_TO = (
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET or run `aliyun configure`; "
    "`wfinspect demo` shows the app without an account."
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


class CredentialsSource:
    """The credentials of one profile, remembered until their source changes or is doubted."""

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
        self._lookup: Lookup[tuple[Keys, str]] | None = None
        self._is_overdue = False

    async def current(self) -> Credentials:
        """The credentials to sign with now.

        Raises:
            CredentialsMissing: there are none; says what to set.
            Refused: the profile is there, and gives none.
        """
        self._reread_if_changed()
        if self._known is not None:
            return self._known
        if self._provider is None:
            raise CredentialsMissing(f"No credentials were found: {HOW_TO}")
        lookup = self._lookup = self._lookup or self._begin(self._provider)
        try:
            keys, self._seen = await lookup.wait(self._deadline)
        except ServiceError:
            raise
        except TimeoutError:
            self._is_overdue = True
            raise CredentialsMissing(
                f"The source of the credentials has not answered for {self._deadline:g} s: see what "
                "keeps it, and try again.",
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
        return checked(Credentials(*keys), self._profile)

    def forget(self) -> None:
        """Read everything again at the next call: the service has refused what is remembered."""
        self._known = None
        self._provider = None
        self._lookup = None
        self._seen = ""

    def fingerprint(self) -> str:
        """A text that changes when the files behind the credentials do; cheap."""
        if self._profile == profiles.ENVIRONMENT:
            return "the environment of a process does not change"
        files = [profiles.config_file(self._home), ini_file(self._environ, self._home)]
        return " ".join(_state_of(path) for path in files)

    def _begin(self, provider: Provider) -> Lookup[tuple[Keys, str]]:
        self._is_overdue = False
        # The library writes renewed keys into the CLI's file, which is not a change to read again.
        return Lookup(lambda: (provider(), self.fingerprint()), "credentials")

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
                raise CredentialsMissing(f"The environment holds no complete key: {HOW_TO}")
            self._known = checked(Credentials(*keys), self._profile)
            return
        name = self._profile
        if name == profiles.DEFAULT:
            name = self._current_profile()
            if not name:
                ini = ini_file(self._environ, self._home)
                self._provider = chain_provider(self._environ, ini, HOW_TO)
                return
        try:
            file, profile = profiles.find_profile(name, self._home)
        except ConfigError as error:
            raise CredentialsMissing(str(error)) from None
        self._open_profile(file, profile)

    def _current_profile(self) -> str:
        """The CLI's own current profile, for an app that began before `aliyun configure` ran; or ""."""
        try:
            name = profiles.current_profile(self._environ, self._home)
            if name and not profiles.is_empty(profiles.read_profile(name, self._home)):
                return name
        except ConfigError:
            pass
        return ""

    def _open_profile(self, file: profiles.CliFile, profile: Mapping[str, Any]) -> None:
        mode = profiles.mode_of(profile)
        if mode in {"AK", "StsToken"}:
            wanted = ["access_key_id", "access_key_secret"]
            wanted += ["sts_token"] if mode == "StsToken" else []
            values = [str(profile.get(name) or "").strip() for name in wanted]
            if not all(values):
                lacking = wanted[values.index("")]
                name = shown(str(profile.get("name")), limit=80)
                raise CredentialsMissing(
                    f"Profile '{name}' holds no {lacking}: run `aliyun configure --profile {name}`; "
                    "`wfinspect demo` shows the app without an account."
                )
            self._known = checked(Credentials(*values), self._profile)
            return
        self._provider = profile_provider(profile, file, self._environ)


def checked(credentials: Credentials, profile: str) -> Credentials:
    """The same credentials, if each part can stand in a header.

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
    """The official libraries' own credentials file."""
    named = environ.get("ALIBABA_CLOUD_CREDENTIALS_FILE", "")
    return Path(named) if named else home / ".alibabacloud" / "credentials.ini"


def _state_of(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "-"
    return f"{state.st_mtime_ns}.{state.st_size}.{state.st_ino}"
