"""A state directory that somebody has prepared: nothing outside it is touched, and a sentence says why."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeClock

from wfinspect.errors import StoreError
from wfinspect.watching.store import FILE_NAME, Store

NOBODY = 65_534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")


def linked(file: Path, victim: Path) -> None:
    file.symlink_to(victim)


def piped(file: Path, _: Path) -> None:
    os.mkfifo(file)


def made_a_directory(file: Path, _: Path) -> None:
    file.mkdir()


def given_away(file: Path, _: Path) -> None:
    file.touch()
    os.chown(file, NOBODY, -1)


def opened_to_all(file: Path, _: Path) -> None:
    file.parent.chmod(0o777)


def directory_given_away(file: Path, _: Path) -> None:
    os.chown(file.parent, NOBODY, -1)


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (linked, "can't be used"),
        (piped, "choose another --state-dir"),
        (made_a_directory, "choose another --state-dir"),
        (opened_to_all, "chmod 700"),
        pytest.param(given_away, "choose another --state-dir", marks=needs_root),
        pytest.param(directory_given_away, "choose another with --state-dir", marks=needs_root),
    ],
)
def test_what_is_not_the_users_own_is_refused_with_what_to_do(
    tamper: Callable[[Path, Path], None], says: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    tamper(state / FILE_NAME, victim)
    before = sorted(path.name for path in tmp_path.rglob("*"))

    with pytest.raises(StoreError, match=says):
        Store(state, FakeClock().now).rows()

    assert victim.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_another_name_of_a_foreign_text_is_set_aside_and_the_text_kept(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / FILE_NAME).hardlink_to(victim)
    store = Store(state, FakeClock().now)

    assert store.rows() == []

    store.close()
    assert victim.read_text() == "precious"
    assert not (state / FILE_NAME).samefile(victim)
