import contextlib
import json
import re
import sys
import unicodedata

import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.errors import UsageError
from wfinspect.model import MAX_INSTANCE_ID
from wfinspect.parsing import (
    FULL_WIDTH,
    MAX_RANGE,
    READ_AT_ONCE,
    Parameter,
    Parameters,
    find_ids,
    first_parameters,
    parse_ids,
    parse_parameters,
    read_id_file,
    read_ids,
)

ids = st.integers(1, MAX_INSTANCE_ID)
UNSEEN = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == "Cf"]
JOINERS = "\u00a0\u2009\u202f"
PIECES = [
    "10432987165",
    "10433001244",
    "7",
    "100",
    "432",
    ",",
    ", ",
    " ",
    "\t",
    "\n",
    "..",
    *JOINERS,
]


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
        ("1043298\u200b7165", (10432987165,)),
        ("10\u202f432\u202f987\u202f165", (10432987165,)),
        ("10\u00a0432\u2009987\u202f165 7", (10432987165, 7)),
        (
            "10\u202f432\u202f987\u202f165..10\u202f432\u202f987\u202f166",
            (10432987165, 10432987166),
        ),
        ("10432987165\u00a010432987166", (10432987165, 10432987166)),
        ("10432987165\u00a0432\u00a0987", (10432987165, 432, 987)),
        ("10 432 987 165", (10, 432, 987, 165)),
        ("10\t432\n987", (10, 432, 987)),
    ],
)
def test_an_id_a_list_and_a_range_are_read(text: str, expected: tuple[int, ...]) -> None:
    assert parse_ids(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No instance ID"),
        (" , ", "No instance ID"),
        ("abc", "'abc' is not an instance ID"),
        ("12a", "'12a' is not an instance ID"),
        ("-5", "'-5' is negative"),
        ("1.5", "'1.5' is not an instance ID"),
        ("1e9", "'1e9' is not an instance ID"),
        ("0", "IDs begin at 1"),
        (str(MAX_INSTANCE_ID + 1), "too large"),
        ("9" * 5000, "too large"),
        ("1..", "'1..' is not an instance ID"),
        ("10432980001-10432980002", "a range is 10432980001..10432980002"),
        ("3\u20139", "a range is 3..9"),
        ("10432991040-42", "a range is 10432991040..10432991042"),
        ("9-3", "use digits only"),
        ("9..3", "runs backwards: write 3..9"),
        ("10433001240..260", "runs backwards: write 10433001240..10433001260"),
        ("10433001240..39", "runs backwards: write 39..10433001240"),
        ("1..101", "holds 101 IDs: at most 100"),
        ("\u0661\u0662", "is not an instance ID"),
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


@tried(200, 100_000)
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
        ("failed: 10432987165..10432987168 please", (*range(10432987165, 10432987169),)),
        ("7 of 10432987165..10432987166.", (10432987165, 10432987166)),
        ("from 10432987165..10432999999 on", (10432987165, 10432999999)),
        ("wait 10432987165...10432987168", (10432987165,)),
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


@given(st.data(), st.lists(st.sampled_from([*PIECES, "x", "Id,Name", "#", '"']), max_size=12))
def test_characters_that_cannot_be_seen_change_nothing(
    data: st.DataObject, pieces: list[str]
) -> None:
    text = "".join(pieces)
    hidden = data.draw(st.lists(st.sampled_from(UNSEEN), max_size=len(text) + 1))
    places = [data.draw(st.integers(0, len(text))) for _ in hidden]
    split = text
    for place, char in sorted(zip(places, hidden, strict=True), reverse=True):
        split = split[:place] + char + split[place:]

    assert read(split) == read(text)


def read(text: str) -> tuple[object, ...]:
    """What each way to read a text makes of it."""

    def tried_with(reader: object, given: object) -> object:
        try:
            return reader(given)  # type: ignore[operator]
        except UsageError as error:
            return str(error)

    return (
        tried_with(parse_ids, text),
        tried_with(read_ids, text),
        find_ids(text),
        tried_with(read_id_file, text.encode()),
    )


@tried(200, 100_000)
@given(st.lists(st.one_of(st.sampled_from([*PIECES, *UNSEEN[:5]]), st.text(max_size=3))))
def test_no_id_is_invented(pieces: list[str]) -> None:
    text = "".join(pieces).replace("..", " ")
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf").translate(FULL_WIDTH)
    groups = re.findall(rf"[0-9]+(?:[,{JOINERS}][0-9]{{3}})*", seen)
    numbers = {int(re.sub(r"[^0-9]", "", group)) for group in groups}
    numbers |= set(map(int, re.findall(r"[0-9]+", seen)))
    # A group may begin behind another number: of 7,10,432,987 the last three.
    parts = [re.split(rf"[,{JOINERS}]", group) for group in groups]
    numbers |= {
        int("".join(p[a:b])) for p in parts for a in range(len(p)) for b in range(a + 1, len(p) + 1)
    }

    for found in (find_ids(text), *read_all(text)):
        assert set(found) <= numbers


def read_all(text: str) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    with contextlib.suppress(UsageError):
        found.append(parse_ids(text))
    with contextlib.suppress(UsageError):
        found.append(read_ids(text).ids)
    with contextlib.suppress(UsageError):
        found.append(read_id_file(text.encode("utf-8", "replace")).ids)
    return found


TABLE = 'Id,Name,Note\n7,"a, 88888888\nnext, 99999999",\n8,x,\n'


@pytest.mark.parametrize(
    ("data", "expected", "source"),
    [
        (b"7\n8\n", (7, 8), ""),
        (b"# tonight\r\n7  # 99999\r\n\r\n8#9\r\n\x1a\x1a", (7, 8), ""),
        (TABLE.encode(), (7, 8), "column Id"),
        (b"# ours\n\n" + TABLE.encode(), (7, 8), "column Id"),
        (TABLE.replace(",", "\t").encode(), (7, 8), "column Id"),
        (TABLE.replace(",", ";").encode("utf-16"), (7, 8), "column Id"),
        ("\ufeffID\uff0c\u540d\u79f0\n\uff17\uff0cx\n8\uff0cy\n".encode(), (7, 8), "column ID"),
        (b"Name,Id\n99999999,7\n55555,'8\n,\n", (7, 8), "column Id"),
        (b'Name,Id\nx,"10,432,987,165"\n', (10432987165,), "column Id"),
        (b"ID  STATUS   NAME\n7   Failure  job 88888888\n8   NotRun   -\n", (7, 8), "column ID"),
        (
            b"   ID  NAME  LATE\n>  7   a     late\n+  8   b     -\n?  9   -     -\n",
            (7, 8, 9),
            "column ID",
        ),
        (b"ID  NAME\n.  7   a\n~  8   b\n", (7, 8), "column ID"),
        (
            b"TASK  NAME      INSTANCE  OWNER\n55555001  -  55555  99999\n",
            (55555,),
            "column INSTANCE",
        ),
        (b"| ID | Name |\n|---|---|\n| 7 | 55555 |\n| 8 | x |\n", (7, 8), "column ID"),
        (b"ID\n7\n8 # late\n", (7, 8), "column ID"),
        (b"Id             7\nWorkflowId     99999999\nName  x\n", (7,), "field Id"),
        (b'{"Id": 7, "ProjectId": 88123}', (7,), "field Id"),
        (b'[{"Id": 7}, {"Id": "8"}]', (7, 8), "field Id"),
        (b'{"id": 7, "at": 99999999}\n{"id": 8}\n\n{"id": 7}\n', (7, 8), "field Id"),
        (b'[ERROR] {"id": 5} of 10432987165\n', (10432987165,), "text"),
        (b'{"RequestId": "x", "WorkflowInstance": {"Id": 7}}', (7,), "field Id"),
        (
            b'{"PagingInfo": {"PageSize": 10000, "WorkflowInstances": [{"Id": 7}]}}',
            (7,),
            "field Id",
        ),
        (b"id,instance\n1,10432987165\n", (10432987165,), "text"),
        (b"https://x.example/sc?projectId=88123#/i/10432987165\n", (10432987165,), "text"),
        (b"ID, instance 10432987165 failed", (10432987165,), "text"),
    ],
)
def test_of_a_file_with_more_in_it_only_the_ids_are_read(
    data: bytes, expected: tuple[int, ...], source: str
) -> None:
    found = read_id_file(data)

    assert (found.ids, found.source) == (expected, source)


FIRST, SECOND = 10432987165, 10433001244
SPLIT = f"{str(FIRST)[:7]}\u200b{str(FIRST)[7:]}"


@pytest.mark.parametrize(
    "data",
    [
        f"{FIRST}\r\n{SECOND}\r\n".encode("utf-16"),
        b"\xfe\xff" + f"{FIRST}\r\n{SECOND}\r\n".encode("utf-16-be"),
        b"\xef\xbb\xbf" + f"{FIRST}\n{SECOND}".encode(),
        f"{FIRST}\uff0c{SECOND}".translate({48: 0xFF10, 49: 0xFF11}).encode(),
        f"{FIRST}\uff0c{SECOND}".encode("gbk"),
        f"{FIRST}\r\n{SECOND}\r\n\x1a".encode(),
        f"{SPLIT}\n{SECOND}\n".encode(),
    ],
)
def test_a_file_is_read_whatever_wrote_it(data: bytes) -> None:
    assert read_id_file(data).ids == (FIRST, SECOND)


def test_a_long_cell_beside_the_ids_is_passed_over() -> None:
    table = f'Id,Parameters\n7,"{"x" * 2_000_000}"\n8,y\n'

    assert read_id_file(table.encode()).ids == (7, 8)


@pytest.mark.parametrize(
    ("data", "left_out"),
    [
        (b"10432987165 failed\n1043298716S\n", "1 line without an ID (line 2)"),
        (b"Id,Name\n7,x\n,y\n\n,z\n", "2 rows without an ID (the first in line 3)"),
        (b"Id,Name\n7,x\n\n", ""),
    ],
)
def test_what_holds_no_id_is_counted(data: bytes, left_out: str) -> None:
    assert read_id_file(data).left_out == left_out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "It holds no instance ID"),
        (b"Id,Name\n", "The column Id holds no instance ID"),
        (b"[]", "The field Id holds no instance ID"),
        (b"# c\nId,Name\n7,x\n1.04E+10,y\n", "line 4: '1.04E+10' is not an instance ID"),
        (b'Id,Name\n7,"x\n8,y\n', "is a quotation mark missing?"),
        (
            b"ID  STATUS  NAME  RAN  RUN\n55555001  Failure  x  2m  1\n",
            "The column ID holds IDs of tasks",
        ),
        (b"Id,TaskId,TaskName\n55555001,5,x\n", "The column Id holds IDs of tasks"),
        (
            b"Id,Name,Level,Dependency,Instance\n55555001,x,1,,55555\n",
            "The column Id holds IDs of tasks",
        ),
        (b'[{"Id": 55555001, "TaskId": 5}]', "The field Id holds IDs of tasks"),
        (b'[{"id": 55555001, "dependency": null}]', "The field Id holds IDs of tasks"),
        (b'[{"Id": 7}, {"Id": null}]', "object 2: 'None' is not an instance ID"),
        (b"10432987165\n99999999999999999999\n", "too large"),
        (b'port 18457\n[{"id": 7, "owner": 88888}]', "JSON can't be read at line 1 (other text): "),
        (b'\n[{"id": 7},\n{"id": 8}]\n\ndone 18457\n', "can't be read at line 5 (Extra data): "),
        (b'[\n  {\n    "Id": 7,\n    "Port": 18457', "at line 4 (Expecting ',' delimiter): "),
        (b'{"id": 7}\n{"id": 8}\nwfinspect: 18457\n{"id": 9}\n', "at line 3 (Extra data): "),
        (
            b'\n{"id": 7, "port": 18457, "x": %b%b}' % (b"[" * 100_000, b"]" * 100_000),
            "The JSON can't be read at line 2 (nested too deep): ",
        ),
        (b"18457 calls\nId,Name,Owner\n7,x,88888\n", "A table begins at line 2: take out "),
        (b"18457 calls\n  ID  NAME  RAN\n7  x  88888\n", "A table begins at line 2: take out "),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_id_file(data)

    assert words in str(caught.value)


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


@tried(200, 100_000)
@given(scalars, scalars)
def test_values_that_differ_in_json_never_look_alike(one: object, other: object) -> None:
    found = parse_parameters(json.dumps({"one": one, "other": other}))

    assert found is not None
    mine, theirs = (p.told_apart for p in found.pairs)
    assert (mine == theirs) == (json.dumps(one) == json.dumps(other))


TORN = st.lists(
    st.sampled_from(["a=", "b=1", " ", "\n", '"', "'", "\\", "(", ")", "[", "]", "{", "}", "x"])
).map("".join)


@tried(200, 100_000)
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


@tried(200, 100_000)
@given(TORN)
def test_what_is_certain_tears_no_pair_before_or_behind_it(text: str) -> None:
    parsed = parse_parameters(f"first=1 {text} last=2")

    assert parsed is not None
    if parsed.is_certain:
        assert (parsed.pairs[0], parsed.pairs[-1]) == (("first", "1", ""), ("last", "2", ""))
