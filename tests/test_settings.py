import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import instance
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.cli import main
from wfinspect.errors import ConfigError, StoreError
from wfinspect.model import Target
from wfinspect.settings import (
    OPTIONS,
    NotifyRule,
    NotifySettings,
    load_settings,
    make_private,
    read_links,
    read_notify,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_STATE_HOME": str(tmp_path / "s")}  # fmt: skip


def write_config(environ: dict[str, str], text: str) -> Path:
    path = Path(environ["XDG_CONFIG_HOME"], "wfinspect", "config.toml")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_without_anything_the_defaults_hold(environ: dict[str, str]) -> None:
    settings = load_settings({}, environ)

    assert (settings.interval, settings.budget, settings.endpoint) == (15.0, 3000, None)
    assert settings.paths.database == Path(environ["XDG_STATE_HOME"], "wfinspect", "watch.sqlite3")
    assert set(settings.sources.values()) == {"default"}


def test_an_option_beats_the_environment_which_beats_the_file(environ: dict[str, str]) -> None:
    path = write_config(environ, "interval = 20\nbudget = 100\ntheme = 'light'\n")
    environ |= {"WFINSPECT_INTERVAL": "30", "WFINSPECT_BUDGET": "200"}

    settings = load_settings({"interval": "40", "budget": None}, environ)

    assert (settings.interval, settings.budget, settings.theme) == (40.0, 200, "light")
    assert settings.sources["interval"] == "--interval"
    assert settings.sources["budget"] == "WFINSPECT_BUDGET"
    assert settings.sources["theme"] == str(path)


def test_our_own_variable_is_stronger_than_the_cloud_s(environ: dict[str, str]) -> None:
    environ |= {"ALIBABA_CLOUD_REGION_ID": "cn-beijing", "WFINSPECT_REGION": "cn-hangzhou"}

    assert load_settings({}, environ).region == "cn-hangzhou"

    del environ["WFINSPECT_REGION"]
    assert load_settings({}, environ).sources["region"] == "ALIBABA_CLOUD_REGION_ID"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"interval": "1"}, "interval: '1' is too short: at least 2 seconds"),
        (
            {"interval": "soon"},
            "interval: 'soon' is not a duration: write seconds, 90s, 5m, 2h or 1d",
        ),
        ({"interval": "inf"}, "is not a duration"),
        ({"state_dir": "~nobody-of-this-name/x"}, "not known here"),
        ({"state_dir": "a\0b"}, "no path has"),
        ({"budget": "0"}, "not a whole number above 0"),
        ({"budget": "1e999"}, "not a number"),
        ({"time_zone": "Mars/Base"}, "is not a time zone"),
        ({"theme": "pink"}, "is none of auto, dark, light, ansi"),
        ({"config": "/no/such/file"}, "There is no /no/such/file, which --config names"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(
    given: dict[str, object], words: str, environ: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(given, environ)

    assert words in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interval = ", "is not valid TOML"),
        ("region = cn-beijing", "text needs quotes, as in region = "),
        ("intervall = 3", "there is no setting 'intervall': did you mean interval?"),
        ("interval = true", "is not a duration"),
        ("config = 'x'", "there is no setting 'config'"),
        ("[keys]\nrefresh = 3", "[keys] takes lines"),
        ("\x00", "is not valid TOML"),
        ("a = " + "[" * 5_000, "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    text: str, words: str, environ: dict[str, str]
) -> None:
    path = write_config(environ, text)

    with pytest.raises(ConfigError) as caught:
        load_settings({}, environ)

    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_mark_of_the_encoding_is_taken_and_another_encoding_told(
    environ: dict[str, str],
) -> None:
    path = write_config(environ, "")
    path.write_bytes("interval = 20\r\n".encode("utf-8-sig"))
    assert load_settings({}, environ).interval == 20.0

    path.write_bytes("interval = 20\n".encode("utf-16"))
    with pytest.raises(ConfigError, match="is not in UTF-8: save it"):
        load_settings({}, environ)


def test_a_relative_path_where_the_directory_was_removed_is_told(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "removed").mkdir()
    monkeypatch.chdir(tmp_path / "removed")
    (tmp_path / "removed").rmdir()

    with pytest.raises(ConfigError, match="'x' is relative to a directory that was removed"):
        load_settings({"state_dir": "x"}, environ)


def test_a_user_without_a_name_and_a_home_is_told_to_set_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)

    with pytest.raises(ConfigError, match="set HOME"):
        load_settings({}, {})
    assert load_settings({}, {"HOME": "/h"}).paths.state_dir


def test_a_file_that_is_a_directory_is_told(environ: dict[str, str]) -> None:
    Path(environ["XDG_CONFIG_HOME"], "wfinspect", "config.toml").mkdir(parents=True)

    with pytest.raises(ConfigError, match="can't be read"):
        load_settings({}, environ)


def test_a_wrong_variable_is_named(environ: dict[str, str]) -> None:
    environ["WFINSPECT_BUDGET"] = "many"

    with pytest.raises(ConfigError, match="budget in WFINSPECT_BUDGET: 'many' is not a number"):
        load_settings({}, environ)


@pytest.fixture
def machine_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def use(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use
    use("UTC")


@pytest.mark.parametrize(
    "name", ["Europe/Istanbul", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]
)
def test_this_machine_s_zone_is_that_of_each_time_not_that_of_one_winter(
    name: str, machine_zone: Callable[[str], None], environ: dict[str, str]
) -> None:
    machine_zone(name)
    zone = load_settings({}, environ).zone

    for hours in range(0, 366 * 24, 5):
        at = datetime(2026, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hours)
        here, there = at.astimezone(zone), at.astimezone(ZoneInfo(name))
        assert (here.isoformat(), here.fold) == (there.isoformat(), there.fold)
        assert here.astimezone(UTC) == at


def test_a_zone_that_can_t_be_is_utc(
    machine_zone: Callable[[str], None], environ: dict[str, str]
) -> None:
    machine_zone("<+99>-99")

    assert load_settings({}, environ).zone is UTC


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$WF/a", "/w/a"),
        ("${WF}/a", "/w/a"),
        ("/x/$WF", "/x//w"),
        ("$DIR", "/d $WF ${WF}"),
        ("/a$/$$/${/$1", "/a$/$$/${/$1"),
        ("~/a", "/h/a"),
        ("/a/~", "/a/~"),
    ],
)
def test_variables_and_homes_in_a_path_are_replaced(
    text: str, path: str, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WF": "/w", "DIR": "/d $WF ${WF}", "HOME": "/h"}.items():
        monkeypatch.setenv(name, value)

    assert load_settings({"state_dir": text}, environ).paths.state_dir == Path(path)


@pytest.mark.parametrize("text", ["$NO_SUCH/a", "/a/${NO_SUCH}", "$EMPTY/a"])
def test_a_variable_that_is_not_set_is_told(
    text: str, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")

    with pytest.raises(ConfigError, match=r"the variable (NO_SUCH|EMPTY), which is not"):
        load_settings({"state_dir": text}, environ)


def test_every_option_has_a_meaning_and_a_variable_of_its_own() -> None:
    assert all(option.meaning for option in OPTIONS)
    assert len({option.variable for option in OPTIONS}) == len(OPTIONS)


def test_the_state_directory_is_made_private(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mask", [0, 0o022, 0o177, 0o777])
def test_each_directory_made_on_the_way_is_private_under_any_umask(
    mask: int, tmp_path: Path
) -> None:
    environ = {"HOME": str(tmp_path), "LANG": "C.UTF-8"}
    script = Path(sys.executable).with_name("wfinspect")
    run = subprocess.run([script, "status", "--short"], env=environ, umask=mask, check=False)

    assert run.returncode == 0
    made = [".local", ".local/state", ".local/state/wfinspect"]
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in made] == [0o700] * 3


def test_a_state_directory_others_may_write_is_refused_with_the_command_that_mends_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)

    with pytest.raises(StoreError, match="chmod 700"):
        make_private(tmp_path / "open")


def test_a_file_in_place_of_the_state_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="--state-dir"):
        make_private(tmp_path / "file" / "x")


VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\0"), max_size=20),
    st.sampled_from(["cn-shanghai", "1e999", "-0", "nan", "../..", "~nobody/x", "Asia", "/"]),
    st.integers(-(2**70), 2**70).map(str),
)
NAMES = st.sampled_from([option.key for option in OPTIONS] + ["keys", "notify", "links", "new"])
TOML = st.dictionaries(
    NAMES,
    st.one_of(
        VALUES.map(json.dumps),
        st.sampled_from(["1", "1.5", "inf", "true", "[]", "[1]", "{}", '{rule="x"}', "07:32:00"]),
    ),
    max_size=4,
).map(lambda table: "\n".join(f"{name} = {value}" for name, value in table.items()).encode())


@tried(100, 100_000)
@given(
    given=st.dictionaries(NAMES, VALUES, max_size=2),
    named=st.dictionaries(st.sampled_from([option.variable for option in OPTIONS]), VALUES),
    file=st.one_of(TOML, st.binary(max_size=60)),
)
def test_any_setting_is_taken_or_told_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    given: dict[str, object],
    named: dict[str, str],
    file: bytes,
) -> None:
    home = tmp_path_factory.getbasetemp() / "any"
    path = home / "wfinspect" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    try:
        settings = load_settings(given, {"XDG_CONFIG_HOME": str(home), "HOME": str(home)} | named)
    except ConfigError:
        return
    assert settings.interval >= 2
    assert settings.budget >= 1


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert read_notify({}, "config.toml") == NotifySettings(
        NotifyRule.FAILURE, (), True, "off", False, 300.0
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90.0),
        (10.5, 10.5),
        ("90", 90.0),
        ("90s", 90.0),
        ("5m", 300.0),
        ("1.5 h", 5400.0),
        ("1d", 86400.0),
    ],
)
def test_lost_after_is_a_duration(written: object, seconds: float) -> None:
    assert read_notify({"lost_after": written}, "config.toml").lost_after == seconds


