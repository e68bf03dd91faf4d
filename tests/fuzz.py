"""How often a property is tried: as often as the default run can afford, or as the battery asks."""

from hypothesis import settings

QUICK, BATTERY = "quick", "battery"


def tried(quick: int, long: int, *, steps: int | None = None) -> settings:
    """Settings of a property that deserves more, or less, than the profile's number of examples.

    Args:
        quick: examples in the default run.
        long: examples in the battery.
        steps: of a state machine, at most.
    """
    is_long = settings.get_current_profile_name() == BATTERY
    more = {} if steps is None else {"stateful_step_count": steps}
    return settings(max_examples=long if is_long else quick, **more)
