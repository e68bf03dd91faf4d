import re
import threading
from pathlib import Path

import pytest
from fakes import START, key, ms
from rig import RecordingDriver, running
from scenes import ago, mixed, row, with_history
from values import replace

from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.screens.dialogs import command_choices
from wfinspect.ui.widgets.line_view import CursorList
from wfinspect.watching.api import Contact, Health, Notice, Snapshot


async def test_the_watcher_is_started_once_and_only_after_the_first_paint() -> None:
    painted: list[bool] = []
    async with running(mixed(), on_ready=lambda: painted.append(True)) as rig:
        await rig.publish(replace(mixed()))

        assert painted == [True]


async def test_given_ids_are_watched_and_the_first_is_shown() -> None:
    async with running(mixed(), (110, 30), open_keys=(key(7), key(8))) as rig:
        assert rig.asked[:2] == [("watch", 7, 8), ("display", 7)]
        assert "Reading it from the service" in rig.text


@pytest.mark.parametrize("size", [(80, 24), (110, 30)])
async def test_a_given_id_that_is_on_the_list_is_opened(size: tuple[int, int]) -> None:
    last = mixed().rows[-1].key
    async with running(mixed(), size, open_keys=(last,)) as rig:
        assert rig.app.main.list.chosen.key == last  # type: ignore[union-attr]
        assert "watched, w removes it" in rig.text
        assert "Filter cleared" not in rig.text


async def test_pings_from_another_thread_are_joined() -> None:
    async with running(mixed()) as rig:
        shown: list[Snapshot] = []
        show = rig.app.main.show
        rig.app.main.show = lambda snapshot: (shown.append(snapshot), show(snapshot))[1]  # type: ignore[method-assign]

        def poll() -> None:
            for calls in range(1, 101):
                health = replace(mixed().health, calls_today=calls)
                rig.control.publish(replace(mixed(), health=health))

        thread = threading.Thread(target=poll)
        thread.start()
        thread.join()
        await rig.settle()

        assert "calls 100/3,000" in rig.text
        assert len(shown) <= 2


async def test_a_notice_is_told_once() -> None:
    told = replace(mixed(), notices=(Notice(4, "restored 7"),))
    async with running(mixed()) as rig:
        await rig.publish(told)
        assert "restored 7" in rig.text
        await rig.press("up")
        await rig.publish(replace(told, notices=(*told.notices, Notice(5, "contact regained"))))

        assert "restored 7" not in rig.text
        assert "contact regained" in rig.text


async def test_at_most_three_notices_are_on_screen() -> None:
    notices = tuple(Notice(n, f"notice number {n}") for n in range(1, 9))
    async with running(mixed()) as rig:
        await rig.publish(replace(mixed(), notices=notices))

        assert rig.text.count("notice number") == 3
        assert "notice number 8" in rig.text


async def test_q_quits_when_everything_was_seen() -> None:
    async with running(Snapshot(rows=(row(1, "Running"),))) as rig:
        await rig.press("q")

        assert not rig.app.is_running


async def test_q_asks_when_something_is_unseen() -> None:
    async with running(mixed()) as rig:
        await rig.press("q")
        assert "Quit? 2 unseen changes stay marked." in rig.text
        # A q that is pressed once too often does not answer it.
        await rig.press("q")
        assert rig.app.is_running
        await rig.press("n")
        assert rig.app.is_running
        await rig.press("q", "y")

        assert not rig.app.is_running


async def test_ctrl_c_quits_on_the_second_press_only() -> None:
    async with running(mixed()) as rig:
        await rig.press("ctrl+c")
        assert rig.app.is_running
        assert "ctrl+c once more quits" in rig.text
        rig.clock.advance(10)
        await rig.press("ctrl+c")
        assert rig.app.is_running
        await rig.press("ctrl+c")

        assert not rig.app.is_running


@pytest.mark.parametrize("size", [(80, 24), (40, 7)])
async def test_help_says_that_there_is_more_below_until_all_was_seen(size: tuple[int, int]) -> None:
    async with running(mixed(), size) as rig:
        await rig.press("?")
        seen = rig.text
        while re.search(r"\d (more )?below", rig.text):
            await rig.press("pagedown")
            seen += rig.text
        for command in COMMANDS:
            assert re.search(rf"{re.escape(command.shown)} +{re.escape(command.text)}", seen)
        await rig.press("g")
        assert "LOOK UP" in rig.text
        await rig.press("G")
        assert "ctrl+z" in rig.text


