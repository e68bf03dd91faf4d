"""Tasks made by hand, and a log that fails: what the views about them are tested with."""

from fakes import ms
from scenes import ago

from wfinspect.model import Page, TaskInstance, by_attention


def task(
    number: int, name: str, status: str, kind: str = "ODPS_SQL", **fields: object
) -> TaskInstance:
    """A task; `waits`, `started` and `finished` are minutes ago."""
    for given, wanted in (
        ("waits", "waiting_resource_time"),
        ("started", "started_time"),
        ("finished", "finished_time"),
    ):
        if given in fields:
            fields[wanted] = ms(ago(minutes=fields.pop(given)))  # type: ignore[arg-type]
    values: dict[str, object] = {"run_number": 1, "raw": f'{{"Id":{number}}}', "modify_time": 7}
    return TaskInstance(number, task_name=name, task_type=kind, status=status, **(values | fields))  # type: ignore[arg-type]


FAILED_TASK = task(
    5003, "build_profile_wide", "Failure", waits=20, started=15, finished=2, run_number=2
)
RUNNING_TASK = task(5005, "score_tag_vector", "Running", "PYODPS3", waits=20, started=10)
TASKS = (
    task(5001, "load_behavior_log", "Success", "DI", waits=44, started=43, finished=30),
    task(5002, "clean_店铺_events", "Success", waits=31, started=29, finished=20),
    FAILED_TASK,
    task(5004, "publish_to_hologres", "NotRun", "HOLOGRES_SQL"),
    RUNNING_TASK,
    task(5006, "export_pay_bill", "WaitResource", "SHELL", waits=9),
)
FOREMOST = tuple(by_attention(TASKS)[:5])


def page(*tasks: TaskInstance, is_last: bool = True) -> Page[TaskInstance]:
    return Page(tasks, 1, len(tasks), is_last)


def log(lines: int = 60) -> str:
    """A log that ends in an error."""
    body = "".join(f"2026-09-18 14:27:{n % 60:02} INFO M1_job_0: {n}/64/64\n" for n in range(lines))
    return (
        f"{body}2026-09-18 14:28:00 FAILED: ODPS-0130071:[1,45] column bizdt cannot be resolved\n"
        "2026-09-18 14:28:00 Exit with FAILED.\n2026-09-18 14:28:00 Shell run failed, exitCode: 1\n"
    )
