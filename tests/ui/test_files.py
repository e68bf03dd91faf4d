import stat
from pathlib import Path

import pytest

from wfinspect.ui.files import FILE_NAME, Preferences


def test_what_one_start_keeps_the_next_one_finds(tmp_path: Path) -> None:
    Preferences(tmp_path).set("theme", "light")

    assert Preferences(tmp_path).get("theme", "auto") == "light"
    assert Preferences(tmp_path).get("sort", "name") == "name"
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("pref*")] == [FILE_NAME]


def test_two_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = Preferences(tmp_path), Preferences(tmp_path)
    one.set("theme", "light")
    other.set("bell", "off")

    assert Preferences(tmp_path).get("theme", "") == "light"
    assert Preferences(tmp_path).get("bell", "") == "off"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"theme": 5}', "\x00", "[" * 100_000])
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    kept = Preferences(tmp_path)

    assert kept.get("theme", "auto") == "auto"
    kept.set("theme", "dark")
    assert Preferences(tmp_path).get("theme", "auto") == "dark"


def test_what_cannot_be_written_holds_until_the_end(tmp_path: Path) -> None:
    kept = Preferences(tmp_path / "missing")
    kept.set("theme", "dark")

    assert kept.get("theme", "auto") == "dark"
