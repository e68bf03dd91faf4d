import asyncio
import json
import logging
import time
import traceback
import tracemalloc
from pathlib import Path

import pytest
from credential_files import AK, COUNTING, OFF_CLOUD, ROLE, current, external, write
from raw_server import http_answer, raw_server, read_request
from Tea.request import TeaRequest

from wfinspect.dataworks import credentials
from wfinspect.dataworks.credentials import Credentials, CredentialsSource
from wfinspect.errors import Refused


async def test_a_failing_command_is_told_without_what_it_printed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    write(tmp_path, external(tmp_path, "import sys; print('CANARY'); sys.exit('CANARY')"))

    with pytest.raises(Refused, match=r"'corp'.*process_command by hand") as caught:
        await current("corp", tmp_path)

    printed = "".join(capfd.readouterr())
    told = "".join(traceback.format_exception(caught.value))
    assert "CANARY" not in printed + told + caplog.text


async def test_the_library_keeps_quiet(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    write(tmp_path, external(tmp_path, COUNTING))

    await current("corp", tmp_path)
    logging.getLogger("credentials").error("CANARY")

    assert "".join(capfd.readouterr()) == ""
    assert not [record for record in caplog.records if record.name != "asyncio"]


async def test_a_command_is_run_by_no_shell(tmp_path: Path) -> None:
    echoing = """
import json, sys
print(json.dumps({"mode": "AK", "access_key_id": "/".join(sys.argv[1:]), "access_key_secret": "s"}))
"""
    profile, trace = external(tmp_path, echoing), tmp_path / "trace"
    profile["process_command"] += (
        f" ;touch {trace} $(touch${{IFS}}{trace}) `id` & |id >{trace} $HOME *"
    )
    write(tmp_path, profile)

    found = await current("corp", tmp_path)

    assert found.access_key_id == "/".join(profile["process_command"].split()[2:])
    assert not trace.exists()


async def test_a_command_that_prints_without_end_is_cut_off(tmp_path: Path) -> None:
    endless = "import sys\nwhile True: sys.stdout.write('CANARY' * 10_000)\n"
    write(tmp_path, external(tmp_path, endless))
    await asyncio.to_thread(credentials._library)
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match="process_command by hand") as caught:
            await current("corp", tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "CANARY" not in "".join(traceback.format_exception(caught.value))
    assert peak < 8 * 1024 * 1024


async def test_keys_come_from_a_uri_itself_and_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    keys = {
        "Code": "Success",
        "AccessKeyId": "URI1",
        "AccessKeySecret": "s",
        "SecurityToken": "t",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http_answer(keys, headers={"Connection": "close"}))
        await writer.drain()

    async with raw_server(handle) as seen, raw_server(handle) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("DEBUG", "sdk")
        uri = f"http://127.0.0.1:{seen.port}/keys"
        write(tmp_path, {"name": "uri", "mode": "CredentialsURI", "credentials_uri": uri})
        by_profile = await current("uri", tmp_path)
        by_chain = await current(
            "(default)", tmp_path, OFF_CLOUD | {"ALIBABA_CLOUD_CREDENTIALS_URI": uri}
        )

    assert by_profile == by_chain == Credentials("URI1", "s", "t")
    assert (seen.connections, proxy.connections) == (2, 0)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Holds an entry for each request that the library would have sent; all give nothing."""
    found: list[object] = []
    monkeypatch.setattr("Tea.core.TeaCore.do_action", lambda *_: found.append(1))
    return found


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://keys.corp/",
        "http://localhost.evil/",
        "http://127.0.0.1@keys.corp/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "//keys.corp/",
        "http://[",
        "",
    ],
)
async def test_keys_are_not_fetched_in_the_clear_from_elsewhere(
    uri: str, tmp_path: Path, asked: list[object]
) -> None:
    write(tmp_path, {"name": "uri", "mode": "CredentialsURI", "credentials_uri": uri})

    with pytest.raises(Refused, match=r"use https://"):
        await current("uri", tmp_path)
    if uri:
        with pytest.raises(Refused, match=r"ALIBABA_CLOUD_CREDENTIALS_URI would .* use https://"):
            await current("(default)", tmp_path, OFF_CLOUD | {"ALIBABA_CLOUD_CREDENTIALS_URI": uri})

    assert asked == []


@pytest.mark.parametrize("uri", ["https://keys.corp/", "http://localhost:1/", "http://[::1]:1/"])
async def test_keys_are_fetched_over_tls_or_on_this_machine(
    uri: str, tmp_path: Path, asked: list[object]
) -> None:
    write(tmp_path, {"name": "uri", "mode": "CredentialsURI", "credentials_uri": uri})

    with pytest.raises(Refused, match="check that its credentials_uri answers"):
        await current("uri", tmp_path)

    assert asked == [1]


@pytest.mark.parametrize(
    ("life", "hours"),
    [(15, 3), *(pytest.param(m, 48, marks=pytest.mark.battery) for m in (15, 60, 720))],
)
async def test_temporary_keys_are_renewed_in_time_and_no_more_often_than_needed(
    life: int, hours: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given.json"
    profile = {"name": "corp", "mode": "External", "process_command": f"cat {given}"}
    write(tmp_path, profile)
    source, used = CredentialsSource("corp", {}, tmp_path), set()
    start, minutes, now = 1_790_000_000, hours * 60, [0]
    localtime = time.localtime
    monkeypatch.setattr(time, "localtime", lambda at=None: localtime(now[0] if at is None else at))

    for minute in range(minutes):
        now[0] = start + minute * 60
        ends = time.gmtime(now[0] + life * 60)
        keys = {
            "mode": "StsToken",
            "access_key_id": f"K{now[0] + life * 60}",
            "access_key_secret": "s",
            "sts_token": "t",
            "expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", ends),
        }
        given.write_text(json.dumps(keys))
        if minute % 97 in {95, 96}:
            given.unlink()
        callers = 50 if minute % 60 == 0 else 1
        found = set(await asyncio.gather(*(source.current() for _ in range(callers))))
        (current_keys,) = found
        assert int(current_keys.access_key_id[1:]) > now[0], "these have expired"
        used |= found

    assert len(used) <= 2 * minutes / life


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[TeaRequest]:
    """Holds each request that the library would have sent; none is answered."""
    requests: list[TeaRequest] = []

    def refuse(request: TeaRequest, *_: object) -> None:
        requests.append(request)
        raise OSError

    monkeypatch.setattr("Tea.core.TeaCore.do_action", refuse)
    return requests


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ({}, "sts.aliyuncs.com"),
        ({"sts_region": "cn-beijing"}, "sts.cn-beijing.aliyuncs.com"),
        ({"sts_endpoint": "sts-vpc.cn-beijing.aliyuncs.com"}, "sts-vpc.cn-beijing.aliyuncs.com"),
        ({"sts_endpoint": "https://sts.corp/"}, "sts.corp"),
    ],
)
async def test_a_role_is_assumed_where_the_profile_says_and_with_its_token(
    endpoint: dict[str, str], host: str, tmp_path: Path, sent: list[TeaRequest]
) -> None:
    write(tmp_path, AK | ROLE | endpoint | {"mode": "RamRoleArn", "sts_token": "token"})

    with pytest.raises(Refused, match="check the role's ARN"):
        await current("prod", tmp_path)

    (request,) = sent
    assert request.headers["host"] == host
    assert request.query["SecurityToken"] == "token"


async def test_a_role_behind_keys_of_cloud_sso_begins_with_those(
    tmp_path: Path, sent: list[TeaRequest]
) -> None:
    sso = AK | {"name": "sso", "mode": "CloudSSO", "sts_token": "t", "sts_expiration": 4e9}
    role = ROLE | {"name": "prod", "mode": "ChainableRamRoleArn", "source_profile": "sso"}
    write(tmp_path, role, sso)

    with pytest.raises(Refused, match="source_profile"):
        await current("prod", tmp_path)

    (request,) = sent
    assert (request.query["AccessKeyId"], request.query["SecurityToken"]) == ("LTAI", "t")
