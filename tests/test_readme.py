import ast
import json
import re
import shlex
from pathlib import Path
from pkgutil import resolve_name

import generated
import pytest
import readme_blocks
from PIL import Image
from readme_blocks import BLOCKS, INSIDE, PAGES, README, RESULTS, with_blocks

import wfinspect
from wfinspect.cli import main
from wfinspect.commands import COMMANDS, module_of
from wfinspect.dataworks.transport import READ_ONLY
from wfinspect.settings import OPTIONS

TEXT = README.read_text(encoding="utf-8")
HELP = {topic: path.read_text(encoding="utf-8") for topic, path in PAGES.items()}
FOR_USERS = "\n".join((TEXT, *HELP.values()))
MOST_CHARACTERS = 12_000


def test_the_readme_is_short() -> None:
    assert len(TEXT) <= MOST_CHARACTERS


def test_the_moving_picture_is_small_and_moves() -> None:
    [name] = re.findall(r"\((screenshots/\w+\.gif)\)", TEXT)
    path = README.parent / name
    assert path.stat().st_size < 1_500_000
    with Image.open(path) as picture:
        assert picture.n_frames > 3


def test_each_page_says_in_its_title_what_it_is_about() -> None:
    assert {path.stem for path in README.parent.glob("wfinspect/help/*")} == HELP.keys()
    for topic, text in HELP.items():
        assert re.match(rf"# {topic.replace('-', ' ').capitalize()}: \w", text, re.IGNORECASE)


TERMINAL = 80
"""Cells of a terminal that holds each line of code, and with it what is to be copied."""


@pytest.mark.parametrize("topic", HELP)
def test_a_page_is_plain_text_within_the_width(topic: str) -> None:
    text = generated.as_plain_text(HELP[topic])

    code = {
        line
        for block in re.findall(r"```.*?\n(.*?)```", HELP[topic], re.DOTALL)
        for line in block.splitlines()
    }
    for line in text.splitlines():
        assert len(line) <= TERMINAL, line
    assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}
    assert not re.search(r"\]\(|<!--|```|^#+ |\*\*", text, re.MULTILINE)
    assert [line for line in code if line.strip() and f"  {line}\n" not in text] == []


@pytest.mark.parametrize("page", BLOCKS)
def test_the_generated_tables_are_those_of_the_program(page: Path) -> None:
    is_current = with_blocks(page) == page.read_text(encoding="utf-8")
    assert is_current, "run: .venv/bin/python tests/support/readme_blocks.py"


def test_the_generated_files_are_those_of_the_program() -> None:
    stale = [
        path.name for path, text in generated.texts().items() if path.read_text("utf-8") != text
    ]
    assert not stale, "run: .venv/bin/python tests/support/readme_blocks.py"


def test_the_two_commands_of_the_quick_start_are_one_line_each() -> None:
    lines = TEXT.splitlines()

    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/wfinspect demo" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest" in lines


SOURCES = [path.read_text("utf-8") for path in Path(wfinspect.__file__).parent.rglob("*.py")]


def test_measured_figures_go_into_the_results_and_the_readme(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = RESULTS.read_text("utf-8")
    table = text.partition("generated -->\n")[2].partition("\n<!-- end")[0]
    start = re.search(r"\| 80x24: first paint / bare app, CPU \| ([\d.]+)", table)
    assert start is not None
    readme, results = tmp_path / "README.md", tmp_path / "RESULTS.md"
    readme.write_text(TEXT)
    results.write_text(text)
    monkeypatch.setattr(readme_blocks, "README", readme)
    monkeypatch.setattr(readme_blocks, "RESULTS", results)
    monkeypatch.setattr(readme_blocks, "BLOCKS", {readme: BLOCKS[README]})

    readme_blocks.write_measured(table.replace(start[0], start[0].replace(start[1], "77.7")))

    assert "/ bare app, CPU | 77.7 |" in results.read_text("utf-8")
    assert "- 77.7 times the CPU time" in readme.read_text("utf-8")


def test_every_variable_that_is_read_is_named() -> None:
    families = r"(?:AL[IL]\w*|SS[HL]|XDG|LC|NO|WFINSPECT)_[A-Z_]+"
    patterns = (
        r"""environ(?:\.get\(|\[)["'](\w+)""",
        rf'"({families})"',
        r'_variable\("(\w+)"',
        r'"(ESC\w+)": ',
    )
    read = {name.upper() for each in patterns for name in re.findall(each, "".join(SOURCES))}

    assert {
        "ALIBABA_CLOUD_CREDENTIALS_FILE",
        "SSL_CERT_DIR",
        "TMUX",
        "ALL_PROXY",
        "ESCDELAY",
    } <= read
    # What is set whatever it was.
    forced = {name for name in read if name.startswith("TEXTUAL_")}
    # How these are made of the options' names is said.
    own = {option.variable for option in OPTIONS}
    assert {name for name in read - forced - own if f"`{name}" not in FOR_USERS} == set()


def table(page: str, first_title: str) -> list[list[str]]:
    """The rows, titles first, of the table of a page whose first column has a title."""
    lines = HELP[page].splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_title} |"))
    end = next((i for i in range(begin, len(lines)) if lines[i][:1] != "|"), len(lines))
    rows = [line[1:-1].replace("\\|", "\0").split("|") for line in lines[begin:end]]
    return [[cell.strip().replace("\0", "|") for cell in row] for row in rows if row[0] != "---"]


