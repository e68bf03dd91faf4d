import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.ui.screens.main import Layout, following, layout_for

LIST, SPLIT, DETAIL = Layout


@pytest.mark.parametrize(
    ("width", "is_open", "layout"),
    [
        (40, False, LIST),
        (40, True, DETAIL),
        (70, True, DETAIL),
        (80, False, LIST),
        (80, True, SPLIT),
        (120, False, SPLIT),
        (160, True, SPLIT),
    ],
)
def test_the_width_decides_where_nobody_chose(width: int, is_open: bool, layout: Layout) -> None:
    assert layout_for(width, None, is_open=is_open) is layout


@given(st.integers(1, 300), st.sampled_from(Layout), st.booleans())
def test_a_choice_holds_wherever_it_fits(width: int, chosen: Layout, is_open: bool) -> None:
    layout = layout_for(width, chosen, is_open=is_open)

    assert layout is chosen or (chosen is SPLIT and width < 60)


def test_z_goes_round_and_leaves_split_out_where_it_does_not_fit() -> None:
    assert [following(one, 100) for one in Layout] == [SPLIT, DETAIL, LIST]
    assert [following(one, 50) for one in Layout] == [DETAIL, DETAIL, LIST]
