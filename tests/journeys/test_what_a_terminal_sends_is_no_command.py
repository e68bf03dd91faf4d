"""Pastes and answers of the terminal are never commands, and nothing of a paste is lost in silence."""

import pytest
from journey import Home, Session

from wfinspect.simulator import DEMO_IDS, Simulator

FAILED, OTHER = DEMO_IDS[:2]
BOX = r"(?m)^ *\u203a +"


def started(home: Home, simulator: Simulator) -> Session:
    simulator.set_status(FAILED, "Failure")
    return home.start(FAILED)


def test_a_paste_that_loses_its_end_stands_in_the_box_and_the_keys_work(
    home: Home, simulator: Simulator
) -> None:
    with started(home, simulator) as app:
        app.wait_for("✖ Failure")
        app.send(f"\x1b[200~x {FAILED}, {OTHER}\x1b[20".encode())
        app.wait_for(f"{BOX}{FAILED}, {OTHER}")
        app.press("?")
        app.wait_for("g +to the first")
        app.quit()


def test_a_paste_in_one_packet_with_keys_goes_to_what_they_open(
    home: Home, simulator: Simulator
) -> None:
    with started(home, simulator) as app:
        app.wait_for("✖ Failure")
        app.send(f"f\x1b[200~{OTHER}\x1b[201~".encode())
        app.wait_for(rf"Find  with workspace=[\s\S]* {OTHER}")
        app.press("escape", "escape")
        app.wait_for("type or paste")
        app.send(b"/\x1b[200~none of it\x1b[201~\r")
        app.wait_for("(?i)no watched instance matches")
        app.press("escape")
        app.wait_for("✖ ads_user_profile")
        # What waits for the tasks waits in its order.
        app.send(b"t/\x1b[200~load\x1b[201~\r")
        app.wait_for(r"\d of \d+ /load")
        app.press("escape", "escape")
        app.wait_for("type or paste")
        app.send(b"i\x1b[200~asked Li\x1b[201~\r")
        app.wait_for("note: asked Li")
        assert "Digits only" not in app.text()
        app.quit()


def test_more_of_a_paste_than_is_kept_is_said(home: Home, simulator: Simulator) -> None:
    with started(home, simulator) as app:
        app.wait_for("✖ Failure")
        app.send(f"\x1b[200~{FAILED} ".encode())
        for _ in range(300):
            app.send(b"and more " * 128)
        app.send(b"\x1b[201~")
        app.wait_for(r"too long[^~]*left out")
        app.wait_for(f"{BOX}{FAILED}")
        app.quit()


def test_a_torn_answer_is_neither_text_nor_a_command(home: Home, simulator: Simulator) -> None:
    with started(home, simulator) as app:
        app.wait_for("✖ Failure")
        for piece in (b"\x1b", b"]11;rgb:12", b"12/34fcq", b"\x1b", b"\\\x1b[", b"?64;1;2", b"c"):
            app.send(piece)
            app.read_for(0.2)
        app.wait_for(f"{BOX}type or paste an instance ID(.|\n)*NAME +INSTANCE")
        app.press("?")
        app.wait_for("g +to the first")
        app.quit()


def test_digits_right_behind_esc_or_over_a_view_start_the_box(
    home: Home, simulator: Simulator
) -> None:
    with started(home, simulator) as app:
        app.wait_for("✖ Failure")
        app.send(b"\x1b104")
        app.wait_for(f"{BOX}104")
        app.send(b"\x1bOu\x1b[49u\x1b[57401u")
        app.wait_for(f"{BOX}104512")
        app.press("escape")
        app.wait_for("type or paste")
        for way in ("?", "c", "v", "U", "t", "l"):
            app.press(way)
            app.wait_gone("type or paste")
            app.press("7")
            app.wait_for(f"{BOX}7\\b")
            app.press("escape")
            app.wait_gone("type or paste")
            app.press("escape")
            app.wait_for("type or paste")
        # What is read in one packet with digits is looked up from there, and Esc leads back to it.
        app.send(f"t{OTHER}\r".encode())
        app.wait_for(rf"{OTHER}[\s\S]*Esc (back|close it)")
        app.press("escape")
        app.wait_for(rf"{FAILED}  tasks as of")
        app.quit()


@pytest.mark.parametrize("tmux", [{}, {"TMUX": "tmux,1,0"}])
def test_an_id_and_enter_typed_before_the_start_look_it_up(
    home: Home, simulator: Simulator, tmux: dict[str, str]
) -> None:
    home.environ |= tmux
    with started(home, simulator) as app:
        app.press(*str(OTHER), "enter")
        app.wait_for(rf"(?s)not watched, w adds it.*{OTHER}|{OTHER}.*not watched")
        app.quit()


@pytest.mark.parametrize("more", ["", "\x1b[200~lost"])
def test_a_paste_without_brackets_is_text(home: Home, simulator: Simulator, more: str) -> None:
    with started(home, simulator) as app:
        app.ignored_queries = [] if more else [b"\x1b[?2004$p"]
        app.wait_for("✖ Failure")
        if more:
            app.send(more.encode())
            app.wait_for("'lost' is not")
        app.send(f"qxX {FAILED}\r{OTHER}\r".encode())
        app.wait_for(f"{BOX}{FAILED}, {OTHER}")
        assert "Found 2 IDs" in app.text()
        app.press("enter")
        app.wait_for(rf"(?s){FAILED}.*{OTHER}")
        app.quit()


def test_a_letter_held_down_is_a_key_in_a_terminal_without_brackets(
    home: Home, simulator: Simulator
) -> None:
    with started(home, simulator) as app:
        app.ignored_queries = [b"\x1b[?2004$p"]
        app.wait_for("✖ Failure")
        app.press("?")
        app.wait_for("g +to the first")
        app.send(b"j" * 16)
        app.wait_gone("g +to the first")
        app.quit()
