import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import mixed_rows, row

from wfinspect.ui.rows import matching
from wfinspect.watching.api import Row


def found(query: str) -> set[int]:
    return {r.key.id for r in matching(mixed_rows(), query)}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("TRADE", {10433001244}),
        ("0124", {10433001244}),
        ("status=run", {10433001244, 10433001250}),
        ("status=wait !sku", {10433007781}),
        ("_di !status=success !status=wait", {10433001244, 10433010001}),
        ("店铺", {10433007791}),
        ("nothing such", set()),
        ("status=nothing", set()),
    ],
)
def test_words_are_looked_for_in_name_id_and_status(query: str, ids: set[int]) -> None:
    assert found(query) == ids


@pytest.mark.parametrize("query", ["", "  ", "!", "!!", "status="])
def test_a_filter_that_is_not_finished_hides_nothing(query: str) -> None:
    assert len(found(query)) == len(mixed_rows())


def test_what_was_not_read_yet_is_found_by_its_id() -> None:
    unread = Row(row(77, "Running").key)

    assert matching([unread], "77")
    assert not matching([unread], "dwd")


@given(st.text(max_size=30))
def test_a_word_and_its_opposite_share_the_rows_out(text: str) -> None:
    words = text.split()
    if words and not words[0].startswith("!") and words[0]:
        assert found(words[0]) ^ found(f"!{words[0]}") == {r.key.id for r in mixed_rows()}
