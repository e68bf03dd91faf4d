"""The figures of the structure; `python tests/support/house.py -v` prints what is behind them."""

from house import (
    above_limits,
    circles,
    entered,
    entered_figures,
    large_constructors,
    lone_modules,
    names_of_textual,
    static_figures,
    twin_classes,
)


def test_the_structure_keeps_its_figures() -> None:
    assert above_limits(static_figures()) == {}, (
        *(circles(), twin_classes(), names_of_textual()),
        *(lone_modules(), large_constructors()),
    )


def test_a_poll_a_key_and_a_command_enter_few_files() -> None:
    files = entered()

    assert above_limits(entered_figures(files)) == {}, files
