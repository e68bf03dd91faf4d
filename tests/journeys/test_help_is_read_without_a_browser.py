"""The manual is read on a jump host without a browser: paged on a terminal, else as plain text."""

import pytest
from journey import Home

from wfinspect.commands import TOPICS


@pytest.fixture
def home(home: Home) -> Home:
    home.write(".config/wfinspect/config.toml", "this is not TOML")
    return home


@pytest.mark.parametrize("pager", ["", "PAGER"])
def test_a_long_page_is_paged_and_ctrl_c_leaves_no_trace(home: Home, pager: str) -> None:
    """The user's own pager, else less; wrong settings keep no one from reading what is right."""
    if pager:
        own = home.write("bin/own", "#!/bin/sh\necho own pager\nexec less -X\n")
        own.chmod(0o700)
        home.environ["PAGER"] = str(own)
    with home.start("help", "keys") as session:
        screen = session.wait_for("Enter +go to the detail")
        assert "In the other views" not in screen
        session.press("ctrl+c")

        def is_at_the_end() -> bool:
            session.press("G")  # less drops what is typed while it takes the interrupt in
            return "own key." in session.text()

        session.wait_until(is_at_the_end, "the end of the page")
        session.press("q")
        assert session.wait_exit() == 0
        text = session.log.decode()
    assert ("own pager" in text) == bool(pager)
    assert "Traceback" not in text
    assert "\x1b[?1049h" not in text  # what was read stays on the screen


def test_a_pager_that_ends_by_ctrl_c_ends_all(home: Home) -> None:
    home.environ["PAGER"] = "sh -c 'echo reading; read line </dev/tty'"
    with home.start("help", "keys") as session:
        session.wait_for("reading")
        session.press("ctrl+c")
        assert session.wait_exit() == 130
        assert "Traceback" not in session.log.decode()


@pytest.mark.parametrize("pager", ["there-is-no-such-pager", "cat '", ""])
def test_without_a_pager_the_page_is_printed(home: Home, pager: str) -> None:
    home.environ["PAGER"] = pager
    with home.start("help", "keys") as session:
        assert session.wait_exit() == 0
        assert "go to the detail" in session.log.decode()


def test_nothing_is_paged_where_no_terminal_is(home: Home) -> None:
    home.environ["PAGER"] = "false"
    listed = home.run("help")
    assert [line.split()[0] for line in listed.stdout.splitlines()[2:-2]] == [*TOPICS]
    page = home.run("help", "exit-codes")
    assert page.stdout.startswith("Exit codes: ")
    assert "\x1b" not in page.stdout
    unknown = home.run("help", "credential")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.endswith("did you mean credentials?\n")


def test_the_keys_in_the_app_lead_to_the_pages(home: Home) -> None:
    with home.start(config="") as app:
        app.wait_for("help")
        app.press("?")
        app.wait_for(r"Keys +more: wfinspect help keys, search")
        app.press("escape")
        app.quit()
