"""Inspect and watch DataWorks workflow instances from a terminal."""

__version__ = "0.1.0"
