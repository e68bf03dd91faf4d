import os

from journey import Home

CONFIG = """
[keys]
quit = "ctrl+shift+alt+banana"
watch = "1"
refresh = "w"
"""


def test_a_key_that_cannot_work_is_said_and_the_default_kept(home: Home) -> None:
    with home.start(size=(120, 40), config=CONFIG) as app:
        app.wait_for(r"ctrl\+shift\+alt\+banana[\s\S]*q stays")
        app.wait_for(r"1 in watch")
        app.wait_for(r"is the key of watch")
        app.press("q")
        assert app.wait_exit() == 0
        assert app.modes_left_on() == []


def test_keys_of_the_config_work(home: Home) -> None:
    config = '[keys]\nquit = "f10, Q"\nredraw = "Ctrl+R"\nhelp = "q"\n'
    with home.start(size=(120, 50), config=config) as app:
        app.wait_for("type or paste")
        app.press("q")
        app.wait_for(r"f10,Q\s+quit")
        app.press("escape")
        app.wait_for("type or paste")
        app.press("Q")
        assert app.wait_exit() == 0


def test_a_pipe_in_the_place_of_the_preferences_is_said_and_not_waited_for(home: Home) -> None:
    state = home.path / ".local/state/wfinspect"
    state.mkdir(0o700, parents=True)
    os.mkfifo(state / "preferences.json", 0o600)
    with home.start(size=(120, 40)) as app:
        app.wait_for(r"is\s+a\s+pipe,")
        app.press("s")
        app.quit()
