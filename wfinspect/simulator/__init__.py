"""A loopback DataWorks: a scripted fleet behind the service's own wire format. Imports no client code."""

from wfinspect.simulator.fleet import DEMO_IDS, FROZEN_ID, MANY_TASKS_ID
from wfinspect.simulator.server import Simulator
from wfinspect.simulator.tasks import BIG_LOG_TASK_ID

__all__ = ["BIG_LOG_TASK_ID", "DEMO_IDS", "FROZEN_ID", "MANY_TASKS_ID", "Simulator"]