async def test_help_lists_every_command_and_closes() -> None:
    async with running(mixed(), (100, 60)) as rig:
        await rig.press("?")
        for command in COMMANDS:
            assert command.text in rig.text
        await rig.press("escape")

        assert rig.app.screen is rig.app.main


async def test_the_palette_finds_and_runs_a_command() -> None:
    async with running(mixed()) as rig:
        await rig.press(":", *"refresh al")
        await rig.press("enter")

        assert rig.asked == [("refresh", None)]
        assert rig.app.screen is rig.app.main


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("end", "app.follows"),
        ("log", "app.task_log"),
        ("tasks", "app.tasks"),
        ("up", "move('up')"),
        ("remove", "remove"),
        ("unfollow", "app.follow"),
        ("follow", "app.follow"),
        ("quit", "app.ask_quit"),
        ("note", "app.note"),
        ("theme", "app.use_theme('auto')"),
        ("undo", "undo"),
        ("find", "app.find"),
        ("mark", "mark"),
        # What a command is not called itself.
        ("search", "app.find"),
        ("zoom", "layout"),
        ("csv", "app.export"),
        ("save", "app.export"),
        ("clipboard", "app.copy_id"),
        ("delete", "remove"),
        ("exit", "app.ask_quit"),
        ("reload", "refresh_one"),
        ("downstream", "app.upstream"),
        ("parameters", "open_row"),
        ("rerun", "app.copy_field"),
        ("error", "app.task_log"),
    ],
)
async def test_the_palette_has_first_what_is_called_by_the_word_that_is_typed(
    typed: str, first: str
) -> None:
    async with running(mixed()) as rig:
        await rig.press(":", *typed)

        assert rig.app.screen.query_one(CursorList).chosen.value == first


async def test_the_palette_finds_all_that_searches_and_all_that_writes_json() -> None:
    async with running(mixed()) as rig:
        await rig.press(":", *"search")
        found = [choice.value for choice in rig.app.screen.query_one(CursorList).items]
        assert found == ["app.find", "filter", "app.task_log", "app.follows"]
        await rig.press("ctrl+u", *"json")
        found = [choice.value for choice in rig.app.screen.query_one(CursorList).items]
        assert found == ["app.export", "app.raw"]


async def test_every_command_of_the_palette_is_one_that_main_screen_or_app_can_run() -> None:
    async with running(mixed()) as rig:
        for choice in command_choices({}, ["dark"]):
            where, _, name = choice.value.partition("(")[0].rpartition(".")
            owner = rig.app if where else rig.app.main
            assert callable(getattr(owner, f"action_{name}", None)), choice.value


async def test_two_enters_in_one_packet_run_the_command_once() -> None:
    async with running(mixed()) as rig:
        await rig.press("ctrl+p", *"refresh all")
        await rig.pilot.press("enter", "enter")
        await rig.settle()

        assert rig.asked.count(("refresh", None)) == 1


async def test_digits_in_the_palette_stay_there() -> None:
    async with running(mixed()) as rig:
        await rig.press(":", "1", "2")
        assert rig.app.main.id_box.input.value == ""
        await rig.press("enter")
        assert "Nothing matches: Enter does nothing, " in rig.text
        await rig.press("enter", "escape")

        assert rig.app.screen is rig.app.main


async def test_the_palette_changes_the_theme() -> None:
    async with running(mixed()) as rig:
        await rig.press(":", *"theme light", "enter")

        assert rig.app.theme == "light"


async def test_a_theme_is_kept_until_another_or_the_config_says_otherwise(tmp_path: Path) -> None:
    async with running(mixed(), state_dir=tmp_path) as rig:
        await rig.press(":", *"theme contrast", "enter")
    async with running(mixed(), theme="auto", state_dir=tmp_path) as rig:
        assert rig.app.theme == "contrast"
    async with running(mixed(), theme="light", state_dir=tmp_path) as rig:
        assert rig.app.theme == "light"
        await rig.press(":", *"theme auto", "enter")
        assert rig.app.theme == "ansi"


async def test_a_snapshot_reaches_the_main_screen_under_a_dialog() -> None:
    async with running(mixed()) as rig:
        await rig.press("?")
        health = replace(mixed().health, calls_today=2222)
        await rig.publish(replace(mixed(), health=health))
        await rig.press("escape")

        assert "2,222/3,000" in rig.text


