import asyncio
import os
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from credential_files import AK, COUNTING, OFF_CLOUD, ROLE, current, external, write
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.dataworks import credentials
from wfinspect.dataworks.credentials import Credentials, CredentialsSource
from wfinspect.errors import CredentialsMissing, Refused, ServiceError

ENV_KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "env-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "env-secret",
}


def age(path: Path, seconds: int) -> None:
    """Give a file another time of change, as an editor does between two looks at it."""
    changed = path.stat().st_mtime_ns + seconds * 1_000_000_000
    os.utime(path, ns=(changed, changed))


@given(st.text(min_size=4), st.text(min_size=1).map("CANARY{}".format))
def test_no_text_of_credentials_shows_a_secret(start: str, secret: str) -> None:
    credentials = Credentials(start + secret, secret, secret)

    for text in (repr(credentials), str(credentials), f"{credentials}", credentials.masked_id):
        assert "CANARY" not in text
    assert credentials.masked_id == f"{start[:4]}***"


async def test_keys_of_the_environment_with_a_token(tmp_path: Path) -> None:
    environ = ENV_KEYS | {"ALIBABA_CLOUD_SECURITY_TOKEN": "token"}

    found = await current("(env)", tmp_path, environ)

    assert found == Credentials("env-id", "env-secret", "token")


async def test_a_profile_with_a_key(tmp_path: Path) -> None:
    write(tmp_path, AK)

    assert await current("prod", tmp_path) == Credentials("LTAI", "secret")


async def test_a_profile_with_a_key_has_no_token_whatever_its_remains(tmp_path: Path) -> None:
    write(tmp_path, AK | {"sts_token": "left over"})

    assert (await current("prod", tmp_path)).security_token == ""


async def test_a_profile_with_a_token(tmp_path: Path) -> None:
    write(tmp_path, AK | {"mode": "StsToken", "sts_token": " token\n"})

    assert await current("prod", tmp_path) == Credentials("LTAI", "secret", "token")


async def test_a_profile_never_uses_keys_of_the_environment(tmp_path: Path) -> None:
    write(tmp_path, AK | {"access_key_secret": ""})

    with pytest.raises(CredentialsMissing, match=r"holds no access_key_secret.*aliyun configure"):
        await current("prod", tmp_path, ENV_KEYS)


async def test_the_environment_never_stands_in_for_a_missing_profile(tmp_path: Path) -> None:
    with pytest.raises(CredentialsMissing, match="no profile 'prod'"):
        await current("prod", tmp_path, ENV_KEYS)


@pytest.mark.parametrize("profile", ["(env)", "(default)"])
async def test_without_credentials_the_sentence_says_what_to_set_and_names_the_demo(
    profile: str, tmp_path: Path
) -> None:
    with pytest.raises(CredentialsMissing) as caught:
        await current(profile, tmp_path, OFF_CLOUD)

    for part in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "aliyun configure", "wfinspect demo"):
        assert part in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("secret", ["two words", "line\nbreak", "caf\u00e9", "\u201cquoted\u201d"])
async def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(
    secret: str, tmp_path: Path
) -> None:
    write(tmp_path, AK | {"access_key_secret": secret})

    with pytest.raises(Refused, match="copy it again") as caught:
        await current("prod", tmp_path)

    assert secret not in str(caught.value)


async def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path, AK)
    source = CredentialsSource("prod", {}, tmp_path)
    await source.current()
    before = source.fingerprint()

    write(tmp_path, AK | {"access_key_id": "NEW1"})
    age(path, 5)

    assert source.fingerprint() != before
    assert (await source.current()).access_key_id == "NEW1"


async def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, AK)
    source = CredentialsSource("prod", {}, tmp_path)
    first = await source.current()
    kept = path.stat()

    path.write_bytes(path.read_bytes().replace(b"LTAI", b"XXXX"))
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))

    assert await source.current() is first
    source.forget()
    assert (await source.current()).access_key_id == "XXXX"


