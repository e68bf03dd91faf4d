"""Inspect and watch DataWorks workflow instances from a terminal."""
