import json
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import change
from hypothesis import given
from hypothesis import strategies as st
from readme_blocks import README

from wfinspect.cli import main
from wfinspect.errors import ConfigError
from wfinspect.settings import NotifyRule, NotifySettings, load_settings, read_notify
from wfinspect.watching.notifications import Announcement, Messenger, filled, scrubbed

MESSAGE = Announcement("1 failed: dwd_table_1 (1) Running -> Failure", change())
RECORD = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    kept = {k: v for k, v in os.environ.items() if k.startswith(("WFINSPECT_", "PATH", "ALIBABA"))}
    file.write(json.dumps([sys.argv[2:], kept, sys.stdin.read()]) + "\\n")
print("out of the way")
"""


def recording(path: Path, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", RECORD, str(path), *arguments)


def finish(messenger: Messenger) -> None:
    while (thread := messenger._thread) is not None:
        thread.join(20)


def test_the_command_gets_its_values_as_arguments_and_in_the_environment(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = {"PATH": os.environ["PATH"], "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary"}
    command = recording(tmp_path / "told", "{id}", "{from}>{to}", '{"text": "{message}"}', "{none}")

    assert Messenger(command, environ).run(MESSAGE) == ""

    arguments, seen, stdin = json.loads((tmp_path / "told").read_text())
    assert arguments == ["1", "Running>Failure", f'{{"text": "{MESSAGE.text}"}}', "{none}"]
    assert seen == {
        "PATH": os.environ["PATH"],
        "WFINSPECT_ID": "1",
        "WFINSPECT_NAME": "dwd_table_1",
        "WFINSPECT_FROM": "Running",
        "WFINSPECT_TO": "Failure",
        "WFINSPECT_MESSAGE": MESSAGE.text,
    }
    assert stdin == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALICLOUD_SECRET_KEY",
        "ACCESS_KEY_ID",
        "MY_SECRET",
        "github_token",
        "SECURITY_TOKEN",
    ],
)
def test_no_key_reaches_the_command(name: str) -> None:
    assert scrubbed({name: "x", "HOME": "/h", "HTTPS_PROXY": "p"}) == {
        "HOME": "/h",
        "HTTPS_PROXY": "p",
    }


@given(st.text())
def test_a_name_never_poses_as_an_option_or_a_file(name: str) -> None:
    values = Announcement("m", change(name=name)).values()

    for argument in filled(("tell", "{name}", "{name}{to}"), values)[1:]:
        assert argument[:1] not in {"-", "@"}


def test_what_the_user_wrote_stays_as_it_is() -> None:
    assert filled(("{id}", "-d", "@file", "--title={name}"), MESSAGE.values()) == [
        "{id}",
        "-d",
        "@file",
        "--title=dwd_table_1",
    ]


def test_messages_are_told_one_after_the_other_and_nobody_waits(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = f"import sys\nif sys.argv[2] == 'one': open({str(gate)!r}).read()\n{RECORD}"
    command = (sys.executable, "-c", script, str(tmp_path / "told"), "{message}")
    messenger = Messenger(command, os.environ, timeout=20)
    for text in ("one", "two"):
        messenger.send(Announcement(text))
    assert not (tmp_path / "told").exists()

    with gate.open("w"):
        pass
    finish(messenger)

    told = [json.loads(line)[0] for line in (tmp_path / "told").read_text().splitlines()]
    assert told == [["one"], ["two"]]
    assert messenger.take_trouble() == ""


def test_a_failure_is_said_once_until_the_command_succeeds_again(tmp_path: Path) -> None:
    flag = tmp_path / "works"
    script = f"import os, sys; sys.exit(not os.path.exists({str(flag)!r}))"
    messenger = Messenger((sys.executable, "-c", script), os.environ)

    def tell() -> str:
        messenger.send(MESSAGE)
        finish(messenger)
        return messenger.take_trouble()

    assert tell() == f"The notification command {sys.executable} failed with exit code 1."
    assert tell() == ""
    flag.touch()
    assert tell() == ""
    flag.unlink()
    assert "exit code 1" in tell()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "missing", "No such file"),
        (lambda p: p, "Permission denied"),
    ],
)
def test_a_command_that_cannot_run_is_a_sentence(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    assert words in Messenger((str(make(tmp_path)),), os.environ).run(MESSAGE)


def test_a_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    # Its child holds the other end of the pipe, which reads as closed once everybody is gone.
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = (
        f"import os, subprocess, sys; f = os.open({str(fifo)!r}, os.O_WRONLY);"
        "os.set_inheritable(f, True);"
        "subprocess.run([sys.executable, '-c', 'import signal; signal.pause()'], close_fds=False)"
    )
    messenger = Messenger((sys.executable, "-c", script), os.environ, timeout=1.0)

    assert "took over 1 s: killed" in messenger.run(MESSAGE)

    os.set_blocking(held, True)
    assert os.read(held, 1) == b""
    os.close(held)


def test_closing_kills_what_hangs_and_drops_what_waits() -> None:
    messenger = Messenger(
        (sys.executable, "-c", "import signal; signal.pause()"), os.environ, timeout=60
    )
    messenger.send(MESSAGE)
    messenger.send(MESSAGE)
    thread = messenger._thread

    messenger.close()

    assert isinstance(thread, threading.Thread)
    thread.join(10)
    assert not thread.is_alive()


def test_without_a_command_nothing_is_started() -> None:
    messenger = Messenger((), {})
    messenger.send(MESSAGE)
    messenger.close()

    assert messenger._thread is None


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert read_notify({}, "config.toml") == NotifySettings(
        NotifyRule.FAILURE, (), True, "off", False, 300.0
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(90, 90.0), (10.5, 10.5), ("90", 90.0), ("90s", 90.0), ("5m", 300.0), ("1.5 h", 5400.0)],
)
def test_lost_after_is_a_duration(written: object, seconds: float) -> None:
    assert read_notify({"lost_after": written}, "config.toml").lost_after == seconds


def test_the_table_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[notify]\nrule = "settled"\ncommand = ["tell", "{message}"]\nosc = 9\nbell = false\n'
    )

    settings = load_settings({"config": str(path)}, {"HOME": str(tmp_path)})

    assert settings.notify == NotifySettings(NotifyRule.SETTLED, ("tell", "{message}"), False, "9")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"rules": "any"}, "[notify] has no 'rules': known are rule, command, bell, osc"),
        ({"rule": "never"}, "rule: 'never' is none of failure, late, settled, any"),
        ({"osc": "99"}, "osc: '99' is none of off, 9, 777"),
        ({"lost_after": 9}, "lost_after: '9' is too short: at least 10 seconds are allowed"),
        ({"lost_after": "5 min"}, "lost_after: '5 min' is not a duration: write seconds, or text"),
        ({"lost_after": True}, "is not a duration"),
        ({"lost_after": -300}, "is not a duration"),
        ({"lost_after": float("nan")}, "is not a duration"),
        ({"bell": "yes"}, "bell: 'yes' is neither true nor false"),
        ({"command": "curl http://x"}, "command is a list of a program and its arguments"),
        ({"command": ["", "x"]}, "command is a list"),
        ({"command": ["a", 1]}, "command is a list"),
        ({"command": ["a\0"]}, "command is a list"),
        (["failure"], "[notify] is a table"),
    ],
)
def test_a_wrong_table_is_told_with_what_is_allowed(table: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_notify(table, "config.toml")

    assert str(caught.value).startswith("config.toml: ")
    assert words in str(caught.value)


def test_the_readmes_script_posts_any_name_as_json(tmp_path: Path) -> None:
    scripts = re.findall(r"```sh\n(#!/bin/sh\n.*?)```", README.read_text(), re.DOTALL)
    [script] = [each for each in scripts if "dingtalk-url" in each]
    (tmp_path / "curl").write_text(
        f'#!/bin/sh\ncat > {tmp_path}/body\necho "$@" > {tmp_path}/given\n'
        'echo "{\\"errcode\\":$ERRCODE}"\n'
    )
    (tmp_path / "dingtalk").write_text(script)
    for name in ("curl", "dingtalk"):
        (tmp_path / name).chmod(0o755)
    url = tmp_path / ".config" / "wfinspect" / "dingtalk-url"
    url.parent.mkdir(parents=True)
    url.write_text("https://127.0.0.1/robot?access_token=x\n")
    path = f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin"
    message = Announcement("1 failed: a\"b'$(id)`\\ (1) Running -> Failure")

    def post(errcode: str) -> str:
        environ = {"PATH": path, "HOME": str(tmp_path), "ERRCODE": errcode}
        return Messenger((str(tmp_path / "dingtalk"),), environ).run(message)

    assert post("0") == ""
    body = json.loads((tmp_path / "body").read_text())
    assert body == {"msgtype": "text", "text": {"content": f"wfinspect: {message.text}"}}
    assert (tmp_path / "given").read_text().endswith("https://127.0.0.1/robot?access_token=x\n")
    assert "exit code 1" in post("310000")


def test_info_shows_what_is_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[notify]\ncommand = ["tell", "a b", "{message}"]\n')

    assert main(["info", "--config", str(path)], {"HOME": str(tmp_path)}) == 0

    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    shown = {line[1]: line[2] for line in lines if line[0] == "notify"}
    assert shown["command"].split("  ")[0] == "tell 'a b' '{message}'"
    assert shown["command"].endswith(str(path))
    assert shown["osc"].split() == ["off", "default"]


def test_a_bug_while_telling_is_said_and_the_next_message_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()
    messenger = Messenger(["true"], {})

    def broken(_: Announcement) -> str:
        told.set()
        raise ZeroDivisionError

    monkeypatch.setattr(messenger, "run", broken)
    for _ in range(2):
        told.clear()
        messenger.send(MESSAGE)
        assert told.wait(10)
    finish(messenger)
    assert messenger.take_trouble() == "The notification command was not run: ZeroDivisionError."
