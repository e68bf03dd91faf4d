"""Desktop notifications through the terminal. Knows sequences; imports nothing of Textual."""

from wfinspect.format import shown

_MAX_TEXT = 300


def announcement(kind: str, text: str, *, through_tmux: bool) -> str:
    """The sequence that has a terminal notify its desktop; "" for the kind ``off``.

    Args:
        kind: one of `notify.OSC_KINDS`.
        text: one line; what could act on a terminal is made visible.
        through_tmux: wrap it for tmux, whose allow-passthrough has to be on.
    """
    if kind == "off":
        return ""
    # Terminals take an OSC 9 that begins with a digit for another command of ConEmu's.
    safe = f"wfinspect: {shown(text, limit=_MAX_TEXT)}".replace(";", ",")
    body = f"777;notify;wfinspect;{safe}" if kind == "777" else f"9;{safe}"
    sequence = f"\x1b]{body}\x1b\\"
    if not through_tmux:
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
