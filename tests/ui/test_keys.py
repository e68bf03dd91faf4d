from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _normalize_key_list

from wfinspect.ui.keys import COMMANDS, COMMANDS_BY_ID, usable_keys

WRITTEN = st.one_of(
    st.text(max_size=12),
    st.sampled_from([key for command in COMMANDS for key in command.keys.split(",")]),
    st.lists(st.sampled_from(["ctrl", "shift", "+", "f5", "q", "1", ",", " "])).map("".join),
)


@given(st.dictionaries(st.sampled_from(sorted(COMMANDS_BY_ID)), WRITTEN))
def test_whatever_the_table_holds_each_key_has_one_command_and_each_command_a_key(
    table: dict[str, str],
) -> None:
    keys, said = usable_keys(table)
    in_force = [
        _normalize_key_list(keys.get(command.id, command.keys)).split(",") for command in COMMANDS
    ]

    assert all(map(all, in_force))
    assert not [key for key, count in Counter(chain(*in_force)).items() if count > 1]
    assert all(sentence.isprintable() for sentence in said)


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("f5,r", "f5,r"),
        (" F5 , ctrl + R ", "f5,ctrl+r"),
        ("shift+g", "G"),
        ("shift+tab,Esc,PgDn", "shift+tab,escape,pagedown"),
        ("question_mark,/", "?,/"),
        ("é", "é"),
        ("f5,f5", "f5"),
        ("f5,1,ctrl+shift+alt+banana", "f5"),
        ("Control+Right", "ctrl+right"),
    ],
)
def test_a_key_is_taken_in_the_ways_that_it_is_written(written: str, keys: str) -> None:
    # All whose defaults are in the table give them up.
    others = {"top": "ctrl+t", "bottom": "ctrl+b", "next-pane": "f2", "back": "f3"}
    others |= {"page-down": "f4", "help": "f6", "filter": "f7"}

    assert usable_keys({**others, "refresh": written})[0] == {**others, "refresh": keys}


@pytest.mark.parametrize(
    ("name", "written", "says"),
    [
        ("watch", "1", "1 in watch goes to the ID box, as every digit does: w stays."),
        ("watch", "٣", "goes to the ID box"),
        ("watch", "digit_one", "goes to the ID box"),
        ("quit", "ctrl+shift+alt+banana", "is not a key that terminals send: q stays."),
        ("quit", "banana", "is not a key that terminals send"),
        ("quit", "alt+q", "is not a key that terminals send"),
        ("quit", "ctrl+1", "is not a key that terminals send"),
        ("quit", "super+q", "is not a key that terminals send"),
        ("quit", "", "An empty text in quit is not a key: q stays."),
        ("quit", "\x1b", "is not a character that can be seen"),
        ("watch", "q", "q in watch is the key of quit: w stays."),
        ("watch", "?", "? in watch is the key of help"),
        ("watch", "ctrl+i", "tab in watch is the key of next-pane"),
        ("watch", "ctrl+j", "enter in watch is the key of open"),
        ("quit-now", "Q", "is needed in boxes"),
        ("quit-now", "backspace", "is needed in boxes"),
        ("fly", "f", "No command is called 'fly'"),
        ("wacth", "f5", "did you mean watch?"),
    ],
)
def test_a_key_that_cannot_work_is_said_and_left_out(name: str, written: str, says: str) -> None:
    keys, said = usable_keys({name: written})

    assert keys == {}
    assert len(said) == 1
    assert says in said[0]


def test_commands_may_change_their_keys() -> None:
    swapped = {"watch": "x", "remove": "w"}

    assert usable_keys(swapped) == (swapped, [])


def test_a_key_that_is_given_up_in_vain_stays_with_its_command() -> None:
    # `quit` keeps q, since 1 is not a key, so that `watch` can't have it.
    keys, said = usable_keys({"quit": "1", "watch": "q", "refresh": "w"})

    assert keys == {}
    assert len(said) == 3


def test_of_two_commands_that_want_a_key_the_first_gets_it() -> None:
    keys, said = usable_keys({"watch": "f5", "refresh": "f5"})

    assert (keys, said) == ({"watch": "f5"}, ["f5 in refresh is the key of watch: r stays."])
