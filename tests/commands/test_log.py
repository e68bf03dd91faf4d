import logging
import stat
from pathlib import Path

import pytest

from wfinspect.commands.log import keep_log
from wfinspect.settings import load_settings


def test_a_full_log_is_put_aside_once_and_both_are_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfinspect.commands.log._MAX_BYTES", 1_000)
    keep_log(load_settings({"state_dir": str(tmp_path / "s")}, {"HOME": str(tmp_path)}))
    assert not (tmp_path / "s").exists()

    for number in range(100):
        logging.getLogger("wfinspect").warning("line %d", number)

    files = sorted((tmp_path / "s").iterdir())
    assert [path.name for path in files] == ["wfinspect.log", "wfinspect.log.1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert all(path.stat().st_size < 1_100 for path in files)
    assert files[0].read_text().endswith("line 99\n")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    state, other = tmp_path / "s", tmp_path / "other"
    state.mkdir(0o700)
    (state / "wfinspect.log").symlink_to(other)
    keep_log(load_settings({"state_dir": str(state)}, {"HOME": str(tmp_path)}))

    logging.getLogger("wfinspect").warning("a line")

    assert not other.exists()
