"""What the `aliyun` CLI accepts as a profile is accepted here, by the real command against the simulator."""

import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.server import KEY, TEMPORARY_KEY

ID = DEMO_IDS[1]
AK = {"mode": "AK", "access_key_id": KEY.id, "access_key_secret": KEY.secret}
TEMPORARY = {
    "access_key_id": TEMPORARY_KEY.id,
    "access_key_secret": TEMPORARY_KEY.secret,
    "sts_token": TEMPORARY_KEY.security_token,
}
SSO = {
    "mode": "CloudSSO",
    "cloud_sso_sign_in_url": "https://127.0.0.1:9/start",
    "cloud_sso_account_id": "1",
    "cloud_sso_access_config": "ac-1",
    "access_token": "expired",
    "cloud_sso_access_token_expire": 1,
    **TEMPORARY,
}


@pytest.fixture
def home(simulator: Simulator, tmp_path: Path) -> Home:
    """A user whose keys are in a file only."""
    off_cloud = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    return Home(tmp_path / "home", {"WFINSPECT_ENDPOINT": simulator.url} | off_cloud)


def write(
    home: Home, *profiles: Mapping[str, Any], encoding: str = "utf-8", **members: object
) -> Path:
    """Write the CLI's file as the CLI would, private."""
    path = home.write(".aliyun/config.json", "")
    text = json.dumps({"profiles": profiles, **members}, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    path.chmod(0o600)
    return path


def external(home: Home) -> dict[str, str]:
    """A profile whose keys a command prints; it leaves a trace when it is run."""
    keys = home.write("keys.json", json.dumps(AK))
    script = home.write("keys.sh", f"touch {home.path}/was-run; cat {keys}\n")
    return {"mode": "External", "process_command": f"sh {script}"}


def has_answer(home: Home, *options: object) -> str:
    """Say what went wrong with one reading; "" for nothing."""
    done = home.run("get", ID, "--field", "Id", *options)
    return "" if done.stdout.strip() == str(ID) else f"{done.returncode}: {done.stderr}"


@pytest.mark.parametrize("members", [{}, {"current": None}])
def test_a_file_that_names_no_current_profile_means_default(
    members: dict[str, object], home: Home
) -> None:
    write(home, {"name": "other", "mode": "AK"}, {"name": "default", **AK}, **members)

    assert has_answer(home) == ""


@pytest.mark.parametrize("name", ["ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE"])
def test_profiles_can_be_ignored_by_both_spellings(name: str, home: Home) -> None:
    write(home, {"name": "default", **AK}, current="default")
    home.environ[name] = "TRUE"

    assert "No credentials were found" in has_answer(home)


@pytest.mark.parametrize(
    ("mode", "encoding"),
    [
        ("AK", "utf-8-sig"),
        ("AK", "utf-16"),
        ("External", "utf-8-sig"),
        ("External", "utf-16"),
        ("External", "utf-16-be"),
    ],
)
def test_a_file_is_read_in_the_encodings_that_editors_write(
    mode: str, encoding: str, home: Home
) -> None:
    profile = AK if mode == "AK" else external(home)
    write(home, {"name": "生产", **profile}, encoding=encoding, current="生产")

    assert has_answer(home) == ""


@pytest.mark.parametrize(
    ("way", "mode"),
    [("option", "AK"), ("option", "External"), ("variable", "AK"), ("current", "External")],
)
def test_a_chinese_profile_name_is_known_in_any_locale(way: str, mode: str, home: Home) -> None:
    profile = AK if mode == "AK" else external(home)
    current = {"current": "生产"} if way == "current" else {}
    write(home, {"name": "生产", **profile}, **current)
    home.environ |= {"LC_ALL": "C", "PYTHONUTF8": "0"}
    if way == "variable":
        home.environ["ALIBABA_CLOUD_PROFILE"] = "生产"

    assert has_answer(home, *(["--profile", "生产"] if way == "option" else [])) == ""


def test_keys_of_cloud_sso_serve_until_they_expire(home: Home) -> None:
    write(home, {"name": "default", "sts_expiration": int(time.time()) + 600, **SSO})
    assert has_answer(home) == ""

    write(home, {"name": "default", "sts_expiration": int(time.time()) - 1, **SSO})
    assert "log in again with `aliyun configure --mode CloudSSO" in has_answer(home)


@pytest.mark.parametrize(
    "profile", [TEMPORARY, {"process_command": "cat keys.json"}], ids=["STS", "External"]
)
def test_a_profile_without_a_mode_has_that_of_its_fields(
    profile: dict[str, str], home: Home
) -> None:
    home.write("keys.json", json.dumps(AK))
    write(home, {"name": "default", **{k: v for k, v in profile.items() if k != "mode"}})

    assert has_answer(home) == ""


def test_the_endpoint_of_a_profile_is_called(home: Home, simulator: Simulator) -> None:
    del home.environ["WFINSPECT_ENDPOINT"]
    write(home, {"name": "default", "endpoint": simulator.url, **AK})

    assert has_answer(home) == ""


@pytest.mark.parametrize(
    ("profile", "environ", "options", "host", "source"),
    [
        ({"endpoint_type": "vpc"}, {}, [], "dataworks-vpc.cn-beijing", "profile default"),
        ({"endpoint_type": "vpc"}, {}, ["--endpoint", "public"], "dataworks.cn-", "--endpoint"),
        ({}, {"ALIBABA_CLOUD_ENDPOINT_TYPE": "vpc"}, [], "dataworks-vpc.", "ALIBABA_CLOUD_ENDP"),
    ],
)
def test_the_endpoint_is_that_of_the_profile_or_of_the_environment(
    profile: dict[str, str],
    environ: dict[str, str],
    options: list[str],
    host: str,
    source: str,
    home: Home,
) -> None:
    del home.environ["WFINSPECT_ENDPOINT"]
    write(home, {"name": "default", "region_id": "cn-beijing", **profile, **AK})
    home.environ |= environ

    lines = home.run("info", *options).stdout.splitlines()

    (line,) = (line for line in lines if line.startswith("endpoint"))
    assert line.split()[1].startswith(host)
    assert source in line


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o666])
def test_a_command_from_a_file_that_others_may_write_is_not_run(mode: int, home: Home) -> None:
    path = write(home, {"name": "default", **external(home)})
    path.chmod(mode)
    is_writable = bool(stat.S_IMODE(mode) & 0o022)

    assert ("chmod go-w" in has_answer(home)) is is_writable
    assert (home.path / "was-run").exists() is not is_writable


