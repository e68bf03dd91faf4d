"""The console script, and ``python -m wfinspect``."""

import io
import os
import sys

from wfinspect import __version__


def run() -> None:
    """Run the command line of this process and exit with its code."""
    # Scripts ask for the version often; the settings and parsers would cost more than the answer.
    if sys.argv[1:] == ["--version"]:
        print(f"wfinspect {__version__}")
        sys.exit(0)
    from wfinspect.cli import main
    from wfinspect.commands.log import log_deaths

    log_deaths()

    # A name in another script must not end a watch where the locale can't write it.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

    code = main(sys.argv[1:], os.environ)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        # Nobody reads any more; the interpreter would complain of it when it ends.
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
