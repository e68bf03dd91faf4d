import csv
import io
import json
import os
import re
import subprocess
import termios
from collections.abc import Callable
from shutil import which
from zoneinfo import ZoneInfo

import pytest
from fakes import START, instance, ms
from hypothesis import given
from hypothesis import strategies as st
from values import replace

from wfinspect.commands.output import (
    Colored,
    Fields,
    as_lines,
    as_record,
    fitted,
    printed,
    where,
    wrapped,
)
from wfinspect.errors import UsageError
from wfinspect.export import as_csv, as_json
from wfinspect.format import cell_width
from wfinspect.model import FIELDS_AS_SENT, Tag, Target, WorkflowInstance, pack
from wfinspect.parsing import read_id_file
from wfinspect.simulator import DEMO_IDS, Simulator

ZONE = ZoneInfo("Asia/Shanghai")
FIELDS = [field.service_name for field in FIELDS_AS_SENT]
HOSTILE = "a\x1b]52;c;x\x07\x9b2J\u202eb"


def answered(**fields: object) -> WorkflowInstance:
    """An instance with its raw JSON, as decoding leaves it."""
    raw = {"Id": 10432987165, "Status": "Running", "Name": "dwd_x", "WorkflowParameters": "a=1", "Tags": None}  # fmt: skip
    return instance(
        workflow_parameters="a=1 b=2",
        tags=(Tag("team", "growth"),),
        started_time=ms(START) - 60_000 * 41,
        packed=pack(json.dumps(raw | fields)),
    )


def test_what_commands_print_is_a_file_of_ids(
    command: Callable[..., tuple[int, str, str]], live: Simulator
) -> None:
    """Names with commas, quotes, lines and numbers in them are no IDs."""
    one, *others = three = DEMO_IDS[:3]
    hostile = f'a "b", 77777777777\n{others[0]},x\r\n=cmd'
    for number in three:
        live.population.set_fields(number, {"Name": hostile})
    fields = dict(line.split(None, 1) for line in command("get", str(one))[1].splitlines()[:12])
    place = ["--project", fields["ProjectId"], "--bizdate", fields["BizDate"].split()[0]]
    found = {int(line.split()[0]) for line in command("find", *place)[1].splitlines()[1:]}
    assert one in found

    get = ["get", *map(str, three)]
    for arguments, wanted, source in (
        ([*get, "-o", "csv"], set(three), "column Id"),
        ([*get, "-o", "json"], set(three), "field Id"),
        (["get", str(one), "-o", "json"], {one}, "field Id"),
        (["get", str(one)], {one}, "field Id"),
        (get, set(three), "column ID"),
        (["find", *place], found, "column ID"),
        (["find", *place, "-o", "csv"], found, "column Id"),
    ):
        read = read_id_file(command(*arguments)[1].encode())
        assert (set(read.ids), read.source) == (wanted, source)


def test_json_is_the_object_as_it_came_and_an_array_for_several() -> None:
    one = replace(answered(), packed=pack('{"Id":1,\n "New":1.10}'))

    assert as_json([one], is_array=False) == one.raw
    assert json.loads(as_json([one, one], is_array=True)) == [{"Id": 1, "New": 1.1}] * 2


@given(st.text())
def test_json_keeps_every_character_and_sends_no_control_to_the_terminal(text: str) -> None:
    raw = json.dumps({"Name": text}, ensure_ascii=False)
    printed = as_json([replace(answered(), packed=pack(raw))], is_array=False)

    assert json.loads(printed)["Name"] == text
    assert not any(c in printed for c in "\x1b\x7f\x9b\u202e\u2066\u2028\ufeff")