def test_the_table_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[notify]\nrule = "settled"\ncommand = ["tell", "{message}"]\nosc = 9\nbell = false\n'
    )

    settings = load_settings({"config": str(path)}, {"HOME": str(tmp_path)})

    assert settings.notify == NotifySettings(NotifyRule.SETTLED, ("tell", "{message}"), False, "9")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"rules": "any"}, "[notify] has no 'rules': known are rule, command, bell, osc"),
        ({"rule": "never"}, "rule: 'never' is none of failure, late, settled, any"),
        ({"osc": "99"}, "osc: '99' is none of off, 9, 777"),
        ({"lost_after": 9}, "lost_after: '9' is too short: at least 10 seconds are allowed"),
        (
            {"lost_after": "5 mins ago"},
            "lost_after: '5 mins ago' is not a duration: write seconds, 90s",
        ),
        ({"lost_after": True}, "is not a duration"),
        ({"lost_after": -300}, "is not a duration"),
        ({"lost_after": float("nan")}, "is not a duration"),
        ({"bell": "maybe"}, "bell: 'maybe' is neither true nor false"),
        ({"command": "curl http://x"}, "command is a list of a program and its arguments"),
        ({"command": ["", "x"]}, "command is a list"),
        ({"command": ["a", 1]}, "command is a list"),
        ({"command": ["a\0"]}, "command is a list"),
        (["failure"], "[notify] is a table"),
    ],
)
def test_a_wrong_table_is_told_with_what_is_allowed(table: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_notify(table, "config.toml")

    assert str(caught.value).startswith("config.toml: ")
    assert words in str(caught.value)


def test_info_shows_what_is_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[notify]\ncommand = ["tell", "a b", "{message}"]\n')

    assert main(["info", "--config", str(path)], {"HOME": str(tmp_path)}) == 0

    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    shown = {line[1]: line[2] for line in lines if line[0] == "notify"}
    assert shown["command"].split("  ")[0] == "tell 'a b' '{message}'"
    assert shown["command"].endswith(str(path))
    assert shown["osc"].split() == ["off", "default"]


LINK = "https://console.example/{region}/{project}?flow={workflow}#/{id}"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"instance": "http://console.example/{id}"}, "is not a link"),
        ({"instance": "javascript:alert({id})"}, "is not a link"),
        ({"instance": "https://a b/{id}"}, "is not a link"),
        ({"instance": 'https://a"b/{id}'}, "is not a link"),
        ({"instance": "https://x/{id!r}"}, "is not a link"),
        ({"instance": "https://x/{}"}, "is not a link"),
        ({"instance": "https://x/{{id}}"}, "is not a link"),
        ({"instance": "https://x/\u202e{id}"}, "is not a link"),
        ({"instance": 7}, "is not text"),
        ({"instance": "https://x/{bizdate}"}, "known are region, project, workflow, id"),
        ({"task": "https://x/{id}"}, "[links] takes one line"),
        ("https://x/{id}", "[links] takes one line"),
    ],
)
def test_a_link_that_cannot_be_one_is_refused(table: object, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_links(table, "config.toml")

    assert str(refused.value).startswith("config.toml: [links]")
    assert said in str(refused.value)


def test_a_link_has_no_part_that_is_not_known(environ: dict[str, str]) -> None:
    write_config(environ, f'[links]\ninstance = "{LINK}"\n')
    linked = load_settings({}, environ)
    target = Target("prod", "cn-shanghai", "")

    whole = instance(7, workflow_id=5)
    assert linked.link_to(target, whole) == "https://console.example/cn-shanghai/88123?flow=5#/7"
    assert linked.link_to(target, instance(7)) == ""
    assert linked.link_to(target._replace(region='x"><script>'), whole) == ""
    assert (
        load_settings({}, {**environ, "XDG_CONFIG_HOME": "/nowhere"}).link_to(target, whole) == ""
    )