async def test_a_lack_of_keys_is_not_kept_for_good(tmp_path: Path) -> None:
    source = CredentialsSource("prod", {}, tmp_path)
    with pytest.raises(CredentialsMissing):
        await source.current()

    write(tmp_path, AK)

    assert await source.current() == Credentials("LTAI", "secret")


async def test_configuring_the_cli_heals_an_app_that_began_without_keys(tmp_path: Path) -> None:
    source = CredentialsSource("(default)", OFF_CLOUD, tmp_path)
    with pytest.raises(CredentialsMissing):
        await source.current()

    write(tmp_path, AK, current="prod")

    assert await source.current() == Credentials("LTAI", "secret")


async def test_the_default_chain_reads_the_ini_file_of_the_official_libraries(
    tmp_path: Path,
) -> None:
    ini = tmp_path / ".alibabacloud" / "credentials.ini"
    ini.parent.mkdir()
    ini.write_text(
        "[default]\nenable = true\ntype = access_key\naccess_key_id = INI1\n"
        "access_key_secret = ini-secret\n"
    )

    assert await current("(default)", tmp_path, OFF_CLOUD) == Credentials("INI1", "ini-secret")


async def test_a_command_gives_keys_once_for_many_calls(tmp_path: Path) -> None:
    write(tmp_path, external(tmp_path, COUNTING))
    source = CredentialsSource("corp", {}, tmp_path)

    first = await source.current()
    assert first == Credentials("EXT1", "s", "t")
    assert await source.current() == first
    assert (tmp_path / "runs").read_text() == "x"

    source.forget()
    await source.current()
    assert (tmp_path / "runs").read_text() == "xx"


async def test_many_callers_at_once_make_one_look_up(tmp_path: Path) -> None:
    write(tmp_path, external(tmp_path, COUNTING))
    source = CredentialsSource("corp", {}, tmp_path)

    found = await asyncio.gather(*(source.current() for _ in range(50)))

    assert len(set(found)) == 1
    assert (tmp_path / "runs").read_text() == "x"


async def test_a_caller_that_comes_as_the_library_writes_its_keys_makes_no_second_look_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = external(tmp_path, COUNTING)
    write(tmp_path, profile)
    source = CredentialsSource("corp", {}, tmp_path)
    has_written, may_end = threading.Event(), threading.Event()
    provider_of = credentials.profile_provider

    def slow_to_end(
        profile: Mapping[str, Any], environ: Mapping[str, str], config_file: Path
    ) -> credentials.Provider:
        provider = provider_of(profile, environ, config_file)

        def ask() -> credentials.Credentials:
            keys = provider()
            has_written.set()
            may_end.wait()
            return keys

        return ask

    monkeypatch.setattr(credentials, "profile_provider", slow_to_end)
    before = source.fingerprint()
    first = asyncio.create_task(source.current())
    assert await asyncio.to_thread(has_written.wait, 30.0)
    assert source.fingerprint() != before
    second = asyncio.create_task(source.current())
    await asyncio.sleep(0)
    may_end.set()

    assert await first == await second == await source.current()
    assert (tmp_path / "runs").read_text() == "x"


@pytest.mark.parametrize("value", ["1", "true", "TRUE"])
async def test_commands_can_be_forbidden(value: str, tmp_path: Path) -> None:
    write(tmp_path, external(tmp_path, COUNTING))

    with pytest.raises(Refused, match="ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"):
        await current("corp", tmp_path, {"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": value})

    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("mode", ["RsaKeyPair", "BearerToken", "Anonymous", "\x1b[2J"])
async def test_a_mode_that_is_not_served_is_named(mode: str, tmp_path: Path) -> None:
    write(tmp_path, AK | {"mode": mode})

    with pytest.raises(Refused, match="not served: use one of AK") as caught:
        await current("prod", tmp_path)

    assert str(caught.value).isprintable()


WAITING = """
import json, os
os.open({gate!r}, os.O_RDONLY)
print(json.dumps({{"mode": "AK", "access_key_id": "EXT1", "access_key_secret": "s"}}))
"""


