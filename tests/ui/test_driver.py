"""The output against a pipe: as a terminal, it may be full, and its other end may be closed."""

import os
import threading
from collections.abc import Iterator

import pytest

from wfinspect.ui.driver import TerminalOutput

MORE_THAN_FITS = "x" * 200_000
SOON = 10.0


class Line:
    """A pipe with an output at one end, and what it told."""

    def __init__(self) -> None:
        self.far, self.near = os.pipe()
        self.recovered = threading.Event()
        self.gone = 0
        self.failures: list[Exception] = []
        self.output = TerminalOutput(
            self.near,
            "utf-8",
            on_recovered=self.recovered.set,
            on_gone=self._lose,
            on_failed=self.failures.append,
        )

    def _lose(self) -> None:
        self.gone += 1

    def write_in_thread(self, *texts: str) -> threading.Thread:
        def run() -> None:
            for text in texts:
                self.output.write(text)
            self.output.flush()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.far, size - len(data))
        return data


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    for fileno in (made.far, made.near):
        try:
            os.close(fileno)
        except OSError:
            continue


def wait_for_stall(line: Line, thread: threading.Thread) -> None:
    for _ in range(100):
        thread.join(0.1)
        if line.output.is_stalled:
            return
    raise AssertionError("it never stalled")


def test_what_a_terminal_takes_is_written_whole(line: Line) -> None:
    line.output.write("订单\ud800!")
    line.output.flush()

    assert line.read(8) == "订单?!".encode()
    assert not line.output.is_stalled
    assert not line.recovered.is_set()


def test_a_stall_is_noticed_and_so_is_its_end(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS)
    wait_for_stall(line, thread)
    assert not line.recovered.is_set()

    assert line.read(len(MORE_THAN_FITS)) == MORE_THAN_FITS.encode()

    thread.join(SOON)
    assert line.recovered.is_set()
    assert not line.output.is_stalled


def test_last_words_are_given_up_if_nobody_takes_them(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS, "last", "words")
    wait_for_stall(line, thread)

    line.output.leave()

    thread.join(SOON)
    assert not thread.is_alive()
    assert not line.recovered.is_set()
    assert line.gone == 0


def test_a_terminal_taken_again_is_written_to(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS)
    wait_for_stall(line, thread)
    line.output.leave()
    thread.join(SOON)
    held = os.read(line.far, len(MORE_THAN_FITS))

    line.output.revive()
    line.output.write("back")

    assert len(held) < len(MORE_THAN_FITS)
    assert line.read(4) == b"back"


def test_a_lost_terminal_is_told_once_and_swallows_the_rest(line: Line) -> None:
    os.close(line.far)

    for _ in range(3):
        line.output.write("x")
        line.output.flush()

    assert line.output.is_gone
    assert line.gone == 1


def test_a_terminal_lost_while_it_stalls_frees_the_writer(line: Line) -> None:
    thread = line.write_in_thread(MORE_THAN_FITS)
    wait_for_stall(line, thread)

    os.close(line.far)

    thread.join(SOON)
    assert not thread.is_alive()
    assert line.gone == 1


def test_a_write_that_fails_counts_as_a_loss() -> None:
    nowhere = os.open(os.devnull, os.O_RDONLY)
    told: list[str] = []
    output = TerminalOutput(
        nowhere,
        "utf-8",
        on_recovered=lambda: None,
        on_gone=lambda: told.append("gone"),
        on_failed=lambda error: told.append(str(error)),
    )

    output.write("x")

    assert told == ["gone"]
    os.close(nowhere)


def test_a_descriptor_that_another_program_made_non_blocking_loses_nothing(line: Line) -> None:
    os.set_blocking(line.near, False)
    thread = line.write_in_thread(MORE_THAN_FITS)

    assert line.read(len(MORE_THAN_FITS)) == MORE_THAN_FITS.encode()

    thread.join(SOON)
    assert line.gone == 0