@pytest.mark.skipif(not which("jq"), reason="no jq")
def test_jq_reads_every_character_and_number_as_the_service_sent_it() -> None:
    points = [*range(0xD800), *range(0xE000, 0x1_0000), *range(0x1_0000, 0x11_0000, 97)]
    every = "".join(map(chr, points))
    numbers = [0, 1, 10432987165, 2**53 - 1, -(2**53) + 1]
    sent = [{"Id": numbers[place % len(numbers)], "Name": every[place::64]} for place in range(64)]
    printed = as_json(
        [replace(answered(), packed=pack(json.dumps(each, ensure_ascii=False))) for each in sent],
        is_array=True,
    )

    command = [which("jq") or "", "-c", ".[]"]
    read = subprocess.run(command, input=printed, capture_output=True, encoding="utf-8", check=True)

    assert [json.loads(line) for line in read.stdout.split("\n")[:-1]] == sent


def fields(names: str, *instances: WorkflowInstance) -> str:
    """What `get --field` prints."""
    form = Fields(names.split(","))
    return printed(form, instances, "cn-shanghai", ZONE, is_several=len(instances) > 1)


def test_a_field_is_the_service_s_bare_value() -> None:
    one = answered(BizDate=1743350400000, Tags=[{"Key": "k"}], New="yes")

    assert fields("Status", one) == "Running"
    assert fields("bizdate,Owner,STARTED_time", one) == "1743350400000\t\t"
    assert fields("New,Tags", one) == 'yes\t[{"Key": "k"}]'
    assert fields("Id,New", one, one).split("\n") == ["10432987165\tyes"] * 2


def test_a_tag_and_a_parameter_are_fields_by_their_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = replace(answered(), workflow_parameters='{"retries": 7}', tags=(Tag("team", "x\ty"),))
    other = replace(answered(), workflow_parameters="retries=$[a b] n=1", tags=())

    assert fields("tags.Team,WorkflowParameters.retries", one, other) == "x\\ty\t7\n\t$[a b]"
    assert fields("Tags.teem", one) == ""
    assert capsys.readouterr().err.endswith("There is no Tags.teem: did you mean Tags.team?\n")
    with pytest.raises(UsageError, match=r"did you mean WorkflowParameters\.retries"):
        fields("retries", one)


def test_an_unknown_field_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'Colour' is not a field: known are Id, "):
        fields("Colour", answered())
    with pytest.raises(UsageError, match=r"'bizdat' is not a field: did you mean BizDate"):
        fields("bizdat", answered())


@given(st.lists(st.text("ant\\\t\n é"), min_size=2, max_size=3))
def test_fields_are_read_back_from_their_line(values: list[str]) -> None:
    names = [f"New{place}" for place in range(len(values))]

    one = answered(**dict(zip(names, values, strict=True)))
    line = fields(",".join(["Id", *names]), one)

    escapes = {r"\t": "\t", r"\n": "\n", r"\\": "\\"}
    _, *cells = line.split("\t")
    assert values == [re.sub(r"\\.", lambda found: escapes[found[0]], cell) for cell in cells]


def test_one_instance_is_a_list_of_all_its_fields() -> None:
    lines = as_record(answered(), "cn-shanghai", ZONE, START).splitlines()

    rows = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in lines}
    assert set(FIELDS) <= set(rows)
    assert rows["BizDate"] == "2026-09-17 (Thu)"
    assert rows["StartedTime"] == "2026-09-18 13:49:00 UTC+8"
    assert rows["FinishedTime"] == "-"
    assert rows["(running for)"] == "41m00s"
    assert rows["WorkflowParameters"] == "a=1"
    assert rows["Tags"] == "team=growth"


