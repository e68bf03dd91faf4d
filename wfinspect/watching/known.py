"""What is known of one instance beyond its reading: how far its tasks are, and what is usual."""

from datetime import date, datetime
from math import inf
from typing import TYPE_CHECKING

from wfinspect.instance import Family, WorkflowInstance
from wfinspect.watching.snapshot import Outlook

if TYPE_CHECKING:  # what is only named here need not be loaded before the first paint
    from collections.abc import Sequence

    from wfinspect.task import Progress, TaskInstance
    from wfinspect.typical import Lateness, Run

FOREMOST = 6
"""So many tasks are kept; of the others, that they are there."""


class Known:
    """Kept with an entry; times are steady seconds."""

    progress: "Progress | None" = None
    foremost: "tuple[TaskInstance, ...]" = ()
    """The tasks that need somebody first."""
    progress_until = -inf
    """Until when both count as the present."""
    tasks_at = -inf
    """From when its tasks are worth a call."""
    examined_on: date | None = None
    """When it was last looked up what the store holds of its workflow."""
    is_complete = False
    """Nothing more of its workflow is to be asked for on that day."""
    lateness: "Lateness | None" = None
    is_late = False
    """Its latest reading says so."""

    def __init__(self, of: WorkflowInstance) -> None:
        """Know nothing but a reading."""
        self.of = of
        self._runs: Sequence[Run] = ()

    def follow(self, instance: WorkflowInstance, read_at: datetime) -> None:
        """Come in line with a reading."""
        before = self.of
        if before is not instance:
            self.of = instance
            if before.workflow_id != instance.workflow_id:
                self.examined_on, self._runs, self.is_complete = None, (), False
            odd = {name for each in (before, instance) for name, _ in each.unreadable}
            if before.started_time != instance.started_time and "started_time" not in odd:
                self.progress, self.foremost = None, ()  # those of another run
            if before.status != instance.status or self.progress is None:
                self.progress_until = self.tasks_at = -inf
            self._judge()
        # A reading taken before it was late says nothing: the run may have ended in time.
        lateness, is_active = self.lateness, instance.family is Family.ACTIVE
        self.is_late = is_active and lateness is not None and lateness.is_late(read_at)

    def take_runs(self, runs: "Sequence[Run]", day: date, *, is_complete: bool) -> None:
        """Learn of earlier runs of its workflow."""
        self._runs, self.examined_on, self.is_complete = runs, day, is_complete
        self._judge()

    def take_tasks(self, tasks: "Sequence[TaskInstance]", until: float) -> None:
        """Learn how far it is, which counts as the present until then."""
        from wfinspect.task import by_attention, progress  # noqa: PLC0415

        self.progress, self.progress_until = progress(tasks), until
        self.foremost = tuple(by_attention(tasks)[:FOREMOST])

    @property
    def frozen(self) -> "tuple[str, ...]":
        """Names of its tasks that are frozen, of those that are kept."""
        return tuple(t.task_name or str(t.id) for t in self.foremost if t.is_frozen)

    def outlook(self, now: float, *, is_live: bool) -> Outlook | None:
        """The same as a face sees it; `is_live` is of the reading."""
        if self.progress is None and self.lateness is None:
            return None
        is_present = is_live and now < self.progress_until
        is_late = is_live and self.is_late
        return Outlook(self.progress, is_present, self.lateness, is_late, self.foremost)

    def _judge(self) -> None:
        from wfinspect.typical import compare  # noqa: PLC0415

        lateness = compare(self.of, self._runs) if self.of.workflow_id else None
        # That there are too few is said once there are no more.
        is_said = lateness is not None and (self.is_complete or lateness.usual is not None)
        self.lateness = lateness if is_said else None
