"""What the `aliyun` CLI accepts as a profile is accepted here, by the real command against the simulator."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from journey import Home
from profile_files import AK, ID, SSO, external, has_answer, without_keys, write

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.server import KEY

OTHER = DEMO_IDS[3]


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


def test_a_profile_that_is_given_selects_what_is_stored(home: Home, simulator: Simulator) -> None:
    write(home, {"name": "dev", **AK}, {"name": "prod", **AK}, current="dev")
    simulator.set_status(ID, "Success")
    follow = ("follow", "--project", 88123, "--name", "dwd", "--profile")
    for name, number in (("dev", OTHER), ("prod", ID)):
        home.run("list", "add", number, "--profile", name)
        home.run(*follow, name)
    home.run("list", "note", ID, "of prod", "--profile", "prod")
    prod = ("--profile", "prod")

    for words in ("list", "list export -o csv", "status", "status -o csv"):
        assert str(OTHER) in home.run(*words.split()).stdout
        selected = home.run(*words.split(), *prod).stdout
        assert (str(ID) in selected, str(OTHER) in selected) == (True, False)
    assert {each["profile"] for each in json.loads(home.run("list", "export", *prod).stdout)} == {
        "prod"
    }
    assert home.run("status", "--short", *prod).stdout == "?1\n"
    gauges = home.run("status", "-o", "prometheus", *prod).stdout
    assert ('profile="prod"' in gauges, 'profile="dev"' in gauges) == (True, False)
    assert re.findall(r"  (\d{11})  -> ", home.run("watch", *prod).stdout) == [str(ID)]
    assert home.run("follow", "list", *prod).stdout.splitlines()[1].split()[0] == "2"
    assert "Nothing has failed of the 1 watched" in home.run("report", *prod, "--json").stderr
    # What a file says is of new instances alone.
    home.environ["WFINSPECT_PROFILE"] = "prod"
    assert str(OTHER) in home.run("list").stdout
    for words in ("list", "status", "status --short", "history", "watch", "follow list", "report"):
        unknown = home.run(*words.split(), "--profile", "prd")
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert "has no profile 'prd': use one of dev, prod (did you mean prod?)" in unknown.stderr
        nothing = home.run(*words.split(), "--region", "cn-beijing", *prod)
        assert "--region cn-beijing" in nothing.stderr or words in {"report", "status --short"}
    with home.start("status", "--short", "--follow", *prod, size=(100, 24)) as bar:
        bar.wait_for(r"--follow is of the whole list, not only of --profile prod\.\s+\?2")
    # That of a profile which is no longer there can be seen and removed.
    write(home, {"name": "dev", **AK}, current="dev")
    assert str(ID) in home.run("list", *prod).stdout
    assert "no profile 'prod'" in home.run("status", *prod).stderr
    assert "1 removed: " in home.run("list", "remove", ID, *prod).stderr
    assert home.run("list", *prod).stdout == ""
    assert "No longer followed" in home.run("follow", "remove", 2, *prod).stderr
    assert home.run("list", *prod).returncode == 2


def test_what_chose_the_profile_and_what_is_passed_over_is_said(home: Home) -> None:
    file = write(home, {"name": "dev", **AK}, {"name": "prod", **AK}, current="dev")

    def said() -> tuple[str, str]:
        [chosen] = [
            each["source"]
            for each in json.loads(home.run("info", "--json").stdout)
            if each["name"] == "profile"
        ]
        [checked] = [
            f"{each['level']} {each['text']}"
            for each in json.loads(home.run("doctor", "--json").stdout)
            if each["check"] == "credentials"
        ]
        assert f" ({chosen})" in checked
        return chosen, checked.partition(" ")[0]

    assert said() == (f"profile dev in {file}, its current one", "ok")
    home.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = "x"
    half = "the key in the environment is passed over, as ALIBABA_CLOUD_ACCESS_KEY_SECRET is empty"
    assert said() == (f"profile dev in {file}, its current one; {half}", "warning")
    home.environ["ALIBABA_CLOUD_PROFILE"] = "prod"
    assert said()[0] == f"profile prod in {file}, named by ALIBABA_CLOUD_PROFILE; {half}"
    config = home.write(".config/wfinspect/config.toml", 'profile = "prod"\n')
    assert said() == (f"profile prod in {file}, named by {config}", "ok")
    with home.start("info", size=(80, 50)) as info:
        info.wait_for(r"profile +prod +profile prod in\s")
    home.environ["WFINSPECT_PROFILE"] = "prod"
    assert said() == (f"profile prod in {file}, named by WFINSPECT_PROFILE", "ok")
    home.environ |= {"WFINSPECT_PROFILE": "(env)", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "y"}
    assert said() == ("keys in the environment, named by WFINSPECT_PROFILE", "ok")
