import json

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.parameters import READ_AT_ONCE, Parameter, first_parameters, parse_parameters

names = st.text(st.characters(categories=["L", "N"], include_characters="_"), min_size=1)
plain_values = st.text(st.characters(categories=["L", "N", "P"], exclude_characters="="))


def pairs(text: str) -> list[tuple[str, str]] | None:
    parsed = parse_parameters(text)
    return None if parsed is None else [(p.key, p.value) for p in parsed]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("key1=value1 key2=value2", [("key1", "value1"), ("key2", "value2")]),
        ("a=1\nb=2\n", [("a", "1"), ("b", "2")]),
        ("bizdate=$bizdate", [("bizdate", "$bizdate")]),
        ("t=$[yyyy-mm-dd hh24:mi:ss] n=3", [("t", "$[yyyy-mm-dd hh24:mi:ss]"), ("n", "3")]),
        ("d=${yyyymmdd} e=", [("d", "${yyyymmdd}"), ("e", "")]),
        ("k=a=b", [("k", "a=b")]),
        ("dup=1 dup=2", [("dup", "1"), ("dup", "2")]),
        ('{"key1":"value1", "key2": "value2"}', [("key1", "value1"), ("key2", "value2")]),
        ('{"n": 1.10, "l": ["cn","sg"], "t": true, "z": null}',
         [("n", "1.10"), ("l", '["cn", "sg"]'), ("t", "true"), ("z", "null")]),
        ('{"a":1,"a":2}', [("a", "1"), ("a", "2")]),
        ('{"deep": {"x": {"y": 1}}}', [("deep", '{"x": {"y": 1}}')]),
        ("{}", []),
        ('\n {\n "a":\n "b"\n}', [("a", "b")]),
    ],
)  # fmt: skip
def test_both_wire_formats_are_read(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    "text", ["{broken", "[1, 2]", "just words", "=x", "words before key=value", '{"a":1} trailing']
)
def test_text_in_neither_format_is_left_to_the_caller(text: str) -> None:
    assert parse_parameters(text) is None


@given(st.dictionaries(names, plain_values, min_size=1))
def test_pairs_round_trip(values: dict[str, str]) -> None:
    text = " ".join(f"{key}={value}" for key, value in values.items())

    assert parse_parameters(text) == tuple(Parameter(k, v) for k, v in values.items())


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_json_round_trips(values: dict[str, str]) -> None:
    text = json.dumps(values)

    assert parse_parameters(text) == tuple(Parameter(k, v) for k, v in values.items())


@tried(1_000, 100_000)
@given(st.text())
def test_no_text_raises_or_loses_a_character(text: str) -> None:
    parsed = parse_parameters(text)

    if parsed and not text.lstrip().startswith("{"):
        kept = "".join(f"{p.key}={p.value}" for p in parsed)
        assert "".join(kept.split()) == "".join(text.split())


@given(st.integers(1, 4), st.integers(1, READ_AT_ONCE * 2), st.integers(0, 4))
def test_what_is_read_at_once_is_what_it_begins_with(before: int, size: int, after: int) -> None:
    text = " ".join(
        [
            *(f"a{n}=1" for n in range(before)),
            f"long={'x' * size}",
            *(f"z{n}=2" for n in range(after)),
        ]
    )
    whole = parse_parameters(text)
    assert whole is not None

    found, is_all = first_parameters(text)

    assert found is not None
    assert is_all == (len(text) <= READ_AT_ONCE)
    if is_all:
        assert found == whole
    else:
        assert found[:-1] == whole[: len(found) - 1]
        # Nothing is lost: the last one has all the rest.
        assert text.endswith(f" {found[-1].key}={found[-1].value}")


def test_a_long_json_object_of_few_parts_is_read_whole() -> None:
    text = json.dumps({"sql": "a, b: [c] {d} " * 300_000, "bizdate": "20260917"})

    assert first_parameters(text) == (parse_parameters(text), True)
