import re
from pathlib import Path

import wfinspect

from readme_blocks import README, with_blocks

TEXT = README.read_text(encoding="utf-8")


def test_the_tables_of_keys_and_options_are_those_of_the_program() -> None:
    assert with_blocks(TEXT) == TEXT, "run: .venv/bin/python tests/readme_blocks.py"


def test_the_two_commands_of_the_quick_start_are_one_line_each() -> None:
    lines = TEXT.splitlines()

    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/wfinspect demo" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest" in lines


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)

    assert pictures
    assert all(Path(README.parent, picture).exists() for picture in pictures)


SOURCES = [path.read_text("utf-8") for path in Path(wfinspect.__file__).parent.rglob("*.py")]


def test_every_variable_that_is_read_is_named() -> None:
    families = r"(?:AL[IL]\w*|SS[HL]|XDG|LC|NO|WFINSPECT)_[A-Z_]+"
    patterns = (
        r"""environ(?:\.get\(|\[)["'](\w+)""",
        rf'"({families})"',
        r'_variable\("(\w+)"',
        r'"((?:TEXTUAL_|ESC)\w+)": ',
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
    forced = {"TEXTUAL_DISABLE_KITTY_KEY", "TEXTUAL_SMOOTH_SCROLL"}
    assert {name for name in read - forced if f"`{name}" not in TEXT} == set()
