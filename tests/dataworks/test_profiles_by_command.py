"""The credentials and settings of a user by the whole command, in this process and against the simulator."""

import json
import stat
from pathlib import Path

import pytest
from profile_files import AK, ID, TEMPORARY, external, has_answer, without_keys, write
from run import InProcess

from wfinspect.simulator import Simulator
from wfinspect.simulator.server import KEY, TEMPORARY_KEY


@pytest.fixture
def home(live: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    made = InProcess(*without_keys(live, tmp_path))
    monkeypatch.chdir(made.path)
    return made


@pytest.mark.parametrize("name", ["ALIBABA_CLOUD_IGNORE_PROFILE", "ALIBABACLOUD_IGNORE_PROFILE"])
def test_profiles_can_be_ignored_by_both_spellings(name: str, home: InProcess) -> None:
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
    mode: str, encoding: str, home: InProcess
) -> None:
    profile = AK if mode == "AK" else external(home)
    write(home, {"name": "生产", **profile}, encoding=encoding, current="生产")

    assert has_answer(home) == ""


@pytest.mark.parametrize(
    "profile", [TEMPORARY, {"process_command": "cat keys.json"}], ids=["STS", "External"]
)
def test_a_profile_without_a_mode_has_that_of_its_fields(
    profile: dict[str, str], home: InProcess
) -> None:
    home.write("keys.json", json.dumps(AK))
    write(home, {"name": "default", **{k: v for k, v in profile.items() if k != "mode"}})

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
    home: InProcess,
) -> None:
    del home.environ["WFINSPECT_ENDPOINT"]
    write(home, {"name": "default", "region_id": "cn-beijing", **profile, **AK})
    home.environ |= environ

    lines = home.run("info", *options).stdout.splitlines()

    (line,) = (line for line in lines if line.startswith("endpoint"))
    assert line.split()[1].startswith(host)
    assert source in line


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o666])
def test_a_command_from_a_file_that_others_may_write_is_not_run(mode: int, home: InProcess) -> None:
    path = write(home, {"name": "default", **external(home)})
    path.chmod(mode)
    is_writable = bool(stat.S_IMODE(mode) & 0o022)

    assert ("chmod go-w" in has_answer(home)) is is_writable
    assert (home.path / "was-run").exists() is not is_writable


@pytest.mark.parametrize("name", [".aliyun", "."])
def test_a_command_from_a_directory_that_others_may_write_is_not_run(
    name: str, home: InProcess
) -> None:
    write(home, {"name": "default", **external(home)})
    (home.path / name).chmod(0o777)

    assert "is writable by others" in has_answer(home)
    assert not (home.path / "was-run").exists()


def test_a_role_that_begins_with_a_command_is_held_to_the_same(home: InProcess) -> None:
    role = {
        "mode": "ChainableRamRoleArn",
        "source_profile": "a",
        "ram_role_arn": "acs:ram::1:role/r",
    }
    path = write(home, {"name": "default", **role}, {"name": "a", **external(home)})
    path.chmod(0o666)

    assert "is writable by others" in has_answer(home)
    assert not (home.path / "was-run").exists()


def test_keys_from_a_file_that_others_may_write_run_nothing_and_are_used(home: InProcess) -> None:
    write(home, {"name": "default", **AK}).chmod(0o666)

    assert has_answer(home) == ""


def test_a_command_of_a_config_in_a_directory_that_others_may_write_is_not_taken(
    home: InProcess,
) -> None:
    config = home.write(".config/wfinspect/config.toml", '[notify]\ncommand = ["true"]\n')
    assert home.run("info").returncode == 0

    config.parent.chmod(0o777)

    done = home.run("info")
    assert (done.returncode, "is writable by others" in done.stderr) == (2, True)


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
def test_a_key_typed_in_the_wrong_place_is_not_printed(options: list[str], home: InProcess) -> None:
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
    field: str, typed: str, home: InProcess
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
    text: str, place: str, way: str, home: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WF_DIR", f"{home.path}/dir with $")
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
    text: str, says: str, home: InProcess
) -> None:
    done = home.run("info", "--state-dir", text)

    assert (done.returncode, says in done.stderr) == (2, True)
    assert list(home.path.iterdir()) == []
