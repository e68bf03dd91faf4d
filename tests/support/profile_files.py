"""Profiles as the `aliyun` CLI keeps them, with the keys of the simulator, for the whole command."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def without_keys(simulator: Simulator, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Home and environment of a user whose keys are in a file only."""
    off_cloud = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    return tmp_path / "home", {"WFINSPECT_ENDPOINT": simulator.url} | off_cloud


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
