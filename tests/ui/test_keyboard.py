import os
import threading
from collections.abc import Iterator

import pytest
from textual import events
from textual.message import Message

from wfinspect.ui.input import StopReading, read_keys


@pytest.fixture
def keyboard() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)


def keys_of(delivered: list[Message]) -> list[str]:
    return [event.key for event in delivered if isinstance(event, events.Key)]


def test_keys_are_delivered_until_the_terminal_is_gone(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    os.write(write, b"j\x1b[A\xe8\xae\xa2")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, "utf-8", StopReading(), delivered.append) is False
    assert keys_of(delivered) == ["j", "up", "订"]


@pytest.mark.parametrize("typed", ["104", "jx", "/a", "?", "\uff11"])
def test_what_follows_escape_at_once_loses_neither(keyboard: tuple[int, int], typed: str) -> None:
    read, write = keyboard
    os.write(write, b"\x1b" + typed.encode() + b"\x1b[B\x1bOB")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, "utf-8", StopReading(), delivered.append) is False
    keys = [event for event in delivered if isinstance(event, events.Key)]
    assert [event.character for event in keys[:-2]] == ["\x1b", *typed]
    assert keys_of(delivered)[-2:] == ["down", "down"]


def test_invalid_bytes_are_replaced_and_reading_goes_on(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    os.write(write, b"\xff\xc3(j")
    os.close(write)
    delivered: list[Message] = []

    assert read_keys(read, "utf-8", StopReading(), delivered.append) is False
    assert keys_of(delivered)[-1] == "j"


def test_what_a_sequence_breaks_is_begun_anew(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    delivered: list[Message] = []

    def deliver(event: Message) -> None:
        if keys_of([event]) == ["x"]:
            os.write(write, b"k")
            os.close(write)
            raise ValueError("no such sequence")
        delivered.append(event)

    os.write(write, b"jx")

    assert read_keys(read, "utf-8", StopReading(), deliver) is False
    assert keys_of(delivered) == ["j", "k"]


def test_a_lone_escape_is_delivered_after_its_delay(keyboard: tuple[int, int]) -> None:
    read, write = keyboard
    stop = StopReading()
    delivered: list[Message] = []

    def deliver(event: Message) -> None:
        delivered.append(event)
        stop.set()

    os.write(write, b"\x1b")

    assert read_keys(read, "utf-8", stop, deliver) is True
    assert keys_of(delivered) == ["escape"]
    os.close(write)


def test_a_reader_that_waits_is_stopped_at_once_and_may_begin_again(
    keyboard: tuple[int, int],
) -> None:
    read, write = keyboard
    stop = StopReading()
    for _ in range(2):
        delivered: list[Message] = []
        thread = threading.Thread(target=read_keys, args=(read, "utf-8", stop, delivered.append))
        thread.start()
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
        stop.clear()
    os.close(write)
