"""One module a command: reads its arguments, composes the parts, prints, gives the exit code."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

_REFUSED = "2 wrong usage or configuration, or a call that the service never accepts"
_TROUBLE = (
    "3 the service can't be reached, is in trouble or takes no more calls now; "
    "4 credentials missing, expired or refused"
)


class Command(NamedTuple):
    """A word after ``wfinspect``.

    Its module has `add_arguments(parser)` and `run(args, settings, environ)`, where `args.command` is the word.
    """

    summary: str
    description: str
    epilog: str = ""
    takes: str = ""
    """What must or may be given besides options."""
    examples: tuple[str, ...] = ()
    """Command lines, without the program's name."""
    module: str = ""
    """Of `wfinspect.commands`; "" for the one with the command's name."""


APP = Command(
    "",
    "Inspect and watch DataWorks workflow instances. Instance IDs given are opened\n"
    "and watched: one ID, a list (1,2 3) or a range (100..120).",
    examples=("demo", "10432987165 10433001244", "--profile prod --region cn-shanghai"),
    module="app",
)
"""What runs without such a word."""

COMMANDS: Mapping[str, Command] = {
    "demo": Command(
        "the app on a simulated service: no account, no network",
        "Start the app against a simulated DataWorks on this machine. It needs no account and no "
        "network, and keeps a watched list of its own. It takes the options of the app, "
        "such as --theme. To try the commands, start `wfinspect simulate` in another terminal.",
        takes="[ID ...]",
        module="app",
        examples=("demo",),
    ),
    "get": Command(
        "print instances once",
        "Print workflow instances once, without a screen. An instance that failed is printed like "
        "any other: the exit code is 0.",
        f"exit codes: 0 printed; {_REFUSED}; {_TROUBLE}; 5 no such instance. 3 may be tried again "
        "later; the others need a change first.",
        "ID [ID ...]",
        examples=(
            "get 10432987165",
            "get 10432987165 10433001244 -o json",
            "get 10432987165 --field Status --field Name",
        ),
    ),
    "status": Command(
        "print the status of the watched list, a line each",
        "Read instances, and print a line for each: sign, ID, status, name, time in this state. Without IDs it is "
        "the watched list, or its rows of --profile, --region and --endpoint as far as given here, each "
        "read with its own profile and region. The list is never changed. With --short it is one line for a status bar, from what the app or watch --forever has "
        "stored, without a call. With -o prometheus it prints gauges for a textfile collector, "
        "also without a call, and the exit code is 0.\n\n"
        "signs:\n"
        "  X > ~ . +  failed, running, waiting, not run, succeeded\n"
        "  ?          no reading stored, unknown or gone; behind a count: readings of it\n"
        "             are too old to count as the present, the oldest of them (12m) old\n"
        "  !          changes you have not seen",
        f"exit codes: 0 all succeeded, or the list is empty; 1 one failed; "
        f"{_REFUSED}; {_TROUBLE}; 5 no such instance; 8 one is still pending. "
        "If several hold, it is the first of 4, 5, 2, 3, 1, 8. 2 also says that no row of the list matches "
        "the words, status= left aside. With --short, 3 also says that no reading of one is stored, and 5 that one was gone then, or is not on the list.",
        "[ID ... | WORD ...]",
        examples=(
            "status 10432987165 -o json",
            "status ads status=failure,running",
            "status --short",
        ),
    ),
    "watch": Command(
        "follow instances without a screen until they are done",
        "Follow workflow instances until --until comes true, and print one line for each change: "
        "time, ID, what became what, name; the first reading is a line too. Without IDs it "
        "follows the watched list, which it never changes. An outage does not end it. Progress and "
        "errors go to standard error. With --project, or workspace= among words, and another filter it "
        "follows all runs of a business date that match when it looks first; if there is none yet, it waits for the first.",
        "exit codes: 0 as wanted; 1 done, and not as wanted: one failed, or what --until waits for "
        f"can't come any more; {_REFUSED}; 3 one can't be read, and waiting helps nothing; 4 credentials "
        "missing, expired or refused before the first reading; 5 no such instance, or gone; 124 --timeout has passed, also if nothing was read; 129, 130, 143 ended by HUP, INT, "
        "TERM. If several hold, it is the first of 4, 5, 2, 3, 1.",
        "[ID ... | WORD ...]",
        examples=(
            "watch 10432987165 --until all:success --timeout 2h",
            "watch --until any:failure --json",
            "watch workspace=88123 workflow=2261040 date=yesterday",
        ),
    ),
    "find": Command(
        "print the instances of a workspace and business date",
        "Print the instances of a workspace and business date that match all filters, newest "
        "first. It reads 1,000 at most, with a call for every hundred.",
        f"exit codes: 0 printed, also where nothing matches; {_REFUSED}, as of an unknown workspace; "
        f"{_TROUBLE}",
        "[WORD ...]",
        examples=(
            "find --project 88123 --bizdate yesterday --status Failure",
            "find workspace=88123 date=yesterday status=failure ads",
            "find --project 88123 --bizdate -2d -o csv",
        ),
    ),
    "tasks": Command(
        "print an instance's tasks, what needs you first",
        "Print a line for each task of an instance, what needs you first: failed ones, then frozen, "
        "running and waiting ones. It makes 2 calls, and one more for each further 500 tasks.",
        f"exit codes: 0 printed; {_REFUSED}; {_TROUBLE}; 5 no such instance",
        "ID [WORD ...]",
        examples=(
            "tasks 10432987165",
            "tasks 10432987165 status=failure,running ads",
            "tasks 10432987165 --status Failure -o json",
        ),
    ),
    "logs": Command(
        "print the log of the failed or running task",
        "Print the log of the task that needs you most, a failed one before a running one; with --task "
        "of another, with --failed of all that failed. Whose log it is goes to standard error. It makes 2 "
        "calls, and one for each log; with --run alone up to 3 more, to say how it ended then, and after "
        "a rerun with --failed up to 20, to find what had failed.",
        f"exit codes: 0 printed; {_REFUSED}; {_TROUBLE}; 5 no such instance or task",
        "[ID [TASK] | --task TASK]",
        module="tasks",
        examples=(
            "logs 10432987165 --tail 50",
            "logs 10432987165 --failed --grep 'ERROR|FAILED'",
            "logs --task 10432987165009 --follow",
        ),
    ),
    "history": Command(
        "print the recorded changes",
        "Print the changes recorded by the app and by watch --forever, the newest first: time, "
        "ID, what became what, name. --profile, --region and --endpoint, given here, select them. No call is made.",
        takes="[ID ... | WORD ...]",
        examples=(
            "history 10432987165",
            "history ads status=failure",
            "history -o json",
        ),
    ),
    "compare": Command(
        "print an instance beside its last success",
        "Print how an instance differs from the last successful run of its workflow, or from another: "
        "how long it took and is usual, its tasks, failed ones first, and what differs in its "
        "parameters, tags and fields. It makes 4 calls; without OTHER up to 10 more, for earlier runs "
        "that are not known yet, 2 a second.",
        f"exit codes: 0 printed; {_REFUSED}; {_TROUBLE}; 5 no such instance, or no earlier success",
        "ID [OTHER]",
        examples=(
            "compare 10432987165",
            "compare 10432987165 10431554021 -o json",
        ),
    ),
    "upstream": Command(
        "print what an instance waits for",
        "Print what an instance or a task waits for: level by level through all that has not begun, up "
        "to what failed, is frozen, runs, or waits for its own time or for resources, also in other "
        "workflows and workspaces. What blocks comes first, then what lies between. Each task that is looked "
        "at costs a call; what was spent, and what was not looked at, goes to standard error.",
        f"exit codes: 0 printed; {_REFUSED}; {_TROUBLE}; 5 no such instance or task",
        "[ID [TASK] | --task TASK]",
        examples=(
            "upstream 10433010001",
            "upstream 10433010001 --calls 30 -o json",
            "upstream 10433010001 build_profile_wide",
        ),
    ),
    "downstream": Command(
        "print what an instance holds up",
        "Print what has not begun because of an instance or a task, level by level, what you follow first; "
        "standard error counts it by workspace and owner, and says what calls were spent and what was "
        "not looked at.",
        f"exit codes: 0 printed; {_REFUSED}; {_TROUBLE}; 5 no such instance or task",
        "[ID [TASK] | --task TASK]",
        module="upstream",
        examples=(
            "downstream 10432987165",
            "downstream --task 10432987165009 -o csv",
        ),
    ),
    "report": Command(
        "print a report of what failed, for a ticket",
        "Print a report of what failed: since when, the failed tasks with their errors and the end of "
        "their logs, what differs from the last success, notes and RequestIds. Paste it into a "
        "ticket, or send it as one file of HTML. Values whose names look like a password, secret, "
        "token or key are masked. Without IDs it is of everything that failed on the watched list, "
        "also of tasks in up to 20 runs that go on, "
        "each instance read with its own profile and region. How many calls it made goes to standard "
        "error: at most 9 for an instance, and one for each failed task, up to 20; 1 for a run that goes on and "
        "has none.",
        f"exit codes: 0 printed, also where a part could not be read; {_REFUSED}; {_TROUBLE}; 5 no such "
        "instance",
        "[ID ... | WORD ...]",
        examples=(
            "report 10432987165",
            "report 10432987165 -o html --out failure.html",
            "report tag=team:growth -o html --out morning.html",
        ),
    ),
    "list": Command(
        "print and edit the watched list",
        "Print the watched list as the app and watch --forever have stored it, without a call, or edit it. "
        "An app that runs takes edits over. IDs are those of --profile, --region and --endpoint; given here, these also "
        "select the rows that are printed. An export has the rows, their notes and "
        "unseen marks, and what is followed; an import adds them to what is there.",
        "exit codes: 0 done; 2 wrong usage or configuration; 5 not on the list",
        "[WORD ... | add|remove|note|export|import ...]",
        examples=(
            "list add 10432987165 10433001244",
            "list status=failure",
            "list export > list.json",
        ),
    ),
    "follow": Command(
        "have new runs join the watched list by themselves",
        "Follow the workflow of an instance, or all instances that match words and filters: each new run joins the watched list "
        "by itself, while the app or watch --forever runs. Runs of today's and yesterday's business "
        "date are looked for; a daily run has the business date of the day before. A search checks first "
        "that the service accepts the filters; without contact they are followed all the same. To "
        "change --by or --keep, give the same filters again. A success leaves the list after "
        "--keep days, a failure once you have seen it, and after 30 days at most.\n\n"
        "  follow list      prints what is followed, with its number N\n"
        "  follow remove N  ends it; an ID, its filters or a part of its name do, too",
        f"exit codes: 0 done; {_REFUSED}, as of an unknown workspace; 4 credentials missing, expired "
        "or refused",
        "[ID | WORD ... | list | remove N]",
        examples=(
            "follow 10432987165",
            "follow workspace=88123 ads --by 07:30",
            "follow list",
        ),
    ),
    "simulate": Command(
        "serve a simulated DataWorks to other programs",
        "Serve a simulated DataWorks on 127.0.0.1 until interrupted, and print its URL and the "
        "environment that points any client, the official SDK included, to it.",
        module="app",
        examples=(
            "simulate",
            "simulate --port 8080 --speed 20",
        ),
    ),
    "doctor": Command(
        "check credentials, service, terminal and notifications",
        "Check the credentials, the network, the answer of the service, what is stored, the terminal and "
        "the notifications. It makes one or two calls.",
        "exit codes: 0 all well, or with warnings; 1 something failed; 2 wrong usage or configuration",
        examples=(
            "doctor",
            "doctor --try",
            "doctor -o json",
        ),
    ),
    "info": Command(
        "where files are, and where each setting came from",
        "Print where configuration, state and log are, and each setting with its source. Secrets "
        "are never printed.",
        module="doctor",
        examples=(
            "info",
            "info -o json",
        ),
    ),
    "help": Command(
        "print a page of the manual: keys, search, ssh, ...",
        "Print a page of the manual, through $PAGER where it is longer than the terminal. Without "
        "TOPIC it lists the pages. For the name of a command it prints what --help does.",
        takes="[TOPIC]",
        examples=(
            "help",
            "help exit-codes",
        ),
    ),
    "completion": Command(
        "print a script for bash, zsh or fish: Tab completes",
        "Print a script that makes a shell complete commands, options and their values. Pressing Tab "
        "then runs no Python and reads nothing. Add `source ~/.wfinspect.bash` to ~/.bashrc, or "
        "`source ~/.wfinspect.zsh` to ~/.zshrc behind compinit.",
        takes="SHELL",
        module="help",
        examples=(
            "completion bash > ~/.wfinspect.bash",
            "completion zsh > ~/.wfinspect.zsh",
            "completion fish > ~/.config/fish/completions/wfinspect.fish",
        ),
    ),
}

LIST_ACTIONS = ("add", "remove", "note", "export", "import")
"""Words behind ``list``."""

TOPICS = (
    "keys",
    "search",
    "config",
    "notify",
    "credentials",
    "costs",
    "exit-codes",
    "ssh",
    "doctor",
    "scripts",
    "systemd",
)


def module_of(name: str) -> Any:  # noqa: ANN401 - what `Command` says
    """Import the module of a command, of the app for ""."""
    command = COMMANDS[name] if name else APP
    return importlib.import_module(f"wfinspect.commands.{command.module or name}")
