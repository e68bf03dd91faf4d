import logging
import re
import stat
from pathlib import Path

import pytest

from wfinspect.diagnostics import crash_sentence, keep_log, report_crash
from wfinspect.format import is_harmless
from wfinspect.settings import load_settings

KEY_ID = "LTAI5tDemoDemoDemoDemo12"
KEY_SECRET = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1"
TOKEN = "CAIS9wF1q6Ft5B2yfSjIr5eDBNPfjLdq+vqP/b3bcHExlz+aO5HMi+u6hDvX7OaVsTOMGUg0JfFKCi+4Uen5b8wO="


def raised(message: str) -> Exception:
    """An exception with a cause, out of frames that hold a secret as a signer's do."""

    def sign(secret: str) -> None:
        raise KeyError(secret)

    try:
        try:
            sign(KEY_SECRET)
        except KeyError as error:
            raise RuntimeError(message) from error
    except RuntimeError as error:
        return error


def test_a_report_tells_where_and_keeps_secrets(tmp_path: Path) -> None:
    report = report_crash(raised(f"signing with {KEY_ID} and {TOKEN} failed"), tmp_path)

    assert report is not None
    text = report.read_text("utf-8")
    assert "in sign" in text
    assert str(Path(__file__)) in text
    assert "RuntimeError: signing with *** and *** failed" in text
    assert "KeyError: '***'" in text
    assert not [s for s in (KEY_ID, KEY_SECRET, TOKEN[:20]) if s in text]


def test_a_report_is_its_owners_alone_and_one_never_replaces_another(tmp_path: Path) -> None:
    first = report_crash(raised("one"), tmp_path)
    second = report_crash(raised("two"), tmp_path)

    assert first is not None
    assert second is not None
    assert first != second
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_a_report_finds_another_place_if_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    report = report_crash(raised("x"), tmp_path / "missing")

    assert report is not None
    assert report.parent == tmp_path


def test_without_any_place_the_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    assert report_crash(raised("x"), tmp_path / "missing") is None
    assert "no report could be written" in crash_sentence(raised("x"), None)


def test_a_report_can_be_shown_on_a_terminal(tmp_path: Path) -> None:
    report = report_crash(raised("\x1b]0;owned\x07\u202e\ud800"), tmp_path)

    assert report is not None
    assert all(is_harmless(char) or char == "\n" for char in report.read_text("utf-8"))


def test_the_sentence_names_class_message_and_report() -> None:
    assert crash_sentence(ValueError("no row [/]"), Path("/state/report.txt")) == (
        "wfinspect: an internal error ended the app (ValueError: no row [/]). "
        "Nothing on the watched list is lost; the report is in /state/report.txt."
    )
    assert "(ZeroDivisionError)" in crash_sentence(ZeroDivisionError(), None)


def test_a_full_log_is_put_aside_once_and_both_are_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfinspect.diagnostics._MAX_BYTES", 1_000)
    keep_log(load_settings({"state_dir": str(tmp_path / "s")}, {"HOME": str(tmp_path)}))
    assert not (tmp_path / "s").exists()

    for number in range(100):
        logging.getLogger("wfinspect").warning("line %d", number)

    files = sorted((tmp_path / "s").iterdir())
    assert [path.name for path in files] == ["wfinspect.log", "wfinspect.log.1"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert all(path.stat().st_size < 1_100 for path in files)
    last = files[0].read_text().splitlines()[-1]
    # It is read elsewhere, and --time-zone may be another one than the machine's.
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d [\d:]{8}\.\d{3}[+-]\d\d:\d\d WARNING wfinspect: line 99", last
    )


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    state, other = tmp_path / "s", tmp_path / "other"
    state.mkdir(0o700)
    (state / "wfinspect.log").symlink_to(other)
    keep_log(load_settings({"state_dir": str(state)}, {"HOME": str(tmp_path)}))

    logging.getLogger("wfinspect").warning("a line")

    assert not other.exists()
