import json
import stat
from pathlib import Path
from typing import Any

import pytest
from profile_files import AK, ID, TEMPORARY, external, has_answer, without_keys, write
from run import InProcess

from wfinspect.commands.once import resolve_target
from wfinspect.dataworks.profiles import Identity, identify, keys_in, region_variable
from wfinspect.errors import ConfigError
from wfinspect.settings import load_settings
from wfinspect.simulator import Simulator
from wfinspect.simulator.server import KEY, TEMPORARY_KEY

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
PROD = {
    "name": "prod-ops",
    "mode": "AK",
    "access_key_id": "LTAI",
    "access_key_secret": "CANARY",
    "region_id": "cn-beijing",
}
SSO = {"name": "sso", "mode": "CloudSSO", "region_id": "eu-central-1"}
EMPTY = {"name": "default", "mode": "AK", "access_key_id": "", "region_id": "cn-hangzhou"}


def configure(home: Path, *profiles: dict[str, Any], current: str = "") -> Path:
    path = home / ".aliyun" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": current, "profiles": profiles}), encoding="utf-8")
    return path


def test_an_explicit_profile_wins_with_its_own_region(tmp_path: Path) -> None:
    path = configure(tmp_path, SSO, PROD, current="sso")
    environ = KEYS | {"REGION_ID": "cn-shanghai"}

    identity = identify("prod-ops", environ, tmp_path)

    assert identity == Identity("prod-ops", "cn-beijing", f"profile prod-ops in {path}")


def test_an_explicit_profile_without_a_region_takes_the_environments(tmp_path: Path) -> None:
    configure(tmp_path, PROD | {"region_id": ""})

    assert identify("prod-ops", {"REGION_ID": "us-east-1"}, tmp_path).region == "us-east-1"


def test_keys_in_the_environment_come_before_the_current_profile(tmp_path: Path) -> None:
    configure(tmp_path, PROD, current="prod-ops")

    identity = identify(None, KEYS | {"REGION_ID": "cn-shanghai"}, tmp_path)

    assert identity == Identity("(env)", "cn-shanghai", "keys in the environment")


def test_keys_in_the_environment_use_the_current_profiles_region_for_want_of_another(
    tmp_path: Path,
) -> None:
    configure(tmp_path, PROD, current="prod-ops")

    assert identify(None, KEYS, tmp_path).region == "cn-beijing"


@pytest.mark.parametrize(
    ("environ", "region", "source"),
    [
        ({"REGION": "cn-hongkong"}, "cn-hongkong", "REGION"),
        ({"REGION_ID": "cn-hongkong", "REGION": "us-east-1"}, "cn-hongkong", "REGION_ID"),
        ({"REGION": "eu-west-3"}, "cn-beijing", "profile prod-ops"),
        (KEYS, "cn-beijing", "the aliyun CLI's current profile"),
    ],
)
def test_the_source_of_a_region_is_where_it_came_from(
    environ: dict[str, str], region: str, source: str, tmp_path: Path
) -> None:
    configure(tmp_path, PROD, current="prod-ops")
    environ = {**environ, "HOME": str(tmp_path)}

    resolved = resolve_target(load_settings({}, environ), environ)

    assert (resolved.target.region, resolved.region_source) == (region, source)


def test_keys_in_the_environment_make_a_broken_file_harmless(tmp_path: Path) -> None:
    configure(tmp_path).write_text("{")

    assert identify(None, KEYS, tmp_path) == Identity("(env)", None, "keys in the environment")


def test_half_a_key_in_the_environment_is_none(tmp_path: Path) -> None:
    configure(tmp_path, PROD, current="prod-ops")

    assert identify(None, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "x"}, tmp_path).profile == "prod-ops"


def test_the_current_profile_is_used_with_the_environments_region_first(tmp_path: Path) -> None:
    configure(tmp_path, SSO, PROD, current="sso")

    assert identify(None, {}, tmp_path).profile == "sso"
    assert identify(None, {}, tmp_path).region == "eu-central-1"
    assert identify(None, {"REGION": "cn-hongkong"}, tmp_path).region == "cn-hongkong"


@pytest.mark.parametrize(
    "name", ["ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"]
)
def test_the_environment_may_name_the_profile(name: str, tmp_path: Path) -> None:
    configure(tmp_path, SSO, PROD, current="sso")

    assert identify(None, {name: "prod-ops"}, tmp_path).profile == "prod-ops"


def test_a_profile_that_the_environment_names_must_exist(tmp_path: Path) -> None:
    configure(tmp_path, SSO)

    with pytest.raises(ConfigError, match="no profile 'nope'"):
        identify(None, {"ALIBABA_CLOUD_PROFILE": "nope"}, tmp_path)


@pytest.mark.parametrize(
    "environ",
    [{"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"}, {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}],
)
def test_the_file_may_be_switched_off(environ: dict[str, str], tmp_path: Path) -> None:
    configure(tmp_path, PROD, current="prod-ops")

    assert identify(None, environ, tmp_path).profile == "(default)"


def test_without_anything_the_default_chain_is_meant(tmp_path: Path) -> None:
    identity = identify(None, {"REGION_ID": "cn-shenzhen"}, tmp_path)

    assert identity == Identity("(default)", "cn-shenzhen", "default credential chain")


def test_the_profile_of_an_unconfigured_cli_names_a_region_and_no_account(tmp_path: Path) -> None:
    configure(tmp_path, EMPTY, current="default")

    identity = identify(None, {}, tmp_path)

    assert identity == Identity("(default)", "cn-hangzhou", "default credential chain")


