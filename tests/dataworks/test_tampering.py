"""State and settings that somebody has prepared: nothing else is touched, and a sentence says why."""

import logging
import os
import pwd
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import START, FakeClock, key, listed

from wfinspect.diagnostics import keep_log
from wfinspect.errors import ConfigError, StoreError
from wfinspect.settings import DATABASE, load_settings, other_writers_above, read_settings
from wfinspect.ui.files import Preferences
from wfinspect.watching.store import Changes, Store

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
    tamper(state / DATABASE, victim)
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
    (state / DATABASE).hardlink_to(victim)
    store = Store(state, FakeClock().now)

    assert store.rows() == []

    store.close()
    assert victim.read_text() == "precious"
    assert not (state / DATABASE).samefile(victim)


def keep_everything(state: Path) -> None:
    """Write whatever the program keeps in its state directory, where it may."""
    keep_log(load_settings({"state_dir": str(state)}, {"HOME": str(state.parent)}))
    Preferences(state).set("theme", "light")
    logging.getLogger("wfinspect").critical("A line for the log")
    store = Store(state, FakeClock().now)
    try:
        store.save(Changes(added={key(1): listed(key(1), 1.0, START)}))
    finally:
        store.close()


def test_all_that_is_kept_is_for_the_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keep_everything(tmp_path / "state")
    finally:
        os.umask(before)

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert modes == {DATABASE: 0o600, "preferences.json": 0o600, "wfinspect.log": 0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_nothing_is_written_where_others_may_have_laid_links(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir()
    names = ("wfinspect.log", "wfinspect.log.1", f"preferences.json.{os.getpid()}", DATABASE)
    for name in names:
        (state / name).symlink_to(victim)
    state.chmod(0o777)

    with pytest.raises(StoreError, match=f"chmod 700 {state}"):
        keep_everything(state)

    assert victim.read_text() == "precious"
    assert sorted(path.name for path in state.iterdir()) == sorted(names)


@pytest.mark.parametrize(
    ("mode", "owner", "says"),
    [
        (0o666, -1, "run chmod go-w {}"),
        (0o620, -1, "run chmod go-w {}"),
        pytest.param(0o600, NOBODY, "{} belongs to another user", marks=needs_root),
    ],
)
def test_settings_that_others_may_write_are_refused(
    mode: int, owner: int, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[notify]\ncommand = ['/tmp/theirs']\n")
    file.chmod(mode)
    os.chown(file, owner, -1)

    with pytest.raises(ConfigError, match=says.format(file)):
        load_settings({"config": str(file)}, {"HOME": str(tmp_path)})


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
def test_settings_that_others_may_read_are_taken(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("budget = 5\n")
    file.chmod(mode)

    assert load_settings({"config": str(file)}, {}).budget == 5


@pytest.mark.parametrize(
    ("mode", "is_refused"), [(0o777, True), (0o757, True), (0o1777, False), (0o755, False)]
)
def test_a_command_is_taken_only_where_others_can_t_replace_its_file(
    mode: int, is_refused: bool, tmp_path: Path
) -> None:
    place = tmp_path / "dotfiles" / "wfinspect"
    place.mkdir(parents=True)
    (place / "config.toml").write_text("[notify]\ncommand = ['true']\n")
    link = tmp_path / "config.toml"
    link.symlink_to(place / "config.toml")
    place.parent.chmod(mode)

    for file in (link, place / "config.toml"):
        assert bool(other_writers_above(file)) is is_refused


def test_a_directory_of_the_users_own_group_is_no_danger_and_of_another_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o775)
    name = pwd.getpwuid(os.getuid()).pw_name
    members: list[str] = []
    gid = tmp_path.stat().st_gid
    monkeypatch.setattr(
        "grp.getgrgid", lambda _: SimpleNamespace(gr_name=name, gr_mem=members, gr_gid=gid)
    )
    assert other_writers_above(tmp_path / "x") == ""

    members.append("eve")

    assert "is writable by others" in other_writers_above(tmp_path / "x")


def test_a_pipe_is_waited_for_as_long_as_allowed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="is a pipe, which is not waited for"):
        read_settings(pipe, 100)
    with pytest.raises(ConfigError, match=r"its end did not come within 0\.1 s"):
        read_settings(pipe, 100, pipe_seconds=0.1)

    writer = threading.Thread(target=pipe.write_bytes, args=(b"x" * 101,))
    writer.start()
    with pytest.raises(ConfigError, match="too large: 100 bytes"):
        read_settings(pipe, 100, pipe_seconds=20.0)
    writer.join()

    writer = threading.Thread(target=pipe.write_bytes, args=(b"y" * 100,))
    writer.start()
    assert read_settings(pipe, 100, pipe_seconds=20.0)[0] == b"y" * 100
    writer.join()
