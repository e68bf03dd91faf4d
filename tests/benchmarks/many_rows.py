"""The app over 10,000 rows, for the latency of keys, the time to fill the list, and what a change sends.

``many_rows.py RESULT ORDERS ROWS``: RESULT is a file for the seconds it took to fill the list, ORDERS
a descriptor of which each line is the number of a row that is to be Checking, 0 for none.
"""

import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from wfinspect.terminal import prepare_environment

prepare_environment(os.environ)

from fake_control import FakeControl
from fakes import FakeClock, instance, key
from values import replace

from wfinspect.settings import load_settings
from wfinspect.ui.app import WfInspectApp
from wfinspect.ui.terminal import run_app
from wfinspect.watching.api import Contact, Health, Row, Snapshot


def main() -> int:
    clock = FakeClock()
    statuses = ("Running", "Success", "WaitTime", "NotRun")
    rows = tuple(
        Row(
            key(number),
            instance(number, statuses[number % 4]),
            read_at=clock.now(),
            is_watched=True,
            is_live=True,
        )
        for number in range(1, int(sys.argv[3]) + 1)
    )
    full = Snapshot(rows=rows, health=Health(contact=Contact.LIVE))
    control = FakeControl(replace(full, rows=rows[:5]))
    filled: list[float] = []

    def fill() -> None:
        begun = time.perf_counter()
        control.publish(full)
        app.call_after_refresh(lambda: filled.append(time.perf_counter() - begun))
        threading.Thread(target=obey, daemon=True).start()

    def obey() -> None:
        with os.fdopen(int(sys.argv[2])) as orders:
            for order in orders:
                number = int(order)
                changed = instance(number, "Checking")
                control.publish(
                    replace(
                        full,
                        rows=tuple(
                            replace(row, instance=changed if row.key.id == number else row.instance)
                            for row in rows
                        ),
                    )
                )

    settings = load_settings({"theme": "dark", "time_zone": "UTC"}, os.environ)
    app = WfInspectApp(control, clock=clock, settings=settings, on_ready=fill)
    code = run_app(app, mouse=False, crash_directory=Path(sys.argv[1]).parent)
    Path(sys.argv[1]).write_text(f"{filled[0] if filled else -1}", encoding="ascii")
    return code


if __name__ == "__main__":
    sys.exit(main())
