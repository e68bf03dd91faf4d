import json
from pathlib import Path

from journey import Home

from wfinspect.simulator import DEMO_IDS, Simulator
from wfinspect.simulator.server import KEY, TEMPORARY_KEY


def configure(home: Home, **profile: str) -> None:
    """Write what `aliyun configure` would."""
    current = {"name": "default", **profile}
    home.write(".aliyun/config.json", json.dumps({"current": "default", "profiles": [current]}))


def test_expired_keys_heal_from_another_pane_with_no_key_pressed(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.set_status(DEMO_IDS[1], "Running")
    home = Home(tmp_path / "home", {"WFINSPECT_ENDPOINT": simulator.url})
    home.hurry()
    configure(
        home,
        mode="StsToken",
        access_key_id=TEMPORARY_KEY.id,
        access_key_secret=TEMPORARY_KEY.secret,
        sts_token=TEMPORARY_KEY.security_token,
    )
    with home.start(DEMO_IDS[1]) as app:
        app.wait_for(r"live *\n[\s\S]*Running ")
        simulator.faults.is_token_expired = True
        app.wait_for(r"NOT LIVE +InvalidSecurityToken.Expired")
        simulator.set_status(DEMO_IDS[1], "Failure")
        configure(home, mode="AK", access_key_id=KEY.id, access_key_secret=KEY.secret)
        app.wait_for(r"live *\n[\s\S]*✖ Failure")
        app.wait_for_bell()
        app.quit()
