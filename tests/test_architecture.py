import subprocess
import sys
from pathlib import Path

import pytest
from fakes import key, listed

from wfinspect.clock import SystemClock
from wfinspect.watching.store import Changes, Store

ROOT = Path(__file__).parent.parent


def modules_after(code: str) -> set[str]:
    """The modules a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stderr.split())


def test_arrows_point_down() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [["--version"], ["get", "--help"], ["--help"]])
def test_help_and_version_load_neither_textual_nor_httpx(arguments: list[str]) -> None:
    loaded = modules_after(
        "from wfinspect.cli import main\nimport contextlib, io\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    assert main({arguments!r}, {{}}) == 0"
    )

    assert "wfinspect.cli" in loaded
    assert not loaded & {"textual", "rich", "httpx", "msgspec", "sqlite3"}


def test_the_version_loads_next_to_nothing() -> None:
    loaded = modules_after(
        "import os, sys\nfrom wfinspect.__main__ import run\n"
        "sys.argv = ['wfinspect', '--version']\nos._exit = lambda _: None\nrun()"
    )

    assert {name for name in loaded if name.startswith("wfinspect")} == {
        "wfinspect",
        "wfinspect.__main__",
    }


def test_the_status_bar_loads_little_with_settings_too(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("interval = 20\n")
    config.chmod(0o600)
    store = Store(tmp_path, SystemClock().now)
    store.save(Changes(added={key(1): listed(key(1), 1.0)}))
    store.close()
    loaded = modules_after(
        "import os, sys\nfrom wfinspect.__main__ import run\nos._exit = lambda _: None\n"
        "sys.argv = ['wfinspect', 'status', '--short']\n"
        f"os.environ |= dict(WFINSPECT_CONFIG={str(config)!r},"
        f" WFINSPECT_STATE_DIR={str(tmp_path)!r})\nrun()"
    )

    assert {"wfinspect.watching.summary", "tomllib"} <= loaded
    assert not loaded & {"argparse", "json", "logging", "platformdirs", "wfinspect.model"}


def test_the_watch_engine_loads_neither_textual_nor_httpx() -> None:
    loaded = modules_after("import wfinspect.watching.poller")

    assert not loaded & {"textual", "rich", "httpx", "msgspec"}


def test_the_simulator_loads_nothing_of_the_client() -> None:
    loaded = modules_after("import wfinspect.simulator")

    assert not any(
        name.startswith(("wfinspect.dataworks", "wfinspect.watching")) for name in loaded
    )


def test_the_app_starts_without_what_is_read_on_demand() -> None:
    loaded = modules_after("import wfinspect.ui.app, wfinspect.watching.engine")

    screens = {f"wfinspect.ui.screens.{each}" for each in ("tasks", "text", "find", "compare")}
    assert not loaded & {"wfinspect.report", "wfinspect.watching.dependencies", *screens}