@pytest.mark.parametrize("name", ["(env)", "(default)"])
def test_the_names_of_rows_can_be_asked_for(name: str, tmp_path: Path) -> None:
    configure(tmp_path, PROD, current="prod-ops")

    assert identify(name, {}, tmp_path).profile == name


def test_an_unknown_profile_names_the_file_and_those_it_knows(tmp_path: Path) -> None:
    path = configure(tmp_path, SSO, PROD)

    with pytest.raises(ConfigError) as caught:
        identify("prodops", {}, tmp_path)

    sentence = str(caught.value)
    assert str(path) in sentence
    assert "use one of sso, prod-ops (did you mean prod-ops?)" in sentence
    assert "CANARY" not in sentence


def test_a_profile_without_a_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json does not exist.*aliyun configure"):
        identify("prod", {}, tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{\n"profiles": [}', "not JSON at line 2"),
        ("\udc00", "not JSON"),
        ("[]", "not hold a JSON object"),
        ("[" * 100_000, "not JSON"),
        ("", "not JSON at line 1"),
    ],
)
@pytest.mark.parametrize("profile", ["prod-ops", None])
def test_a_file_that_cannot_be_understood_is_named(
    profile: str | None, content: str, says: str, tmp_path: Path
) -> None:
    path = configure(tmp_path)
    path.write_bytes(content.encode("utf-8", "surrogatepass"))

    with pytest.raises(ConfigError, match=says) as caught:
        identify(profile, {}, tmp_path)

    assert str(path) in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".aliyun" / "config.json").mkdir(parents=True)

    with pytest.raises(ConfigError, match="can't be read"):
        identify("prod", {}, tmp_path)


@pytest.mark.parametrize("profiles", [None, "x", [1, None, {"name": 5}]])
def test_odd_lists_of_profiles_are_survived(profiles: object, tmp_path: Path) -> None:
    path = configure(tmp_path)
    path.write_text(json.dumps({"current": "a", "profiles": profiles}))

    with pytest.raises(ConfigError, match="no profile 'a'"):
        identify(None, {}, tmp_path)


def test_a_profiles_name_cannot_drive_a_terminal(tmp_path: Path) -> None:
    configure(tmp_path, PROD | {"name": "\x1b]0;x\x07"})

    with pytest.raises(ConfigError) as caught:
        identify("\x1b[2J", {}, tmp_path)

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("prefix", ["ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", ""])
def test_keys_go_by_all_names_of_the_cli(prefix: str) -> None:
    environ = {
        f"{prefix}ACCESS_KEY_ID": " id\n",
        f"{prefix}ACCESS_KEY_SECRET": "secret",
        f"{prefix}SECURITY_TOKEN": "token",
    }

    assert keys_in(environ) == ("id", "secret", "token")


def test_a_token_of_another_name_is_not_mixed_in() -> None:
    assert keys_in(KEYS | {"SECURITY_TOKEN": "of another key"}) == ("id", "secret", "")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"REGION_ID": "cn-shanghai", "REGION": "cn-beijing"}, "REGION_ID"),
        ({"REGION": "us-east-2"}, ""),
        ({"REGION": "cn-beijing"}, "REGION"),
        ({}, ""),
    ],
)
def test_the_environments_region_goes_by_the_clis_names(environ: dict[str, str], name: str) -> None:
    assert region_variable(environ) == name


@pytest.mark.parametrize(
    ("profile", "environ", "endpoint", "source"),
    [
        ({}, {}, "dataworks.cn-beijing.aliyuncs.com", "default"),
        (
            {"endpoint_type": " VPC "},
            {},
            "dataworks-vpc.cn-beijing.aliyuncs.com",
            "profile prod-ops",
        ),
        ({"endpoint_type": "vpc", "endpoint": "a.cn"}, {}, "a.cn", "profile prod-ops"),
        (
            {"endpoint": "", "endpoint_type": None},
            {},
            "dataworks.cn-beijing.aliyuncs.com",
            "default",
        ),
        (
            {"endpoint": "a.cn"},
            {"ALIBABA_CLOUD_ENDPOINT": "b.cn", "ALIBABA_CLOUD_ENDPOINT_TYPE": "vpc"},
            "b.cn",
            "ALIBABA_CLOUD_ENDPOINT",
        ),
        ({"endpoint": "a.cn"}, KEYS, "a.cn", "the aliyun CLI's current profile"),
    ],
)
def test_the_endpoint_is_what_the_cli_would_call(
    profile: dict[str, str], environ: dict[str, str], endpoint: str, source: str, tmp_path: Path
) -> None:
    configure(tmp_path, PROD | profile, current="prod-ops")
    environ = {**environ, "HOME": str(tmp_path)}

    resolved = resolve_target(load_settings({}, environ), environ)

    assert (resolved.target.endpoint, resolved.endpoint_source) == (endpoint, source)


SECRET, KEY_ID, TOKEN = "aB3" + "dE5fG7" * 4 + "hiJ", "LTAI5tAbCdEfGh", "CAIS" + "ab1+/C=" * 20


@pytest.mark.parametrize("typed", [SECRET, KEY_ID, f"STS.{KEY_ID}", TOKEN])
@pytest.mark.parametrize("name", ["endpoint", "region", "profile", "budget", "theme", "time_zone"])
def test_no_error_of_a_setting_holds_a_key(name: str, typed: str, tmp_path: Path) -> None:
    configure(tmp_path, PROD, current="prod-ops")
    environ = {"HOME": str(tmp_path)}

    with pytest.raises(ConfigError) as caught:
        resolve_target(load_settings({name: typed}, environ), environ)

    assert typed[4:16] not in str(caught.value)


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
