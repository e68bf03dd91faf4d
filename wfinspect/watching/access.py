"""Whether there is a way in: the source opened ahead of need, and other keys for who was refused."""

from math import inf

from wfinspect.errors import CredentialsMissing, Refused, ServiceError
from wfinspect.instance import Binding
from wfinspect.watching.calls import Answer, Calls
from wfinspect.watching.limits import Limits
from wfinspect.watching.schedule import Batch


class Access:
    """Knows of each binding what its calls need before they can be made."""

    def __init__(self, binding: Binding, calls: Calls, limits: Limits) -> None:
        """Take the binding that new IDs get, whose source is opened at once."""
        self._binding = binding
        self._calls = calls
        self._limits = limits
        self._is_open = self._is_opening = False
        self._failure: ServiceError | None = None
        """Why opening failed the last time."""
        self._fingerprints: dict[Binding, tuple[int, str]] = {}
        """Of whoever is refused: how often in a row, and what names the credentials since then."""

    def open(self, now: float) -> None:
        """Open the source ahead of need: a first look-up is quicker, missing keys are said at once."""
        if self.next_at() <= now:
            self._is_opening = True
            self._calls.send(Batch(self._binding, ()))

    def next_at(self) -> float:
        """When `open` has something to do."""
        if self._is_open or self._is_opening:
            return inf
        return self._limits.account_gate(self._binding).opens_at

    def opened(self, answer: Answer) -> None:
        """Take in what came of opening."""
        self._is_opening = False
        gate = self._limits.account_gate(answer.batch.binding)
        if isinstance(answer.outcome, ServiceError):
            # Nobody was asked, so that it says nothing of the endpoint.
            self._failure = answer.outcome
            gate.failed(answer.outcome, answer.now, day_ends_at=inf)
            return
        self._is_open = True
        if isinstance(gate.error, CredentialsMissing) or gate.error is self._failure:
            gate.succeeded()

    def heed_credentials(self, binding: Binding, now: float) -> None:
        """Notice that whoever is refused has other credentials by now."""
        gate = self._limits.account_gate(binding)
        if not isinstance(gate.error, (Refused, CredentialsMissing)):
            self._fingerprints.pop(binding, None)
            return
        seen = self._calls.fingerprint(binding)
        failures, known = self._fingerprints.get(binding, (0, ""))
        self._fingerprints[binding] = gate.failures, seen
        # A call renews keys itself, in the file as well: when it is refused, those are no news.
        if failures == gate.failures and known != seen:
            self._limits.source_changed(binding, now)