@pytest.mark.parametrize("name", [".aliyun", "."])
def test_a_command_from_a_directory_that_others_may_write_is_not_run(name: str, home: Home) -> None:
    write(home, {"name": "default", **external(home)})
    (home.path / name).chmod(0o777)

    assert "is writable by others" in has_answer(home)
    assert not (home.path / "was-run").exists()


def test_a_role_that_begins_with_a_command_is_held_to_the_same(home: Home) -> None:
    role = {
        "mode": "ChainableRamRoleArn",
        "source_profile": "a",
        "ram_role_arn": "acs:ram::1:role/r",
    }
    path = write(home, {"name": "default", **role}, {"name": "a", **external(home)})
    path.chmod(0o666)

    assert "is writable by others" in has_answer(home)
    assert not (home.path / "was-run").exists()


def test_keys_from_a_file_that_others_may_write_run_nothing_and_are_used(home: Home) -> None:
    write(home, {"name": "default", **AK}).chmod(0o666)

    assert has_answer(home) == ""


def test_an_ini_file_that_others_may_write_is_refused(home: Home) -> None:
    ini = home.write(
        ".alibabacloud/credentials.ini",
        f"[default]\ntype = access_key\naccess_key_id = {KEY.id}\naccess_key_secret = {KEY.secret}\n",
    )
    assert has_answer(home) == ""

    ini.chmod(0o666)

    assert "is writable by others" in has_answer(home)


