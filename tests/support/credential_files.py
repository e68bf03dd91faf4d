"""Profiles of the aliyun CLI, and commands that print keys."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wfinspect.dataworks.credentials import Credentials, CredentialsSource

OFF_CLOUD = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}


AK = {"name": "prod", "mode": "AK", "access_key_id": "LTAI", "access_key_secret": "secret"}


def write(home: Path, *profiles: Mapping[str, Any], current: str = "") -> Path:
    path = home / ".aliyun" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": current, "profiles": profiles}), encoding="utf-8")
    return path


async def current(
    profile: str, home: Path, environ: Mapping[str, str] | None = None
) -> Credentials:
    return await CredentialsSource(profile, environ or {}, home).current()


def external(tmp_path: Path, script: str) -> dict[str, str]:
    program = tmp_path / "keys.py"
    program.write_text(script)
    return {
        "name": "corp",
        "mode": "External",
        "process_command": f"{sys.executable} {program}",
    }


COUNTING = """
import json, pathlib
counter = pathlib.Path(__file__).with_name("runs")
counter.write_text(counter.read_text() + "x" if counter.exists() else "x")
print(json.dumps({"mode": "StsToken", "access_key_id": "EXT1", "access_key_secret": "s",
                  "sts_token": "t", "expiration": "2099-01-01T00:00:00Z"}))
"""


ROLE = {"ram_role_arn": "acs:ram::1:role/r", "ram_session_name": "me"}
