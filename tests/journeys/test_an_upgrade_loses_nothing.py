"""What 0.1.0 wrote opens with everything in it; `tests/data/0.1.0` was made by its app."""

import shutil
from pathlib import Path

import pytest
from journey import Home

MADE_BY_0_1_0 = Path(__file__).parents[1] / "data" / "0.1.0"
LIST = {
    ("cn-shanghai", 10433001244): "Failure",
    ("cn-shanghai", 10432980001): "Failure",
    ("cn-shanghai", 10433007781): "Running",
    ("cn-shanghai", 10432987165): "Running",
    ("cn-shanghai", 10433001250): "Running",
    ("cn-hangzhou", 10432987165): "Running",
}


@pytest.fixture
def upgraded(home: Home) -> Home:
    """A user of 0.1.0, with six instances of two regions and three unseen changes."""
    state = home.path / ".local" / "state" / "wfinspect"
    state.mkdir(mode=0o700, parents=True)
    config = home.path / ".config" / "wfinspect"
    config.mkdir(parents=True)
    for name, directory in (
        ("watch.sqlite3", state),
        ("preferences.json", state),
        ("config.toml", config),
    ):
        shutil.copy(MADE_BY_0_1_0 / name, directory / name)
        (directory / name).chmod(0o600)
    return home


def test_list_changes_keys_settings_and_preferences_of_0_1_0_are_there(upgraded: Home) -> None:
    # The service of that list is gone, so nothing is live; everything is shown as it was.
    with upgraded.start(size=(120, 40)) as app:
        screen = app.wait_for("3 unseen")
        for (region, number), status in LIST.items():
            assert f"{number}" in screen
            assert f"(env) {region}" in screen
            assert status in screen
        assert "by name" in screen  # the order of preferences.json
        assert "bell off" in screen
        app.press("L")
        log = app.wait_for(r"All changes[\s\S]*Running -> Success")
        assert log.count("Running -> Failure") == 2
        assert "Success -> Running" in log
        app.press("escape")
        app.wait_gone("All changes")
        app.press("N")  # next-unseen, by [keys]
        app.wait_for(r"[✖✔] \w+\?  \w+")
        app.press("\r")  # a key that stays there: it is seen
        app.wait_for("2 unseen")
        app.press("\x18")  # quit, by [keys]
        app.wait_for("Quit\\?")
        app.press("y")
        assert app.wait_exit() == 0


def test_short_status_and_settings_of_0_1_0_are_there(upgraded: Home) -> None:
    status = upgraded.run("status", "--short")
    assert (status.returncode, status.stderr) == (1, "")  # two have failed
    assert "X2" in status.stdout
    assert ">4" in status.stdout

    info = upgraded.run("info")
    assert info.returncode == 0
    for value in ("Asia/Shanghai", "2500", "light"):
        assert value in info.stdout
