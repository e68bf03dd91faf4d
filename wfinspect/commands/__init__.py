"""One module a command: reads its arguments, composes the parts, prints, gives the exit code."""
