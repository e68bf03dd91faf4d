"""``wfinspect simulate``: only the simulated service."""

import argparse
import shlex
import threading
from collections.abc import Mapping

from wfinspect.clock import SystemClock
from wfinspect.errors import UsageError
from wfinspect.settings import Settings
from wfinspect.signals import ended_by_signals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="port on 127.0.0.1 (default: a free one)"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="how many times faster than real ones its instances run (default: 1)",
    )


def run(args: argparse.Namespace, _settings: Settings, _environ: Mapping[str, str]) -> int:
    """Serve until interrupted."""
    from wfinspect.simulator import DEMO_IDS, Simulator

    if not 0 <= args.port < 1 << 16:
        raise UsageError(f"--port: {args.port} is not a port: use 0 to 65535.")
    if not 0 < args.speed <= 1000:  # noqa: PLR2004 - the limit is in the sentence
        raise UsageError(f"--speed: {args.speed:g} can't be used: use a number up to 1000.")
    clock = SystemClock()
    try:
        simulator = Simulator(clock=clock, speed=args.speed, port=args.port)
        simulator.start()
    except OSError as error:
        raise UsageError(
            f"--port: {args.port} can't be listened on ({error.strerror or error}): "
            "leave it out for a free one."
        ) from None
    with ended_by_signals():
        try:
            print(f"# A simulated DataWorks serves at {simulator.url} until interrupted.")
            for name, value in simulator.environment().items():
                print(f"export {name}={shlex.quote(value)}")
            print(f"# Try: wfinspect get {DEMO_IDS[0]}", flush=True)
            threading.Event().wait()
        finally:
            simulator.stop()
    return 0