def test_the_exit_codes_are_those_of_each_help() -> None:
    listed = {name: set[str]() for name, c in COMMANDS.items() if "exit codes:" in c.epilog}
    for codes, _, given_by in table("exit-codes", "code")[1:]:
        names = listed if given_by == "all" else re.findall(r"`([\w ]+)`", given_by)
        for name in names:
            listed[name] |= set(codes.split(", "))

    said = {name: COMMANDS[name].epilog.partition("exit codes:")[2] for name in listed}
    assert listed == {name: set(re.findall(r"\d+", text)) for name, text in said.items()}


def test_the_page_on_doctor_has_each_check() -> None:
    listed = [
        name for row in table("doctor", "check")[1:] for name in re.findall(r"`(\w+)`", row[0])
    ]
    tree = ast.parse(
        Path(wfinspect.__file__).with_name("commands").joinpath("doctor.py").read_text("utf-8")
    )
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [
        c.args[0]
        for c in calls
        if isinstance(c.func, ast.Name) and c.func.id in {"Check", "blocking"}
    ]
    assert {each.value for each in given if isinstance(each, ast.Constant)} == {*listed}


def test_all_that_the_page_for_maintainers_names_is_there() -> None:
    text = INSIDE.read_text("utf-8")
    names = re.findall(r"`((?:watching|dataworks|ui|commands|model|settings)\.[\w.]+)`", text)
    assert len(names) > 30
    for name in names:
        resolve_name(f"wfinspect.{name}")
    files = re.findall(r"`((?:watching|dataworks|ui|commands|simulator)/[\w/]*(?:\.py)?)`", text)
    assert [name for name in files if not (INSIDE.parent / name).exists()] == []


def test_every_top_level_module_has_its_layer() -> None:
    layers = INSIDE.read_text("utf-8").partition("layers: generated")[2].partition("<!-- end")[0]
    named = {word for line in layers.splitlines() for word in line[:38].split()}
    package = Path(wfinspect.__file__).parent
    parts = {path.stem for path in package.iterdir() if path.suffix == ".py"}
    parts |= {path.parent.name for path in package.glob("*/*.py")}
    parts = {name for name in parts if not name.startswith("__")}
    assert named - {"|", "-->", "```"} == parts


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [README, INSIDE, RESULTS, *PAGES.values()])
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", page.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there.read_text("utf-8")), link


def shown_commands() -> list[str]:
    """The lines of code of the pages, and the examples of help."""
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", FOR_USERS, re.DOTALL)
        for line in block.splitlines()
    ]
    found = [line for line in lines if line.startswith("wfinspect ")]
    found += [f"wfinspect {each}" for command in COMMANDS.values() for each in command.examples]
    return found + re.findall(r"`(wfinspect [a-z]+ [^`]+)`", FOR_USERS)


def test_every_command_that_is_shown_is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert len(shown_commands()) > 20
    for name in ("", *COMMANDS):
        monkeypatch.setattr(module_of(name), "run", lambda *_: 0)
    for shown in shown_commands():
        for command in shown.partition(" > ")[0].split(" | "):
            words = shlex.split(command, comments=True)[1:]
            assert main(words, {"HOME": str(tmp_path)}) == 0, shown


def test_what_may_be_sent_is_what_the_policy_allows() -> None:
    policy = json.loads(HELP["credentials"].partition("```json\n")[2].partition("```")[0])
    (statement,) = policy["Statement"]
    assert {action.removeprefix("dataworks:") for action in statement["Action"]} == READ_ONLY
    listed = TEXT.partition("The client can send ")[2].partition("nothing else")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == READ_ONLY
