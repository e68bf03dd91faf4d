"""What the command palette offers: every command by name, then the themes."""

from collections.abc import Mapping, Sequence

from wfinspect.ui.choice import Choice
from wfinspect.ui.keys import COMMANDS
from wfinspect.ui.lines import Role


def choices(keymap: Mapping[str, str], themes: Sequence[str]) -> tuple[Choice, ...]:
    """All commands, a trial of the notifications, then the themes; their values are actions."""
    entries = [(c.text, keymap.get(c.id, c.shown), c.action, c.id) for c in COMMANDS]
    entries.append(("try the notifications", "", "app.try_alert", "bell alert trial"))
    entries += [(f"theme {t}", "", f"app.use_theme({t!r})", "colours") for t in themes]
    return tuple(
        Choice(action, ((f" {text}", Role.TEXT),), ((f"{key} ", Role.ACCENT),), f"{text} {also}")
        for text, key, action, also in entries
    )
