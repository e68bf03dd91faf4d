import json
from pathlib import Path
from typing import Any

import pytest

from wfinspect.commands.once import resolve_target
from wfinspect.dataworks.profiles import Identity, identify, keys_in, region_variable
from wfinspect.errors import ConfigError
from wfinspect.settings import load_settings

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


def write(home: Path, *profiles: dict[str, Any], current: str = "") -> Path:
    path = home / ".aliyun" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": current, "profiles": profiles}), encoding="utf-8")
    return path


def test_an_explicit_profile_wins_with_its_own_region(tmp_path: Path) -> None:
    path = write(tmp_path, SSO, PROD, current="sso")
    environ = KEYS | {"REGION_ID": "cn-shanghai"}

    identity = identify("prod-ops", environ, tmp_path)

    assert identity == Identity("prod-ops", "cn-beijing", f"profile prod-ops in {path}")


def test_an_explicit_profile_without_a_region_takes_the_environments(tmp_path: Path) -> None:
    write(tmp_path, PROD | {"region_id": ""})

    assert identify("prod-ops", {"REGION_ID": "us-east-1"}, tmp_path).region == "us-east-1"


def test_keys_in_the_environment_come_before_the_current_profile(tmp_path: Path) -> None:
    write(tmp_path, PROD, current="prod-ops")

    identity = identify(None, KEYS | {"REGION_ID": "cn-shanghai"}, tmp_path)

    assert identity == Identity("(env)", "cn-shanghai", "keys in the environment")


def test_keys_in_the_environment_use_the_current_profiles_region_for_want_of_another(
    tmp_path: Path,
) -> None:
    write(tmp_path, PROD, current="prod-ops")

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
    write(tmp_path, PROD, current="prod-ops")
    environ = {**environ, "HOME": str(tmp_path)}

    resolved = resolve_target(load_settings({}, environ), environ)

    assert (resolved.target.region, resolved.region_source) == (region, source)


def test_keys_in_the_environment_make_a_broken_file_harmless(tmp_path: Path) -> None:
    write(tmp_path).write_text("{")

    assert identify(None, KEYS, tmp_path) == Identity("(env)", None, "keys in the environment")


def test_half_a_key_in_the_environment_is_none(tmp_path: Path) -> None:
    write(tmp_path, PROD, current="prod-ops")

    assert identify(None, {"ALIBABA_CLOUD_ACCESS_KEY_ID": "x"}, tmp_path).profile == "prod-ops"


def test_the_current_profile_is_used_with_the_environments_region_first(tmp_path: Path) -> None:
    write(tmp_path, SSO, PROD, current="sso")

    assert identify(None, {}, tmp_path).profile == "sso"
    assert identify(None, {}, tmp_path).region == "eu-central-1"
    assert identify(None, {"REGION": "cn-hongkong"}, tmp_path).region == "cn-hongkong"


@pytest.mark.parametrize(
    "name", ["ALIBABA_CLOUD_PROFILE", "ALIBABACLOUD_PROFILE", "ALICLOUD_PROFILE"]
)
def test_the_environment_may_name_the_profile(name: str, tmp_path: Path) -> None:
    write(tmp_path, SSO, PROD, current="sso")

    assert identify(None, {name: "prod-ops"}, tmp_path).profile == "prod-ops"


def test_a_profile_that_the_environment_names_must_exist(tmp_path: Path) -> None:
    write(tmp_path, SSO)

    with pytest.raises(ConfigError, match="no profile 'nope'"):
        identify(None, {"ALIBABA_CLOUD_PROFILE": "nope"}, tmp_path)


@pytest.mark.parametrize(
    "environ",
    [{"ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE"}, {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}],
)
def test_the_file_may_be_switched_off(environ: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, PROD, current="prod-ops")

    assert identify(None, environ, tmp_path).profile == "(default)"


def test_without_anything_the_default_chain_is_meant(tmp_path: Path) -> None:
    identity = identify(None, {"REGION_ID": "cn-shenzhen"}, tmp_path)

    assert identity == Identity("(default)", "cn-shenzhen", "default credential chain")


def test_the_profile_of_an_unconfigured_cli_names_a_region_and_no_account(tmp_path: Path) -> None:
    write(tmp_path, EMPTY, current="default")

    identity = identify(None, {}, tmp_path)

    assert identity == Identity("(default)", "cn-hangzhou", "default credential chain")


@pytest.mark.parametrize("name", ["(env)", "(default)"])
def test_the_names_of_rows_can_be_asked_for(name: str, tmp_path: Path) -> None:
    write(tmp_path, PROD, current="prod-ops")

    assert identify(name, {}, tmp_path).profile == name


def test_an_unknown_profile_names_the_file_and_those_it_knows(tmp_path: Path) -> None:
    path = write(tmp_path, SSO, PROD)

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
    path = write(tmp_path)
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
    path = write(tmp_path)
    path.write_text(json.dumps({"current": "a", "profiles": profiles}))

    with pytest.raises(ConfigError, match="no profile 'a'"):
        identify(None, {}, tmp_path)


def test_a_profiles_name_cannot_drive_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, PROD | {"name": "\x1b]0;x\x07"})

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
    write(tmp_path, PROD | profile, current="prod-ops")
    environ = {**environ, "HOME": str(tmp_path)}

    resolved = resolve_target(load_settings({}, environ), environ)

    assert (resolved.target.endpoint, resolved.endpoint_source) == (endpoint, source)


SECRET, KEY_ID, TOKEN = "aB3" + "dE5fG7" * 4 + "hiJ", "LTAI5tAbCdEfGh", "CAIS" + "ab1+/C=" * 20


@pytest.mark.parametrize("typed", [SECRET, KEY_ID, f"STS.{KEY_ID}", TOKEN])
@pytest.mark.parametrize("name", ["endpoint", "region", "profile", "budget", "theme", "time_zone"])
def test_no_error_of_a_setting_holds_a_key(name: str, typed: str, tmp_path: Path) -> None:
    write(tmp_path, PROD, current="prod-ops")
    environ = {"HOME": str(tmp_path)}

    with pytest.raises(ConfigError) as caught:
        resolve_target(load_settings({name: typed}, environ), environ)

    assert typed[4:16] not in str(caught.value)
