"""The watch: polls instances, judges and stores what came, and notifies. Knows no terminal, no HTTP."""
