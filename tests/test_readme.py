import re
from pathlib import Path

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