def test_a_command_of_a_config_in_a_directory_that_others_may_write_is_not_taken(
    home: Home,
) -> None:
    config = home.write(".config/wfinspect/config.toml", '[notify]\ncommand = ["true"]\n')
    assert home.run("info").returncode == 0

    config.parent.chmod(0o777)

    done = home.run("info")
    assert (done.returncode, "is writable by others" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "name",
    [".config/wfinspect/config.toml", ".aliyun/config.json", ".alibabacloud/credentials.ini"],
)
def test_a_pipe_in_the_place_of_a_file_is_reported_and_not_waited_for(
    name: str, home: Home
) -> None:
    (home.path / name).parent.mkdir(parents=True)
    os.mkfifo(home.path / name, 0o600)

    answer = has_answer(home)

    assert f"{home.path / name} is a pipe" in answer


def test_a_config_that_is_named_and_is_a_pipe_is_read(home: Home) -> None:
    pipe = home.path / "config"
    os.mkfifo(pipe, 0o600)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b"interval = 77\n")
    reader = os.open(pipe, os.O_RDONLY)
    try:
        os.close(writer)
        done = home.run("info", "--config", pipe)
    finally:
        os.close(reader)

    assert "77" in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--endpoint", KEY.id],
        ["--endpoint", f"https://{KEY.id}:{KEY.secret}@a.cn"],
        ["--endpoint", f"https://a.cn/?AccessKeyId={KEY.id}&Signature={KEY.secret}"],
        ["--access-key-secret", KEY.secret],
        [KEY.secret],
    ],
)
def test_a_key_typed_in_the_wrong_place_is_not_printed(options: list[str], home: Home) -> None:
    write(home, {"name": "default", **AK})

    done = home.run("info", *options)

    assert not any(
        key in done.stdout + done.stderr
        for key in (KEY.id, KEY.secret, TEMPORARY_KEY.id, KEY.secret[:12], KEY.id[:12])
    )


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("mode", KEY.id),
        ("mode", "s3cretCANARY"),
        ("region_id", KEY.secret),
        ("endpoint", KEY.secret),
    ],
)
def test_a_key_in_a_wrong_field_of_a_profile_is_not_printed(
    field: str, typed: str, home: Home
) -> None:
    del home.environ["WFINSPECT_ENDPOINT"]
    write(home, {"name": "default", **AK, field: typed})

    done = home.run("get", ID)

    assert done.returncode in {2, 4}
    assert typed[:12] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "place", "way"),
    [
        ("$HOME/wf", "wf", "option"),
        ("${HOME}/wf", "wf", "variable"),
        ("$WF_DIR", "dir with $", "config"),
    ],
)
def test_the_state_directory_may_be_named_by_variables(
    text: str, place: str, way: str, home: Home
) -> None:
    home.environ["WF_DIR"] = f"{home.path}/dir with $"
    if way == "variable":
        home.environ["WFINSPECT_STATE_DIR"] = text
    if way == "config":
        home.write(".config/wfinspect/config.toml", f"state_dir = '{text}'\n")

    done = home.run("info", *(["--state-dir", text] if way == "option" else []))

    assert f"{home.path / place}/watch.sqlite3" in done.stdout


@pytest.mark.parametrize(
    ("text", "says"), [("$NO_SUCH/wf", "NO_SUCH"), ("~no-such-user/wf", "no-such-user")]
)
def test_a_state_directory_named_by_what_is_not_known_is_refused(
    text: str, says: str, home: Home
) -> None:
    done = home.run("info", "--state-dir", text)

    assert (done.returncode, says in done.stderr) == (2, True)
    assert list(home.path.iterdir()) == []
