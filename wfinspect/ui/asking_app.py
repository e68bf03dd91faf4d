"""The views that answer the next question: tasks, a log, raw JSON, find, compare. Composes them, no more.

A view is imported when it is asked for: the first paint does not wait for what few starts need.
"""

from math import inf
from typing import TYPE_CHECKING

from wfinspect.instance import InstanceKey
from wfinspect.ui.picking_app import PickingApp
from wfinspect.watching.snapshot import Row

if TYPE_CHECKING:
    from wfinspect.ui.screens.view import Desk, View


class AskingApp(PickingApp):
    """Lays a view over the main screen, about what is on display or under the cursor."""

    _key_at = -inf

    def key_came(self) -> None:
        """Views go on reading while somebody is there."""
        self._key_at = self._clock.monotonic()

    @property
    def desk(self) -> "Desk":
        """What views work with."""
        from wfinspect.ui.screens.view import Desk

        return Desk(
            self.main.control,
            self._clock,
            self.main.look,
            self.copy,
            self.exports.save,
            self.tell,
            lambda: self._key_at,
        )

    def _lay_over(self, view: "View") -> None:
        if self.has_main_screen:
            self.push_screen(view)

    def _subject(self) -> Row | None:
        shown = self.main.displayed
        return shown if shown is not None and not shown.is_watched else self.main.needed()

    def action_tasks(self) -> None:
        """The tasks of an instance."""
        from wfinspect.ui.screens.tasks import TasksScreen

        if (row := self._subject()) is not None:
            self._lay_over(TasksScreen(self.desk, row.key))

    def action_task_log(self) -> None:
        """The log of the task that needs somebody most."""
        from wfinspect.ui.screens.tasks import TasksScreen

        if (row := self._subject()) is not None:
            self._lay_over(TasksScreen(self.desk, row.key, opens_log=True))

    def action_raw(self) -> None:
        """The service's own JSON of an instance, as it was read last."""
        from wfinspect.ui import json_text
        from wfinspect.ui.screens.text import TextScreen
        from wfinspect.ui.screens.view import Title

        row = self._subject()
        if row is None:
            return
        if row.instance is None or not row.instance.raw:
            self.tell("It has not been read yet.")
            return
        title = Title((), row.instance.name, str(row.key.id), "the service's JSON")
        text = json_text.indented(row.instance.raw)
        file = f"wfinspect-{row.key.id}"
        self._lay_over(TextScreen(self.desk, title, text, file=file, ending="json"))

    def action_compare(self) -> None:
        """What is on display beside the row under the cursor; one alone beside its last success."""
        from wfinspect.ui.screens.compare import CompareScreen

        if (row := self._subject()) is None:
            return
        shown = self.main.displayed
        other = row.key if shown is not None and row.key != shown.key else None
        self._lay_over(CompareScreen(self.desk, shown.key if shown else row.key, other))

    def action_find(self) -> None:
        """Find instances, at first around the one on display or under the cursor, in its account."""
        from wfinspect.ui.screens.find import FindScreen

        row = self.main.target
        if self.has_main_screen:
            where = row.key.binding if row else self.main.control.binding
            view = FindScreen(self.desk, where, row.instance if row else None)
            self.push_screen(view, self._open_found)

    def _open_found(self, key: InstanceKey | None) -> None:
        if key is not None:
            self.main.open(key, take_keys=False)
