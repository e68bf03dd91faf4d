import json
import re

from hypothesis import given
from hypothesis import strategies as st

from wfinspect.format import indented

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('a{}[],:"\\ 店', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a:,", max_size=3), inner),
    max_leaves=12,
)


@given(VALUES)
def test_it_means_what_it_meant(value: object) -> None:
    assert json.loads(indented(json.dumps(value))) == value


@given(VALUES)
def test_it_looks_as_python_would_indent_it(value: object) -> None:
    assert indented(json.dumps(value)) == json.dumps(value, indent=2)


def test_values_stay_as_they_came_to_the_digit() -> None:
    text = '{"a":1.10,"a":12345678901234567890,"e":1E5,"u":"\\u5e97","s":"x  y"}'

    assert re.findall(r": (.*?),?$", indented(text), re.MULTILINE) == [
        "1.10",
        "12345678901234567890",
        "1E5",
        '"\\u5e97"',
        '"x  y"',
    ]
