"""Run the command line as ``python -m wfinspect``."""

from wfinspect.cli import run

if __name__ == "__main__":
    run()
