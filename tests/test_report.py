"""What leaves the program to be pasted: nothing in it can act, break the document or show a secret."""

import json
import re
from datetime import UTC, timedelta
from html.parser import HTMLParser

import pytest
from fakes import START, instance, key, ms
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from task_scenes import task
from values import replace

from wfinspect.format import is_harmless, plain_text, shown
from wfinspect.model import OperationLog, Tag, TaskInstance, Transition, Unreadable
from wfinspect.report import MASK, Incident, as_report, counted, is_secret

HOSTILE = (
    "a|b", "`", "```", "``` html", "<script>alert(1)</script>", "</pre>", "&lt;", "[x](https://e.example)", "![x](y)",
    "https://e.example", "www.e.example", "a_b_c", "__a__", "_a_", "*a*", "~~a~~", "\\", "\\|", "a\\", "$x$", "# a", "- a",
    "1. a", "> a", "---", "|---|", "=", "\n\n# a", "\r", "\x1b[2J", "\x9b2J", "\u202e", "\u2028", "\ud800", "\0", "  ", "\t", "{}",
    "<!--", "]]>", '" onload="x', "&#x3c;", ":---", "[ref]: x", "[^1]", "<https://e.example>", "@all", "%s", "{0}", "\u4e2d\u6587",
)  # fmt: skip
texts = (
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=4), min_size=1, max_size=4)
    .map("".join)
    .filter(bool)
)


def incident(text: str, **fields: object) -> Incident:
    """One in which a text stands wherever one of the service or of a user may stand."""
    at = ms(START)
    failed = task(1, text, "Failure", text, started=30, finished=20, owner=text)
    failed = replace(failed, script_parameters=f"x={text}")
    made = instance(
        7, "Failure", name=text, owner=text, type=text, started_time=at - 9000, finished_time=at,
        workflow_parameters=json.dumps({text: text}), tags=(Tag(text, text),),
    )  # fmt: skip
    change = Transition(key(7), text, text, text, START, START, START)
    found = Incident(
        key(7), made, START, at / 1000, (failed,), {1: f"{text}\nFAILED: {text}\n"},
        operations=(OperationLog(1, text, text, at, 1),), held_up=(replace(failed, workflow_name=text),), unread=2, before=replace(made, owner=f"{text}."),
        tasks_before=(replace(failed, status="Success"),), history=(change,), missing={"tasks": text},
        request_ids=((text, text),), note=text,
    )  # fmt: skip
    return found._replace(**fields)


def report(form: str, *incidents: Incident) -> str:
    return as_report(form, incidents, UTC, START + timedelta(minutes=5))


MARKDOWN = MarkdownIt("gfm-like")


def blocks_of(text: str) -> list[Token]:
    return MARKDOWN.parse(text)


def words_of(tokens: list[Token]) -> list[str]:
    """What a reader sees of each heading, paragraph, cell and block of code."""
    found = []
    for token in tokens:
        if token.type == "inline":
            kinds = {child.type for child in token.children or ()}
            assert kinds <= {"text", "text_special", "link_open", "link_close"}, (
                kinds,
                token.content,
            )
            found.append("".join(child.content for child in token.children or ()))
        elif token.type == "fence":
            found.append(token.content)
    return found


@settings(max_examples=20, deadline=None)
@given(texts)
def test_in_markdown_any_text_stays_the_text_of_its_place(text: str) -> None:
    usual, odd = (
        blocks_of(report("markdown", incident("x"))),
        blocks_of(report("markdown", incident(text))),
    )

    # Whatever a text holds, the document is made of the same parts.
    kinds = [each.type for each in odd if not each.type.startswith(("t", "inline"))]
    assert kinds == [each.type for each in usual if not each.type.startswith(("t", "inline"))]
    words = words_of(odd)
    assert words[0] == f"{shown(text)}: Failure".strip()
    assert f"Note: {shown(text)}".strip() in words
    assert plain_text(f"{text}\nFAILED: {text}\n").rstrip("\n") in "\n".join(words)
    links = [c for each in odd for c in each.children or () if c.type == "link_open"]
    assert links == []


