"""A loopback DataWorks: a scripted fleet behind the service's own wire format. Imports no client code."""

from wfinspect.simulator.catalogue import DEMO_IDS
from wfinspect.simulator.server import Simulator

__all__ = ["DEMO_IDS", "Simulator"]
