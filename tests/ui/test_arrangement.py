import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.ui.screens.main import Layout, layout_for

LIST, SPLIT, DETAIL = Layout


@pytest.mark.parametrize(
    ("width", "in_detail", "layout"),
    [
        (40, False, LIST),
        (40, True, DETAIL),
        (79, True, DETAIL),
        (80, False, LIST),
        (80, True, SPLIT),
        (99, False, LIST),
        (100, False, SPLIT),
        (160, True, SPLIT),
    ],
)
def test_the_width_decides_what_is_in_view(width: int, in_detail: bool, layout: Layout) -> None:
    assert layout_for(width, in_detail=in_detail, is_zoomed=False) is layout


@given(st.integers(1, 300), st.booleans(), st.booleans())
def test_the_pane_that_has_the_keys_is_always_in_view(
    width: int, in_detail: bool, is_zoomed: bool
) -> None:
    layout = layout_for(width, in_detail=in_detail, is_zoomed=is_zoomed)

    assert layout in {SPLIT, DETAIL if in_detail else LIST}
    assert layout is not SPLIT or not is_zoomed
