"""Short versions of the benchmarks, and the long ones as batteries (``pytest -m battery``)."""

import subprocess
import sys
from pathlib import Path

import pytest
from day import share, spend_a_day
from soak import SCENARIOS, soak

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.mark.parametrize("name", ["clean", "all together"])
async def test_every_end_that_stays_visible_is_told_once(name: str, tmp_path: Path) -> None:
    scenario = next(each for each in SCENARIOS if each.name == name)
    outcome = await soak(scenario, 400.0, tmp_path / "state", seed=7)
    assert outcome.visible > 20
    assert (outcome.missed, outcome.doubled, outcome.backward, outcome.invented) == (0, 0, 0, 0)


def test_a_small_budget_is_kept_for_a_day_and_the_count_is_true() -> None:
    counted, shown = spend_a_day(40, members=3)
    assert 30 <= counted <= 40
    assert shown == counted


def test_two_panes_with_a_slow_service_cost_the_calls_of_one() -> None:
    alone, _ = share(1, 600.0)
    both, shown = share(2, 600.0)
    assert both <= 1.1 * alone
    assert shown == [both, both]


def held(name: str, *arguments: str) -> str:
    """What is wrong with the figures of a benchmark, "" if all are held."""
    script = [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments]
    done = subprocess.run(script, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_nothing_acknowledged_is_lost_to_kill_9() -> None:
    assert held("kills", "12") == ""


@pytest.mark.battery
@pytest.mark.parametrize("name", ["round", "day", "soak", "faults", "kills"])
def test_a_benchmark_holds_its_figures(name: str) -> None:
    assert held(name) == ""
