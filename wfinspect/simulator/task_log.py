"""The log of one run of a task: what its kind of program writes, as far as it has come. Pure.

A log only grows: what was there at one moment begins what is there at the next.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from wfinspect.regions import zone_of
from wfinspect.simulator.fleet import REGION
from wfinspect.simulator.readings import Reading

_STEPS = 200
"""Lines of progress in a long log; a short one has a line a second."""
_SKEW_EVERY = 50
_RULE = "=" * 65

_ERRORS = {
    False: (
        "FAILED: ODPS-0130071:[1,45] Semantic analysis exception - column bizdt cannot be resolved",
        "Exit with FAILED.",
        "Shell run failed, exitCode: 1",
    ),
    True: (
        "FAILED: ODPS-0123131:User defined function exception - Traceback:",
        "java.lang.OutOfMemoryError: Java heap space",
        "    at com.example.udf.Merge.evaluate(Merge.java:118)",
        "    at java.lang.reflect.Method.invoke(Method.java:498)",
        "instance reached its memory limit, 3 times; it may do better at another attempt",
        "Shell run failed, exitCode: 137",
    ),
}
"""What a failed run ends with, by whether another attempt in the same run makes it good."""

_BULK_SIZE = 32 * 1024 * 1024
_BULK_LINE = (
    "{stamp} INFO M1_job_0 stg0: block ######## part {part:03}: 1048576 records, spilled 0\n"
)
_BULK_PARTS = 350


def log_of(reading: Reading, day: str, now: int) -> str:
    """The log of a run at a moment (milliseconds); "" for one that has not started.

    Args:
        reading: the run.
        day: its business date as yyyymmdd.
        now: milliseconds.
    """
    if reading.started is None or reading.task.type == "VIRTUAL":
        return ""
    return "".join(f"{_stamp(at)} {line}\n" for at, line in _lines(reading, day) if at <= now)


@dataclass(frozen=True, slots=True)
class BulkText:
    """A text too long to be held, made while it is sent."""

    block: bytes
    """Plain ASCII lines, sent again and again."""
    mark: bytes
    """A part of the block that is replaced by its number, of the same length."""
    count: int
    """How many blocks."""
    end: str
    """What follows them."""

    def pieces(self) -> Iterator[bytes]:
        """The blocks as JSON writes them within a string."""
        block = json_escaped(self.block.decode())
        for number in range(self.count):
            yield block.replace(self.mark, b"%0*d" % (len(self.mark), number))

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return len(json_escaped(self.block.decode())) * self.count


def bulk(end: str) -> BulkText:
    """A text of 32 MiB, less some KiB, that ends in another one, whose first stamp it has."""
    stamp = end[: len(_stamp(0))]
    block = "".join(_BULK_LINE.format(stamp=stamp, part=part) for part in range(_BULK_PARTS))
    return BulkText(block.encode(), b"#" * 8, _BULK_SIZE // len(block) - 1, end)


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, zone_of(REGION)):%Y-%m-%d %H:%M:%S}"


def _lines(reading: Reading, day: str) -> Iterator[tuple[int, str]]:
    task, at, ends = reading.task, reading.started or 0, reading.ends
    job = f"{day}{at % 10**9:09}g{task.number:03}"
    yield at, f"INFO {_RULE}"
    yield at, f"INFO Current node: {task.name} ({task.type}), run number {reading.run_number}"
    yield (
        at,
        f"INFO SKYNET_BIZDATE={day} SKYNET_RUNNUMBER={reading.run_number} TASK_PLUGIN={task.type}",
    )
    yield at, f"INFO {_RULE}"
    yield at, f"INFO Job submitted, ID = {job}, quota default"
    yield at, f"WARN partition dt={day} of {task.name}_tmp is deprecated and ignored"
    steps = max(1, min(_STEPS, (ends - at) // 1000))
    for step in range(1, steps):
        done = step * 64 // steps
        mappers, reducers = min(64, done * 2), max(0, done * 2 - 64) // 2
        then = at + (ends - at) * step // steps
        mapped = f"{64 - mappers}/{mappers}/64[{mappers * 100 // 64}%]"
        reduced = f"{32 - reducers}/{reducers}/32[{reducers * 100 // 32}%]"
        yield then, f"INFO M1_job_0: {mapped} R2_1_job_0: {reduced}"
        if step % _SKEW_EVERY == 0:
            yield then, f"WARN data skew in R2_1_job_0, instance {step}"
    if reading.finished is None:
        return
    has_failed = reading.status == "Failure"
    for line in _ERRORS[reading.is_retried] if has_failed else ("OK",):
        yield reading.finished, f"{'ERROR' if has_failed else 'INFO'} {line}"
    word = "ERROR" if has_failed else "FINISH"
    yield reading.finished, f"INFO Current task status: {word}"
    yield reading.finished, f"INFO Cost time is: {(reading.finished - at) / 1000:.3f}s"


def json_escaped(text: str) -> bytes:
    """A text as JSON writes it within a string."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace")
