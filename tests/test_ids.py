import contextlib

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.errors import UsageError
from wfinspect.ids import MAX_RANGE, find_ids, parse_ids
from wfinspect.instance import MAX_INSTANCE_ID

ids = st.integers(1, MAX_INSTANCE_ID)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10432987165", (10432987165,)),
        ("  7 ", (7,)),
        ("1,2 3", (1, 2, 3)),
        ("1;2,,3\n4", (1, 2, 3, 4)),
        ("100..103", (100, 101, 102, 103)),
        ("5..5", (5,)),
        ("3 1..4", (3, 1, 2, 4)),
        ("2 2 2", (2,)),
        ("007", (7,)),
        ("\uff11\uff10\uff0c\uff17\u30018", (10, 7, 8)),
        (str(MAX_INSTANCE_ID), (MAX_INSTANCE_ID,)),
        ("10,432,987,165", (10432987165,)),
        ("10,432,987,165, 10,432,987,166\n7", (10432987165, 10432987166, 7)),
        ("10,432,987,165..10,432,987,166", (10432987165, 10432987166)),
        ("\uff11\uff0c234\uff0c567", (1234567,)),
        ("10, 432, 987", (10, 432, 987)),
        ("10,432,98", (10, 432, 98)),
        ("10432987165,432,987", (10432987165, 432, 987)),
        ("10,432,987,16500", (10, 432, 987, 16500)),
        ("432,987 1,200", (432, 987, 1, 200)),
    ],
)
def test_an_id_a_list_and_a_range_are_read(text: str, expected: tuple[int, ...]) -> None:
    assert parse_ids(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No instance ID"),
        (" , ", "No instance ID"),
        ("abc", "'abc' is no instance ID"),
        ("12a", "'12a' is no instance ID"),
        ("-5", "'-5' is negative"),
        ("1.5", "'1.5' is no instance ID"),
        ("1e9", "'1e9' is no instance ID"),
        ("0", "IDs begin at 1"),
        (str(MAX_INSTANCE_ID + 1), "too large"),
        ("9" * 5000, "too large"),
        ("1..", "'1..' is no instance ID"),
        ("9..3", "runs backwards: write 3..9"),
        ("1..101", "holds 101 IDs: at most 100"),
        ("\u0661\u0662", "is no instance ID"),
    ],
)
def test_a_bad_entry_is_told_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_ids(text)

    sentence = str(caught.value)
    assert words in sentence
    assert len(sentence) < 160
    assert "\n" not in sentence


@given(st.lists(ids, min_size=1, max_size=20))
def test_every_list_of_ids_round_trips(numbers: list[int]) -> None:
    assert parse_ids(", ".join(map(str, numbers))) == tuple(dict.fromkeys(numbers))


@given(st.lists(ids.filter(lambda i: i >= 10**6), min_size=1, max_size=20))
def test_numbers_in_groups_are_an_id_each(numbers: list[int]) -> None:
    assert parse_ids(", ".join(f"{i:,}" for i in numbers)) == tuple(dict.fromkeys(numbers))


@given(st.integers(1, 10**12), st.integers(0, MAX_RANGE - 1))
def test_a_range_holds_both_its_ends(first: int, more: int) -> None:
    assert parse_ids(f"{first}..{first + more}") == tuple(range(first, first + more + 1))


@tried(1_000, 100_000)
@given(st.text())
def test_any_text_gives_valid_ids_or_one_sentence(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert all(0 < i <= MAX_INSTANCE_ID for i in parse_ids(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("instance 10432987165 failed at 14:30", (10432987165,)),
        ("id=10432987165&x=1", (10432987165,)),
        (
            "https://dataworks.data.aliyun.com/cn-shanghai/sc?x=88123#/i/10432987165",
            (88123, 10432987165),
        ),
        ("https://x.example/sc?projectId=88123#/i/10432987165", (10432987165,)),
        ("defaultProjectId=88123&env=prod", (88123,)),
        ("\u5b9e\u4f8b\uff1a\uff11\uff12\uff13\uff14\uff15", (12345,)),
        ("10432987165\tads_user_profile_daily\tFailure\t2026-09-17", (10432987165,)),
        ("bizdate 20260917 instance 10432987165", (10432987165,)),
        ("20260917", (20260917,)),
        ("v1.2.34567 abc12345 12345x", ()),
        ("nothing here", ()),
        ("instance 10,432,987,165 failed", (10432987165,)),
        ("1,234,567 rows of 10432987165", (10432987165,)),
        ("10432987165, 10432987166", (10432987165, 10432987166)),
        ("\u5b9e\u4f8b 10432987165 \u5931\u8d25", (10432987165,)),
    ],
)
def test_ids_are_found_in_text_with_other_things_around_them(
    text: str, expected: tuple[int, ...]
) -> None:
    assert find_ids(text) == expected


@given(st.text(), ids.filter(lambda i: i > 99999))
def test_finding_never_raises_and_gives_valid_ids(text: str, number: int) -> None:
    assert all(0 < i <= MAX_INSTANCE_ID for i in find_ids(f"{text} {number} {text}"))
