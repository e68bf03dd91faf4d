"""How often a property is tried: as often as the default run can afford, or as the battery asks."""

from hypothesis import Phase, settings

QUICK, BATTERY = "quick", "battery"


def tried(quick: int, long: int, *, steps: int | None = None) -> settings:
    """Settings of a property that deserves more, or less, than the profile's number of examples.

    Args:
        quick: examples in the default run.
        long: examples in the battery.
        steps: of a state machine, at most; its failures are not made simpler, which takes minutes.
    """
    is_long = settings.get_current_profile_name() == BATTERY
    examples = long if is_long else quick
    if steps is None:
        return settings(max_examples=examples)
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=examples, stateful_step_count=steps, phases=phases)
