import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.ui.widgets.boxes import listed, read_entry


def test_one_id_needs_no_remark() -> None:
    entry = read_entry(" 10432987165 ")

    assert entry.ids == (10432987165,)
    assert entry.remark == ""
    assert entry.problem == ""


def test_a_list_is_told_before_it_is_used() -> None:
    assert read_entry("1, 2 3").remark == "3 IDs: 1, 2, 3  Enter watches all"


def test_a_number_in_groups_is_told_as_the_id_it_is_before_it_is_used() -> None:
    entry = read_entry("10,432,987,165")

    assert entry.ids == (10432987165,)
    assert entry.remark == "10432987165  Enter looks it up"


def test_a_long_range_is_told_by_its_ends() -> None:
    entry = read_entry("100..120")

    assert len(entry.ids) == 21
    assert entry.remark.startswith("21 IDs: 100, 101, ... 120")


def test_an_id_inside_other_text_is_found_and_shown() -> None:
    entry = read_entry("workflow instance 10432987165 failed at 20260918")

    assert entry.ids == (10432987165,)
    assert entry.remark == "Found 10432987165  Enter looks it up"


def test_text_without_an_id_says_why() -> None:
    assert read_entry("dwd_trade").problem == (
        "'dwd_trade' is not an instance ID: use digits only, e.g. 10432987165."
    )


def test_an_empty_box_says_what_to_do() -> None:
    assert "type its digits" in read_entry("  ").problem


def test_digits_beyond_64_bits_are_no_id() -> None:
    assert "is too large" in read_entry("9" * 30).problem


@given(st.text(max_size=200))
def test_any_text_gives_ids_or_a_reason(text: str) -> None:
    entry = read_entry(text)

    assert bool(entry.ids) != bool(entry.problem)


@pytest.mark.parametrize("count", [2, 3, 4, 999])
def test_what_enter_does_fits_beside_the_ids(count: int) -> None:
    ids = range(10432987165, 10432987165 + count)
    assert len(read_entry("failed: " + " ".join(map(str, ids))).remark) <= 80 - 3


def test_few_ids_are_all_named() -> None:
    assert listed([1, 2]) == "2 IDs: 1, 2"  # type: ignore[list-item]
