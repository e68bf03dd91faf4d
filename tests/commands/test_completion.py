"""Each script in the shell it is for; the tests of a shell that is not installed are skipped."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from pty_session import PtySession

from wfinspect.cli import main
from wfinspect.commands import COMMANDS
from wfinspect.settings import OPTIONS

TYPED = {
    "wfinspect wa": "wfinspect watch",
    "wfinspect --profile get ge": "--profile get get",
    "wfinspect --theme col": "--theme colorblind",
    "wfinspect status --theme=col": "--theme=colorblind",
    "wfinspect watch 12 --fail": "--fail-fast",
    "wfinspect watch --until any:s": "any:success",
    "wfinspect watch --until=any:s": "--until=any:success",
    "wfinspect find --type Sm": "SmokeTest",
    "wfinspect get 12 -o c": "-o csv",
    "wfinspect get 12 --field Name --field Biz": "--field Name --field BizDate",
    "wfinspect 12 --region us-e": "--region us-east-1",
    "wfinspect --config conf": r"--config config\ file",
    "wfinspect --state-dir sta": r"--state-dir state\ dir/",
    "wfinspect tasks 12 --status dr": "--status dry-run",
    "wfinspect list rem": "list remove",
    "wfinspect follow li": "follow list",
    "wfinspect list import conf": r"list import config\ file",
    "wfinspect find --bizdate ye": "--bizdate yesterday",
    "wfinspect help exit": "help exit-codes",
    "wfinspect --color alw": "--color always",
    "wfinspect logs 12 --fol": "--follow",
    "wfinspect completion z": "completion zsh",
}
PROMPT = "ready> "
START = {
    "bash": (["--norc", "--noprofile", "-i"], "source ./_wfinspect"),
    "zsh": (["-f", "-i"], "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D"),
}


def path_of(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config file").touch()
    (tmp_path / "state dir").mkdir()
    return tmp_path


@pytest.mark.parametrize("shell", START)
def test_tab_completes_commands_options_values_and_files(
    shell: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of(shell)
    assert main(["completion", shell], {}) == 0
    (home / "_wfinspect").write_text(capsys.readouterr().out)
    options, load = START[shell]

    with PtySession([path, *options], home=home, size=(100, 24)) as session:
        session.send(f"PS1='{PROMPT[0]}''{PROMPT[1:]}'; {load}\n".encode())
        session.wait_for(PROMPT)
        for typed, completed in TYPED.items():
            session.forget()
            session.send(typed.encode() + b"\t")
            session.wait_for(completed.replace("\\", r"\\"))
            session.send(b"\x15")

        session.send(b"wfinspect \t\t")
        for name in COMMANDS:
            session.wait_for(rf"(?m)(^|  ){name}\b")


def test_fish_completes_commands_options_values_and_files(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of("fish")
    assert main(["completion", "fish"], {}) == 0
    (home / "wfinspect.fish").write_text(capsys.readouterr().out)
    # fish takes the first word that is a command for the command.
    typed = {line: whole for line, whole in TYPED.items() if "--profile get" not in line}
    asked = "".join(f"complete -C '{line}'; echo ---\n" for line in [*typed, "wfinspect "])

    done = subprocess.run(
        [path, "--no-config", "-c", f"source wfinspect.fish\n{asked}"],
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    *answers, commands, _ = (
        [line.partition("\t")[0] for line in answer.splitlines()]
        for answer in done.stdout.split("---\n")
    )
    offered = dict(zip(typed, answers, strict=True))
    assert all(len(words) == 1 for words in offered.values()), offered
    assert all(typed[line].replace("\\", "").endswith(words[0]) for line, words in offered.items())
    assert set(commands) >= set(COMMANDS)
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_knows_every_command_and_option(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell], {}) == 0

    text = capsys.readouterr().out.replace("-l ", "--")
    assert all(name in text for name in COMMANDS)
    assert all(f"--{option.name}" in text for option in OPTIONS)


def test_another_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"], {}) == 2
    assert "tcsh" in capsys.readouterr().err
