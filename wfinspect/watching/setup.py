"""All that a watch depends on, in one value."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wfinspect.clock import Clock
from wfinspect.instance import Binding, InstanceKey
from wfinspect.notify import Notify, Rule
from wfinspect.watching.messenger import Messenger
from wfinspect.watching.source import Connect


class Setup(NamedTuple):
    """What a watch is made of."""

    state_dir: Path
    """Where the store lies; made with mode 0700."""
    connect: Connect
    """Opens a source for a binding, called on the poller's thread."""
    clock: Clock
    binding: Binding
    """The one that new IDs get."""
    interval_seconds: float
    """How often active instances are read."""
    budget: int
    """Calls a day."""
    rng: random.Random
    """For jitter."""
    only: Sequence[InstanceKey] | None = None
    """Follow these and nothing else, and leave the stored list as it is."""
    rule: Rule = Rule.FAILURE
    """Which changes are worth an alert."""
    lost_after_seconds: float = Notify().lost_after
    """Without contact for so long, that is worth an alert, too."""
    messenger: Messenger | None = None
    """Is told of alerts, too."""
