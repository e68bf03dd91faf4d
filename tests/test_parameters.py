import json

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.parsing import (
    READ_AT_ONCE,
    Parameter,
    Parameters,
    first_parameters,
    parse_parameters,
)

names = st.text(st.characters(categories=["L", "N"], include_characters="_"), min_size=1)
plain = st.text(st.characters(categories=["L", "N", "S"], include_characters="$-.,/:", exclude_characters="="))  # fmt: skip
inside = st.text(st.sampled_from("ab =\n\t,.'x1"), max_size=12)
whole = st.one_of(
    inside.map(lambda text: '"' + text + '"'),
    inside.map(lambda text: "'" + text.replace("'", "") + "'"),
    inside.map(lambda text: "$[" + text.replace("'", "") + "]"),
    st.builds(lambda one, two: f'[{one}, ("{two}", {{}})]', plain, inside),
)


def pairs(text: str) -> list[tuple[str, str]] | None:
    parsed = parse_parameters(text)
    return None if parsed is None else [(p.key, p.value) for p in parsed.pairs]


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
        ('a="x y=z" b=2', [("a", '"x y=z"'), ("b", "2")]),
        (r'a="x \" y=z" b=2', [("a", r'"x \" y=z"'), ("b", "2")]),
        ("a='it is \"x=1' b=2", [("a", "'it is \"x=1'"), ("b", "2")]),
        ("sql=(select x where a=1 and b=2) n=3",
         [("sql", "(select x where a=1 and b=2)"), ("n", "3")]),
        ('l=["a b", {"c": "d e=f"}] m=2', [("l", '["a b", {"c": "d e=f"}]'), ("m", "2")]),
        ("a=$[add_months(yyyymmdd, -1)] b=2", [("a", "$[add_months(yyyymmdd, -1)]"), ("b", "2")]),
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
    parsed = parse_parameters(text)

    assert parsed is not None
    assert [(p.key, p.value) for p in parsed.pairs] == expected
    assert parsed.is_certain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sql=select x where a=1 and b=2",
         [("sql", "select x where"), ("a", "1 and"), ("b", "2")]),
        ("say=hello world n=1", [("say", "hello world"), ("n", "1")]),
        ('a="x y=z b=2', [("a", '"x'), ("y", "z"), ("b", "2")]),
        ("a=it's b=2", [("a", "it's"), ("b", "2")]),
        ("a=(x y=z b=2", [("a", "(x"), ("y", "z"), ("b", "2")]),
        ("a=x) b=2", [("a", "x)"), ("b", "2")]),
        ("a=([x y)] b=2", [("a", "([x y)]"), ("b", "2")]),
        ('a=1 "b=2 c"', [("a", '1 "b=2 c"')]),
    ],
)  # fmt: skip
def test_where_a_value_ends_is_not_certain_the_text_is_to_be_shown_too(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert pairs(text) == expected
    assert parse_parameters(text).is_certain is False  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["{broken", "[1, 2]", "just words", "=x", "words before key=value", '{"a":1} trailing']
)
def test_text_in_neither_format_is_left_to_the_caller(text: str) -> None:
    assert parse_parameters(text) is None


def test_a_string_of_json_never_looks_like_null_a_number_or_a_list() -> None:
    found = parse_parameters(
        json.dumps(
            {"a": None, "b": "null", "c": 1, "d": "1", "e": True, "f": "true", "g": [], "h": "[]"}
        )
    )

    assert found is not None
    assert [p.told_apart for p in found.pairs] == [
        "null", '"null"', "1", '"1"', "true", '"true"', "[]", '"[]"',
    ]  # fmt: skip
    assert [p.value for p in found.pairs] == ["null", "null", "1", "1", "true", "true", "[]", "[]"]


def test_what_is_no_json_is_shown_without_quotes_of_ours() -> None:
    found = parse_parameters("a=1 b=null")

    assert found is not None
    assert [p.told_apart for p in found.pairs] == ["1", "null"]


@given(st.dictionaries(names, plain | whole, min_size=1), st.sampled_from([" ", "\n", " \t"]))
def test_pairs_round_trip(values: dict[str, str], between: str) -> None:
    text = between.join(f"{key}={value}" for key, value in values.items())

    assert parse_parameters(text) == Parameters(tuple(Parameter(k, v) for k, v in values.items()))


@given(st.dictionaries(st.text(), st.text(), min_size=1))
def test_strings_of_json_round_trip(values: dict[str, str]) -> None:
    found = parse_parameters(json.dumps(values))

    assert found is not None
    assert [(p.key, p.value) for p in found.pairs] == list(values.items())
    assert found.is_certain


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


@tried(1_000, 100_000)
@given(scalars, scalars)
def test_values_that_differ_in_json_never_look_alike(one: object, other: object) -> None:
    found = parse_parameters(json.dumps({"one": one, "other": other}))

    assert found is not None
    mine, theirs = (p.told_apart for p in found.pairs)
    assert (mine == theirs) == (json.dumps(one) == json.dumps(other))


TORN = st.lists(
    st.sampled_from(["a=", "b=1", " ", "\n", '"', "'", "\\", "(", ")", "[", "]", "{", "}", "x"])
).map("".join)


@tried(1_000, 100_000)
@given(st.text() | TORN)
def test_no_text_raises_or_loses_a_character(text: str) -> None:
    parsed = parse_parameters(text)

    if parsed and parsed.pairs and not text.lstrip().startswith("{"):
        kept = "".join(f"{p.key}={p.value}" for p in parsed.pairs)
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

    found = first_parameters(text)

    assert found is not None
    assert found.is_all == (len(text) <= READ_AT_ONCE)
    if found.is_all:
        assert found == whole
    else:
        assert found.is_certain
        assert found.pairs[:-1] == whole.pairs[: len(found.pairs) - 1]
        # Nothing is lost: the last one has all the rest.
        assert text.endswith(f" {found.pairs[-1].key}={found.pairs[-1].value}")


@pytest.mark.parametrize("quotes", ['""', "''", "()", "[]"])
def test_what_is_longer_than_is_read_at_once_is_not_torn_within_quotes(quotes: str) -> None:
    value = f"{quotes[0]}{'x=1 y ' * READ_AT_ONCE}{quotes[1]}"
    found = first_parameters(f"a=1 long={value} b=2")

    assert found == Parameters(
        (Parameter("a", "1"), Parameter("long", f"{value} b=2")), is_all=False
    )


def test_a_long_json_object_of_few_parts_is_read_whole() -> None:
    text = json.dumps({"sql": "a, b: [c] {d} " * 300_000, "bizdate": "20260917"})

    assert first_parameters(text) == parse_parameters(text)


@tried(1_000, 100_000)
@given(TORN)
def test_what_is_certain_tears_no_pair_before_or_behind_it(text: str) -> None:
    parsed = parse_parameters(f"first=1 {text} last=2")

    assert parsed is not None
    if parsed.is_certain:
        assert (parsed.pairs[0], parsed.pairs[-1]) == (("first", "1", ""), ("last", "2", ""))