def test_several_instances_are_a_line_each_with_columns_that_align() -> None:
    wide = replace(answered(), name="\u8ba2\u5355")
    lines = as_lines([answered(), wide], "cn-shanghai", ZONE, START).splitlines()

    assert lines[0].startswith("ID ")
    # A wide character takes two cells, so the line with two of them is two characters shorter.
    assert lines[1].index("Normal") == lines[2].index("Normal") + 2


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (None, "ID STATUS NAME TYPE ENV BIZDATE STARTED UTC+8 RAN WORKFLOW"),
        (160, "ID STATUS NAME TYPE ENV BIZDATE STARTED UTC+8 RAN WORKFLOW"),
        (103, "ID STATUS NAME TYPE ENV BIZDATE STARTED UTC+8 RAN"),
        (97, "ID STATUS NAME TYPE BIZDATE STARTED UTC+8 RAN"),
        (80, "ID STATUS NAME STARTED UTC+8 RAN"),
        (20, "ID STATUS NAME RAN"),
    ],
)
def test_a_terminal_is_spared_the_columns_it_has_no_room_for(
    width: int | None, titles: str
) -> None:
    one = replace(answered(), workflow_id=2261040)

    text = as_lines([one, one], "cn-shanghai", ZONE, START, width)

    assert text.split("\n")[0].split() == titles.split()


CELLS = st.text("ab\u8ba2", max_size=60)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=4),
    st.integers(36, 200),
)
def test_a_table_is_as_wide_as_the_terminal_and_its_ids_are_whole(
    rows: list[tuple[str, ...]], width: int
) -> None:
    titles = ("ID", "STATUS", "NAME", "STARTED UTC+8", "NOTE")
    steps = (("NOTE", 12), ("STARTED", 0), ("NAME", 16))

    heading, *lines = fitted(
        [[titles, *(("10432987165", *each) for each in rows)]], width, steps
    ).splitlines()

    assert all(line.startswith("10432987165") for line in lines)
    assert all(title in {*titles, "UTC+8", "STARTED"} for title in heading.split())
    assert max(map(cell_width, lines)) <= width
    for column, title in enumerate(titles[1:]):
        has_text = any(row[column] for row in rows)
        assert title in heading or not has_text or title.startswith("STARTED")
        assert title not in heading or has_text
    whole = fitted([[titles, *(("10432987165", *each) for each in rows)]], None, steps)
    assert all(cell in whole for row in rows for cell in row)
    if max(map(cell_width, whole.splitlines())) <= width:
        assert whole.splitlines() == [heading, *lines]


@pytest.mark.parametrize(
    ("width", "line"),
    [(44, "10432987165  dwd_trade_order  late for 07:30"), (28, "10432987165  dwd_tr...  late")],
)
def test_a_cell_with_a_shorter_wording_is_never_cut(width: int, line: str) -> None:
    late = Colored("late for 07:30", "33", ("late",))
    rows = [("ID", "NAME", "LATE"), ("10432987165", "dwd_trade_order", late)]
    assert fitted([rows], width).splitlines()[1] == line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (49, "10432987165  dwd_trade_o...  late for 07:30  12s"),
        (46, "10432987165  dwd_trade_order  late for 07:30"),
        (43, "10432987165  dwd_trade_o...  late for 07:30"),
        (36, "10432987165  dwd_trade_order  late"),
        (32, "10432987165  dwd_trade_...  late"),
    ],
)
def test_a_name_takes_the_room_that_other_cells_leave(width: int, line: str) -> None:
    late = Colored("late for 07:30", "33", ("late",))
    rows = [("ID", "NAME", "LATE", "READ"), ("10432987165", "dwd_trade_order", late, "12s")]
    steps = (("NAME", 12), ("READ", 0), ("NAME", 8), ("LATE", 6))
    assert fitted([rows], width, steps).splitlines()[1] == line


def test_a_place_is_said_as_far_as_it_tells_rows_apart() -> None:
    one = Target("a", "cn-shanghai", "dataworks.cn-shanghai.aliyuncs.com")
    vpc = one._replace(endpoint="dataworks-vpc.cn-shanghai.aliyuncs.com")
    beijing = Target("a", "cn-beijing", "dataworks.cn-beijing.aliyuncs.com")

    assert where([]) == [("PROFILE", "REGION", "ENDPOINT")]
    assert where([one, one])[1:] == [("", "", "")] * 2
    assert where([one, vpc])[1:] == [("", "", "public"), ("", "", "vpc")]
    assert where([one, beijing])[1:] == [("", "cn-shanghai", ""), ("", "cn-beijing", "")]
    odd = one._replace(profile="b\x1b", endpoint="other")
    assert where([one, odd])[1:] == [("a", "", ""), ("b\u241b", "", "")]