class Page(HTMLParser):
    """The tags of a page, and the text of each place."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@settings(max_examples=40, deadline=None)
@given(texts)
def test_in_html_any_text_stays_the_text_of_its_place(text: str) -> None:
    usual, odd = Page(report("html", incident("x"))), Page(report("html", incident(text)))

    assert (odd.open, "script" in odd.tags) == ([], False)
    assert set(odd.tags) <= set(usual.tags)
    assert odd.attributes == usual.attributes
    assert f"Note: {shown(text)}" in odd.texts
    assert odd.tags.count("h2") == usual.tags.count("h2")


@settings(max_examples=60, deadline=None)
@given(texts)
def test_json_is_exact_and_no_form_holds_a_character_that_acts(text: str) -> None:
    [found] = json.loads(report("json", incident(text)))

    assert (found["name"], found["note"], found["fields"]["owner"]) == (text, text, text)
    assert found["failed_tasks"][0]["name"] == text
    for form in ("markdown", "html", "json"):
        said = report(form, incident(text))
        assert all(map(is_harmless, said.replace("\n", "").replace("\t", "")))


NAMES = (
    "password", "db_password", "DBPassword", "passwd", "pwd", "client.secret", "accessKeySecret", "access_token", "TOKEN",
    "api-key", "apiKey", "AccessKeyId", "ak", "db_pass", "credentials", "\u6570\u636e\u5e93\u5bc6\u7801", "pass\u200bword", "\uff50wd",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_looks_like_that_of_a_secret_is_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["bizdate", "region_list", "bypass", "task", "owner", "sla", "passed"]
)
def test_a_usual_name_is_not(name: str) -> None:
    assert not is_secret(name)


SECRET = "hunter2-Zq"
names = st.sampled_from([name for name in NAMES if re.fullmatch(r"[\w.-]+", name)])
values = st.sampled_from(
    (
        SECRET,
        f'"{SECRET}"',
        f"'{SECRET} x'",
        f"x {SECRET}",
        f'{{"a": "{SECRET}"}}',
        f'["{SECRET}"]',
        f'"{SECRET}',
        f"x\\{SECRET}",
    )
)
forms = st.sampled_from(
    ("{n}={v}", "a=1 {n}={v} b=2", "a=1\n{n} = {v}\nb=2", '{{"x": 1, "{n}": {v}}}', "url=jdbc:x://h/d?u=1&{n}={v}&b=2",
     'conf={{"{n}": {v}}}', "{n}: {v}", "--{n}={v}", 'x={{\\"{n}\\": {v}}}')
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(names, values, forms, st.sampled_from(("parameters", "script", "tag", "all")))
def test_what_is_named_like_a_secret_is_masked_wherever_it_stands(
    name: str, value: str, form: str, where: str
) -> None:
    # Where a value ends that has blanks and no quotes, nothing in a URL says.
    assume(" x" not in f" {value}" or "&b" not in form)
    text = form.format(n=name, v=value)
    failed = task(1, "load", "Failure", started=30, finished=20)
    made = instance(7, "Failure")
    if where in {"parameters", "all"}:
        made = replace(made, workflow_parameters=text)
    if where in {"script", "all"}:
        failed = replace(failed, script_parameters=text)
    if where in {"tag", "all"}:
        made = replace(made, tags=(Tag("conf", text),))
    found = Incident(key(7), made, START, tasks=(failed,), before=instance(6, "Success"))
    for form_of in ("markdown", "html", "json"):
        said = report(form_of, found)

        assert SECRET not in said
        assert MASK in said
    assert json.loads(report("json", found))[0]["masked"] >= 1


def test_masked_values_are_counted_and_those_of_the_last_success_too_are_masked() -> None:
    parameters = '{"db_password": "hunter2", "day": "20260917", "t": "mysql://u:hunter2@h/d"}'
    before = instance(6, "Success", workflow_parameters='{"db_password": "hunter3"}')
    made = instance(7, "Failure", workflow_parameters=parameters, tags=(Tag("api_key", "hunter4"),))
    said = report("markdown", Incident(key(7), made, START, before=before))

    assert "hunter" not in said
    assert "3 values were masked because of their names." in said
    assert "mysql\\://u:(masked)@h/d" in said


def test_what_cannot_be_read_shows_no_secret_either() -> None:
    odd = (
        Unreadable("workflow_parameters", '{"db_password": "hunter2", "day": "20260917"}'),
        Unreadable("tags", '[{"Key": "token", "Value": "hunter3"}, 7]'),
    )
    found = Incident(key(7), replace(instance(7, "Failure"), unreadable=odd), START)

    for form in ("markdown", "html", "json"):
        said = report(form, found)
        assert "hunter" not in said
        assert "20260917" in said
        assert MASK in said


def test_a_mask_takes_no_longer_than_its_text() -> None:
    long = "password" * 100_000 + "=" + "x=" * 100_000
    made = instance(7, "Failure", workflow_parameters=long, tags=(Tag("a", long),))

    assert len(report("json", Incident(key(7), made, START))) < 20_000


def test_several_are_one_document_with_a_table_first() -> None:
    unread = Incident(key(8), missing={"instance": "no such instance"})
    said = report("markdown", incident("first"), unread)
    heading, table, *_ = said.split("\n\n")

    assert heading == "# 2 instances, 2026-09-18 06:35:00 UTC"
    rows = [row.split(" | ") for row in table.split("\n")]
    assert [row[1] for row in rows[2:]] == ["7", "8"]
    assert rows[2][5] == "FAILED: first"
    assert "no such instance" in rows[3][5]
    assert [line for line in said.split("\n") if line.startswith("## ")][::1] == [
        "## first: Failure",
        "## 8: not read",
    ]


def test_a_change_says_how_exactly_its_time_is_known() -> None:
    change = Transition(
        key(7), "x", "Running", "Failure", START, START - timedelta(minutes=2), START
    )
    exact = change._replace(is_service_time=True, is_rerun=True)
    said = report("markdown", incident("x", history=(change, exact)))

    assert "Running -> Failure | between 2026-09-18 06:28:00 and 2026-09-18 06:30:00 |" in said
    assert "Running -> Failure (rerun) | to the second |" in said
    assert "| x: x, by x | to the second |" in said
    assert "Manual actions were read for the failed tasks only" in said


def test_at_one_time_the_failure_of_a_task_stands_before_the_end_of_the_run() -> None:
    at = START.replace(microsecond=0)
    change = Transition(key(7), "x", "Running", "Failure", at, at, at, is_service_time=True)
    failed = replace(incident("x").tasks[0], finished_time=ms(at) + 400)
    for history in ((), (change,)):
        [values] = json.loads(report("json", incident("x", tasks=(failed,), history=history)))
        said = [each["what"] for each in values["timeline"]]
        end = "Running -> Failure" if history else "ended: Failure"
        assert said.index("x failed in run 1") < said.index(end)


def test_a_run_that_failed_before_it_was_rerun_says_where_that_is() -> None:
    rerun = Transition(key(7), "x", "Failure", "NotRun", START, START, START, is_rerun=True)
    tasks = (replace(task(1, "again", "Running"), run_number=3), task(2, "later", "NotRun"))
    made = instance(7, "Running")
    text = report("markdown", Incident(key(7), made, START, tasks=tasks, history=(rerun,)))

    assert "It failed, and was rerun at 2026-09-18 06:30:00 UTC. This report is about" in text
    assert "This prints a log of run 2, and which task and result it is of:" in text
    assert "```text\nwfinspect logs 7 --run 2\n```" in text
    # What was read of earlier runs is named; of a name that a shell reads otherwise, the ID is printed.
    odd = [TaskInstance(n, task_name=name, run_number=2) for n, name in ((1, "again"), (2, "a;b"))]
    known = Incident(key(7), made, START, tasks=tasks, failed_before=odd)
    text = report("markdown", known)
    assert "\nFailed before the rerun: again (run 2), a;b (run 2).\n" in text
    assert "```text\nwfinspect logs 7 again --run 2\nwfinspect logs 7 2 --run 2\n```" in text
    [values] = json.loads(report("json", known))
    assert values["failed_before"][0] == {"id": 1, "name": "again", "run_number": 2}
    # Without a history, as of one that is not on the list, the tasks say it.
    text = report("markdown", Incident(key(7), made, START, tasks=tasks))
    assert "wfinspect logs 7 --run 2" in text
    assert "It failed" not in text
    assert "wfinspect logs" not in report("markdown", Incident(key(7), made, START))
    failed = Incident(key(7), instance(7, "Failure"), START, history=(rerun,))
    assert "was rerun at" not in report("markdown", failed)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("NotRun", "It has not begun. This command"),
        ("WaitTime", "It has not begun. This command"),
        ("Running", ""),
    ],
)
def test_of_a_run_that_has_not_begun_the_tasks_are_not_compared(status: str, said: str) -> None:
    tasks = (task(1, "load", "NotRun"),)
    before = instance(6, "Success")
    done = (task(1, "load", "Success", started=30, finished=20),)
    made = Incident(
        key(7), instance(7, status), START, tasks=tasks, before=before, tasks_before=done
    )
    text = report("markdown", made)

    assert ("| load | NotRun" in text) is not bool(said)
    assert ("wfinspect upstream 7" in text) is bool(said)
    assert said in text
    assert "The last success before it is 6, " in text


def test_what_failed_of_the_list_is_said_and_what_is_not_known() -> None:
    failed, runs = (
        Incident(key(1), instance(1, "Failure")),
        Incident(key(2), instance(2, "Running")),
    )
    unread = Incident(key(3), instance(3, "Failure"), missing={"instance": "no route"})
    for found, watched, words, unknown, said in (
        ((), 0, "", 0, "The watched list is empty"),
        ((), 1, "", 0, "Nothing has failed of the 1 watched instance"),
        ((), 1, "ads", 0, "Nothing has failed of the 1 watched instance that matches ads"),
        ((), 12, "ads", 0, "Nothing has failed of 12 watched instances that match ads"),
        (
            (),
            9,
            "",
            2,
            "0 of 9 watched instances failed, the tasks of 2 still running were not read",
        ),
        ((failed,), 1, "", 0, "The 1 watched instance failed"),
        ((failed,), 1, "ads", 0, "The 1 watched instance that matches ads failed"),
        ((runs,), 1, "ads", 0, "The 1 watched instance that matches ads runs with failed tasks"),
        ((unread,), 9, "", 0, "0 of 9 watched instances failed, 1 could not be read"),
        ((failed, runs), 9, "", 0, "1 of 9 watched instances failed, 1 runs with failed tasks"),
        ((runs, runs), 9, "", 0, "2 of 9 watched instances run with failed tasks"),
    ):
        title = counted(found, watched, words, unknown)
        assert title == said
        assert as_report("markdown", found, UTC, START, title).startswith(f"# {said}, ")
    assert json.loads(report("json")) == []
    assert Page(report("html")).open == []