async def test_a_keymap_moves_commands_and_says_what_it_does_not_know() -> None:
    async with running(mixed(), keys={"refresh-all": "f5", "fly": "f"}) as rig:
        assert "No command is called 'fly'" in rig.text
        await rig.press("f5")
        assert rig.asked == [("refresh", None)]
        await rig.press("R")

        assert rig.asked == [("refresh", None)]


async def test_an_unknown_theme_is_told_and_replaced() -> None:
    async with running(mixed(), theme="pink") as rig:
        assert "There is no theme 'pink'." in rig.text


async def test_y_copies_the_id_and_says_where_it_went() -> None:
    async with running(mixed(), is_recorded=True) as rig:
        await rig.press("y")
        driver = rig.app._driver
        assert isinstance(driver, RecordingDriver)

        assert "\x1b]52;c;MTA0MzI5ODcxNjU=\x1b\\" in "".join(driver.written)
        assert "10432987165: Sent to the terminal's clipboard" in rig.text


@pytest.mark.parametrize("name", ["auto", "dark", "contrast"])
async def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(mixed(), theme=name, is_recorded=True) as rig:
        await rig.press("enter", ":", *"theme light", "enter")
        driver = rig.app._driver
        assert isinstance(driver, RecordingDriver)
        sent = "".join(driver.written)

        assert rig.app.theme == "ansi"
        codes = [code for sgr in re.findall(r"\x1b\[([\d;]*)m", sent) for code in sgr.split(";")]
        assert "1" in codes
        assert {int(code or 0) for code in codes} <= {0, 1, 2, 3, 4, 7, 22, 23, 24, 27, 39, 49}


@pytest.mark.parametrize("size", [(40, 12), (160, 48)])
async def test_ascii_only_sends_nothing_else_but_data(size: tuple[int, int]) -> None:
    snapshot = with_history()
    rows = tuple(r for r in snapshot.rows if r.instance and r.instance.name.isascii())
    snapshot = replace(snapshot, rows=rows)
    async with running(snapshot, size, ascii=True, is_recorded=True) as rig:
        await rig.press("enter", "h", "?", "escape", ":", "escape", "L", "escape", "Y")
        driver = rig.app._driver
        assert isinstance(driver, RecordingDriver)

        assert "".join(driver.written).isascii()


async def test_the_minute_moves_the_ages() -> None:
    async with running(mixed()) as rig:
        assert "1h07" in rig.text
        rig.clock.advance(60)
        rig.app.main.tick()
        await rig.settle()

        assert "1h08" in rig.text
        assert rig.clock.now() > START


async def test_what_pings_is_painted_with_the_ages_of_that_moment() -> None:
    started = row(1, "Running", started_time=ms(ago(minutes=7, seconds=30)))
    snapshot = Snapshot(rows=(started,), health=Health(contact=Contact.LIVE))
    async with running(snapshot) as rig:
        rig.clock.advance(45)
        await rig.publish(replace(snapshot, recent_ids=(key(2).id,)))

        assert "8m" in rig.text


async def test_a_reading_that_says_the_same_is_no_older_than_a_minute() -> None:
    over = row(1, "Success", finished_time=ms(ago(hours=2)), read_at=START)
    snapshot = Snapshot(rows=(over,), health=Health(contact=Contact.LIVE, calls_today=7))
    async with running(snapshot) as rig:
        for _ in range(40):
            rig.clock.advance(60)
            again = replace(over, read_at=rig.clock.now())
            health = snapshot.health._replace(calls_today=8)
            rig.control.publish(replace(snapshot, rows=(again,), health=health), pings=False)
            rig.app.main.tick()
        await rig.settle()

        assert "read 4" not in rig.text
        # While nothing else moves, a count alone is not worth a byte; what comes back to view has it.
        assert "calls 7/" in rig.text
        await rig.press("?", "escape")
        assert "calls 8/" in rig.text


async def test_outside_tmux_it_says_once_that_closing_ssh_ends_the_watch(tmp_path: Path) -> None:
    remote = {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
    words = "Closing SSH ends the watch"

    async with running(mixed(), environ=remote | {"TMUX": "x"}) as rig:
        assert words not in rig.text
    async with running(mixed(), environ=remote, state_dir=tmp_path) as rig:
        assert words in rig.text
    async with running(mixed(), environ=remote, state_dir=tmp_path) as rig:
        assert words not in rig.text