def test_csv_has_the_service_s_names_and_readable_times() -> None:
    [row] = csv.DictReader(io.StringIO(as_csv([(answered(), "cn-shanghai")], ZONE)))

    assert list(row) == list(FIELDS)
    assert row["BizDate"] == "2026-09-17"
    assert row["StartedTime"] == "2026-09-18T13:49:00+08:00"
    assert (row["FinishedTime"], row["Tags"]) == ("", "team:growth")


def test_hostile_text_is_made_visible_in_every_form_for_people() -> None:
    one = replace(
        answered(Name=HOSTILE),
        name=HOSTILE,
        status=HOSTILE,
        workflow_parameters=f"k={HOSTILE}",
        tags=(Tag(HOSTILE, HOSTILE),),
    )
    printed = [
        as_record(one, "cn-shanghai", ZONE, START),
        as_lines([one, one], "cn-shanghai", ZONE, START),
        as_csv([(one, "cn-shanghai")], ZONE),
        fields("Name", one),
    ]

    for text in printed:
        assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert "\u241b]52;c;x" in text


def test_a_long_value_in_the_table_ends_in_its_size_and_how_to_have_the_whole() -> None:
    long = "x" * 7_000_000
    one = replace(
        answered(), name=long, workflow_parameters=f"a=1 sql={long}", tags=(Tag("k", long),)
    )

    lines = as_record(one, "cn-shanghai", ZONE, START).splitlines()

    said = [
        line for line in lines if line.endswith("xxx... 7.0 MB, -o json or --field has the whole")
    ]
    assert len(said) == 3
    assert max(map(len, lines)) < 3_000
    assert fields("Name", replace(one, packed=pack(json.dumps({"Name": long})))) == long


def test_the_table_shows_a_thousand_parameters_and_counts_the_rest() -> None:
    some = replace(
        answered(), workflow_parameters=json.dumps({f"key{n}": "v" for n in range(1_500)})
    )
    many = replace(answered(), workflow_parameters="key=value\n" * 700_000)

    assert "... and 500 more, -o json" in as_record(some, "cn-shanghai", ZONE, START)
    printed = as_record(many, "cn-shanghai", ZONE, START)
    assert "... and more than 5,554 more, -o json or --field has the whole" in printed
    assert len(printed) < 100_000


def test_parameters_are_told_apart_and_shown_as_they_came_where_that_is_in_doubt() -> None:
    one = answered()
    of_json = replace(one, workflow_parameters='{"a": null, "b": "null", "c": "x"}')
    torn = replace(one, workflow_parameters="sql=select x where a=1 and b=2")
    table = as_record(of_json, "cn-shanghai", ZONE, START).splitlines()
    doubtful = as_record(torn, "cn-shanghai", ZONE, START)

    assert [line.split()[-1] for line in table if "=" in line] == [
        "a=null", 'b="null"', "c=x", "team=growth",
    ]  # fmt: skip
    assert "(as it came)" in doubtful
    assert "sql=select x where a=1 and b=2" in doubtful


def test_a_sentence_is_as_wide_as_the_terminal_or_as_columns_says_where_it_has_no_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = os.openpty()
    monkeypatch.setenv("COLUMNS", "9")
    with os.fdopen(slave, "w") as terminal:
        assert wrapped("a", "bb cc dd ee", terminal, 2) == "a bb cc\n  dd ee"
        termios.tcsetwinsize(slave, (24, 7))
        assert wrapped("a", "bb cc dd ee", terminal, 2) == "a bb cc\n  dd ee"
        termios.tcsetwinsize(slave, (24, 40))
        assert wrapped("a", "bb cc dd ee", terminal, 2) == "a bb cc dd ee"
    os.close(master)
