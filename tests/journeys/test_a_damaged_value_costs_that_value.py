import sqlite3
from contextlib import closing

from journey import Home

from wfinspect.simulator import Simulator

DATABASE = ".local/state/wfinspect/watch.sqlite3"
DAMAGES = (
    "UPDATE watched SET read_at = 9223372036854775807 WHERE id = ?",
    "UPDATE watched SET added_at = -9223372036854775808 WHERE id = ?",
    "UPDATE watched SET added_at = 'yesterday' WHERE id = ?",
    "UPDATE watched SET position = 'first' WHERE id = ?",
    "UPDATE watched SET last_change = CAST(x'ff00' AS TEXT) WHERE id = ?",
    "UPDATE watched SET is_gone = 'no' WHERE id = ?",
    """UPDATE readings SET doc = '{"id": 1, "status": 7}' WHERE id = ?""",
)


def test_damaged_values_hide_neither_list_nor_row_and_are_said_once(
    home: Home, simulator: Simulator
) -> None:
    home.hurry()
    ids = simulator.ids[: len(DAMAGES) + 1]
    for number in ids:
        simulator.set_status(number, "Running")
    added = home.run("watch", *ids, "--until", "any:failure", "--timeout", 1)
    assert added.returncode == 124
    with home.start(*ids, size=(160, 40)) as app:
        app.wait_for(rf"▸ {len(ids)} ")
        app.quit()
    with closing(sqlite3.connect(home.path / DATABASE)) as raw:
        for damage, number in zip(DAMAGES, ids, strict=False):
            raw.execute(damage, (number,))
        raw.commit()

    short = home.run("status", "--short")
    assert (short.returncode, short.stdout) == (3, f"?2 >{len(ids) - 2}\n")
    assert short.stderr.count("damaged") == 1
    assert f"left out: the time of a reading ({ids[0]})" in short.stderr

    with home.start(size=(160, 40)) as app:
        app.wait_for("The stored list is damaged")
        app.wait_for(rf"▸ {len(ids)} ")
        text = app.text()
        assert all(str(number) in text for number in ids)
        app.quit()
    assert home.run("status", "--short").stdout == f">{len(ids)}\n"
