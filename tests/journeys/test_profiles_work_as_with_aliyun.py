"""What the `aliyun` CLI accepts as a profile is accepted here, by the real command against the simulator."""

import os
import time
from pathlib import Path

import pytest
from journey import Home
from profile_files import AK, SSO, external, has_answer, without_keys, write

from wfinspect.simulator import Simulator
from wfinspect.simulator.server import KEY


@pytest.fixture
def home(simulator: Simulator, tmp_path: Path) -> Home:
    return Home(*without_keys(simulator, tmp_path))


@pytest.mark.parametrize("members", [{}, {"current": None}])
def test_a_file_that_names_no_current_profile_means_default(
    members: dict[str, object], home: Home
) -> None:
    write(home, {"name": "other", "mode": "AK"}, {"name": "default", **AK}, **members)

    assert has_answer(home) == ""


@pytest.mark.parametrize(
    ("way", "mode"),
    [("option", "External"), ("variable", "AK")],
)
def test_a_chinese_profile_name_is_known_in_any_locale(way: str, mode: str, home: Home) -> None:
    profile = AK if mode == "AK" else external(home)
    write(home, {"name": "生产", **profile})
    home.environ |= {"LC_ALL": "C", "PYTHONUTF8": "0"}
    if way == "variable":
        home.environ["ALIBABA_CLOUD_PROFILE"] = "生产"

    assert has_answer(home, *(["--profile", "生产"] if way == "option" else [])) == ""


def test_keys_of_cloud_sso_serve_until_they_expire(home: Home) -> None:
    write(home, {"name": "default", "sts_expiration": int(time.time()) + 600, **SSO})
    assert has_answer(home) == ""

    write(home, {"name": "default", "sts_expiration": int(time.time()) - 1, **SSO})
    assert "log in again with `aliyun configure --mode CloudSSO" in has_answer(home)


def test_the_endpoint_of_a_profile_is_called(home: Home, simulator: Simulator) -> None:
    del home.environ["WFINSPECT_ENDPOINT"]
    write(home, {"name": "default", "endpoint": simulator.url, **AK})

    assert has_answer(home) == ""


def test_an_ini_file_that_others_may_write_is_refused(home: Home) -> None:
    ini = home.write(
        ".alibabacloud/credentials.ini",
        f"[default]\ntype = access_key\naccess_key_id = {KEY.id}\naccess_key_secret = {KEY.secret}\n",
    )
    assert has_answer(home) == ""

    ini.chmod(0o666)

    assert "is writable by others" in has_answer(home)


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
