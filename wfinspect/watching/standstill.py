"""What a face sees of a watch that can't draw for itself: one that crashed, one that hangs. Pure."""

from datetime import datetime, timedelta

from wfinspect.errors import starvation
from wfinspect.watching.snapshot import Contact, Snapshot, Trouble


def interrupted(
    snapshot: Snapshot, error: BaseException, at: datetime, pause_seconds: float
) -> Snapshot:
    """The last snapshot of a watch that an error nobody foresaw holds up for some seconds."""
    retry_at = at + timedelta(seconds=pause_seconds)
    if refused := starvation(error):
        sentence = f"{refused[0].upper()}{refused[1:]}. The watch goes on as soon as it can."
        return _not_live(snapshot, Trouble("too few resources", sentence, retry_at))
    sentence = (
        f"An internal error ({type(error).__name__}) stopped a round of the watch; it is in the "
        "log, and the watch goes on."
    )
    return _not_live(snapshot, Trouble("internal error", sentence, retry_at))


def stuck(snapshot: Snapshot) -> Snapshot:
    """The last snapshot of a watch that nobody renews: nothing of it counts as the present."""
    sentence = (
        "No round of the watch has begun for a while: the disk of the state directory may hang. "
        "It goes on by itself once that answers."
    )
    rows = tuple(row._replace(is_live=False) for row in snapshot.rows)
    displayed = snapshot.displayed and snapshot.displayed._replace(is_live=False)
    old = snapshot._replace(rows=rows, displayed=displayed)
    return _not_live(old, Trouble("watch stuck", sentence, None))


def _not_live(snapshot: Snapshot, trouble: Trouble) -> Snapshot:
    health = snapshot.health._replace(contact=Contact.NOT_LIVE, trouble=trouble)
    return snapshot._replace(health=health)