async def test_a_source_that_hangs_is_told_and_goes_on_being_waited_for(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    write(tmp_path, external(tmp_path, WAITING.format(gate=str(gate))))
    source = CredentialsSource("corp", {}, tmp_path, deadline=0.05)

    for _ in range(2):
        with pytest.raises(CredentialsMissing, match=r"not answered for 0\.05 s"):
            await source.current()

    source._deadline = 10.0
    waiting = asyncio.create_task(source.current())
    await asyncio.to_thread(gate.write_text, "")
    assert (await waiting).access_key_id == "EXT1"


async def test_a_new_key_in_the_file_is_not_kept_waiting_by_a_source_that_hangs(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    write(tmp_path, external(tmp_path, WAITING.format(gate=str(gate))) | {"name": "prod"})
    source = CredentialsSource("prod", {}, tmp_path, deadline=0.05)
    with pytest.raises(CredentialsMissing):
        await source.current()

    write(tmp_path, AK)

    assert await source.current() == Credentials("LTAI", "secret")
    await asyncio.to_thread(gate.write_text, "")


async def test_a_library_that_breaks_in_an_unknown_way_is_told_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("CANARY")

    monkeypatch.setattr(credentials, "_library", broken)
    write(tmp_path, external(tmp_path, COUNTING))

    with pytest.raises(CredentialsMissing, match="KeyError") as caught:
        await current("corp", tmp_path)

    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


async def test_a_caller_that_is_cancelled_does_not_spoil_the_look_up(tmp_path: Path) -> None:
    write(tmp_path, external(tmp_path, COUNTING))
    source = CredentialsSource("corp", {}, tmp_path)
    call = asyncio.create_task(source.current())
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    assert await source.current() == Credentials("EXT1", "s", "t")
    assert (tmp_path / "runs").read_text() == "x"


async def test_a_failed_look_up_is_made_anew_the_next_time(tmp_path: Path) -> None:
    failing = "import pathlib, sys; sys.exit(not pathlib.Path(__file__).with_name('ok').exists())\n"
    profile = external(tmp_path, failing)
    write(tmp_path, profile)
    source = CredentialsSource("corp", {}, tmp_path)
    with pytest.raises(ServiceError):
        await source.current()

    (tmp_path / "keys.py").write_text(COUNTING)

    assert (await source.current()).access_key_id == "EXT1"


EXPIRING = """
import json, time
at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 100))
print(json.dumps({"mode": "StsToken", "access_key_id": "EXT1", "access_key_secret": "s",
                  "sts_token": "t", "expiration": at}))
"""


async def test_keys_that_cannot_be_renewed_are_used_until_the_service_refuses_them(
    tmp_path: Path,
) -> None:
    write(tmp_path, external(tmp_path, EXPIRING))
    source = CredentialsSource("corp", {}, tmp_path)
    first = await source.current()

    (tmp_path / "keys.py").write_text("open(__file__ + '.asked', 'w'); raise SystemExit(1)")
    assert await source.current() == first
    assert (tmp_path / "keys.py.asked").exists()

    source.forget()
    with pytest.raises(Refused):
        await source.current()


@pytest.mark.parametrize("source", ["prod", "nope", "", None])
async def test_a_role_without_a_source_is_refused(source: str | None, tmp_path: Path) -> None:
    write(
        tmp_path, ROLE | {"name": "prod", "mode": "ChainableRamRoleArn", "source_profile": source}
    )

    with pytest.raises(Refused, match="has no source_profile that gives keys"):
        await current("prod", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_the_ini_file_is_read_as_editors_write_it(encoding: str, tmp_path: Path) -> None:
    ini = tmp_path / ".alibabacloud" / "credentials.ini"
    ini.parent.mkdir(mode=0o700)
    text = "[生产]\ntype = access_key\naccess_key_id = INI1\naccess_key_secret = a%sb # c\n"
    ini.write_bytes(text.encode(encoding))
    ini.chmod(0o600)

    found = await current("(default)", tmp_path, OFF_CLOUD | {"ALIBABA_CLOUD_PROFILE": "生产"})

    assert found == Credentials("INI1", "a%sb")
