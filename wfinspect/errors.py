"""Everything that can go wrong, as one tree. Knows no HTTP and no terminal.

WfInspectError
    UsageError               an argument or an ID that can't be used
    ConfigError              config.toml, an option, a profile or a region
    StoreError               the state directory can't be read or written
    ServiceError             an answer, or the lack of one
        CredentialsMissing   no key found
        Refused              key, token, signature or permission
            ClockSkew        refused because this machine's clock is off
        NotFound             no such instance
        Throttled            too many calls for the moment
            DailyLimit       the calls of a day or of a quota are used up
        Unreachable          no answer: name, route, connection, TLS, time
        ServiceTrouble       the service says that it is at fault
        BadAnswer            an answer that can't be understood
        BadRequest           the service understood, and will never accept this call

The text of an error is one sentence for the user: what happened, why, what to do. That of a
ServiceError, which may quote the service, never holds a secret that this process has used.
"""

import errno
import os
import resource
from collections.abc import Iterable

from wfinspect.redaction import without_secrets

ABOUT_KEYS = ("InvalidAccessKeyId", "InvalidSecurityToken", "SecurityToken", "SignatureDoesNot")
"""How the service's codes begin that refuse a key: one from the same source may be better by now."""


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the part of a sentence that names what comes near an unknown word; `otherwise` if nothing does."""
    near = nearest(word, known)
    return f"did you mean {' or '.join(near)}?" if near else otherwise


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return what comes near an unknown word, two at most."""
    import difflib  # noqa: PLC0415 - only for those who mistype

    by_folded = {each.casefold().removeprefix("--").removeprefix("-o "): each for each in known}
    typed = word.removeprefix("--")
    wanted = typed.casefold()
    others = ((each, _CALLED_ELSEWHERE.get(each.rpartition(":")[2], "")) for each in by_folded)
    found = [each for each, words in others if typed in words.split()]
    # The name of an action of a command, or of a part of a field.
    found = found or [each for each in by_folded if each.endswith((f"list {wanted}", f".{wanted}"))]
    found = found or [each for each in by_folded if wanted and each.startswith(wanted)]
    found = found or [
        each for each in by_folded if len(wanted) > len("get") and each.endswith(wanted)
    ]
    found = found or difflib.get_close_matches(wanted, by_folded, n=2, cutoff=_NEAR)
    # Of three letters one edit changes a third.
    short = [each for each in by_folded if len(each) == len(wanted) == len("get")]
    found = found or difflib.get_close_matches(wanted, short, n=2, cutoff=0.66)
    return [by_folded[each] for each in found[:2]]


_NEAR = 0.73
"""Of 1: below that `foo` is near to `follow`, and `file` to `profile`."""

# Of commands, options, their values and the pages of help alike: what is offered is what can be given there.
_CALLED_ELSEWHERE = {
    "bizdate": "since day business-date -d",
    "compare": "diff cmp",
    "completion": "autocomplete bash zsh fish",
    "config": "settings options environment env toml",
    "costs": "budget quota calls limits throttling",
    "credentials": "login auth keys ram policy permissions profile profiles token",
    "doctor": "check diagnose test ping login auth troubleshooting proxy tls",
    "done": "done finished",
    "exit-codes": "codes return-codes",
    "failure": "failure failed fail",
    "field": "query fields columns column select jsonpath template go-template custom-columns jq -q "
    "quiet name id ids ids-only no-header no-headers",
    "find": "search query",
    "follow remove": "unfollow",
    "follow": "subscribe watch stream -f",
    "get": "show describe inspect view print",
    "grep": "search filter match pattern regex",
    "history": "events changes audit",
    "info": "config configure settings env paths",
    "list remove": "rm delete clear unwatch",
    "interval": "every period refresh -i",
    "json": "-j yaml yml",
    "list": "ls",
    "log-level": "verbose debug",
    "markdown": "md",
    "name": "-n",
    "notify": "notification notifications bell alerts exec hook on-failure",
    "out": "file output-file",
    "output": "format output-format -F",
    "profile": "account context -p",
    "remove": "rm delete del clear stop end unwatch unfollow",
    "run": "attempt previous retry run-number",
    "scripts": "prometheus json csv cron fields",
    "search": "filter filters find dates",
    "ssh": "tmux locale colour color terminal",
    "status": "state ps",
    "success": "success succeeded",
    "table": "wide text plain",
    "tag": "label labels selector -l",
    "tail": "lines limit last head since -n -t",
    "time-zone": "tz utc",
    "upstream": "why parents dependencies deps",
    "version": "-V -v",
    "watch": "wait",
    "workflowparameters": "parameters params",
    "wfinspect list import": "file from-file ids",
    "wfinspect watch": "watch wait -w",
}


def none_of(text: str, words: Iterable[str], hint: str = "") -> str:
    """Return the sentence on a text that is none of the words that may be given; it ends with a hint."""
    known = tuple(words)
    hint = hint or did_you_mean(text, known, "")
    return f"{text[:40]!r} is none of {', '.join(known)}{f': {hint}' if hint else '.'}"


def starvation(error: BaseException) -> str:
    """Return what the system has refused the program, and what to raise; "" if the error says nothing of it.

    Python says so in several ways: of memory and threads in four, of files in two.
    """
    text = str(error)
    number = error.errno if isinstance(error, OSError) else None
    if (
        isinstance(error, MemoryError)
        or number == errno.ENOMEM
        or "can't start new thread" in text
        or "failed to map segment" in text
    ):
        return (
            "the system gave the program no more memory or threads; raise what limits it: "
            "`ulimit -v`, `ulimit -u` or the container's limit"
        )
    if number == errno.ENFILE:
        return "the system has too many files open; end the program that holds them"
    if number == errno.EMFILE or os.strerror(errno.EMFILE) in text:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f"the system lets the program open {limit} files at once, counting those it was started "
            "with, which is too few; raise the limit, e.g. `ulimit -n 256`"
        )
    return ""


class WfInspectError(Exception):
    """The root: its text is a sentence for the user, its exit_code is the command line's."""

    exit_code = 70


class UsageError(WfInspectError):
    """An argument that can't be used."""

    exit_code = 2


class NotAnId(UsageError):
    """A word where an instance's ID is wanted; `beside` says what else it is not."""

    def __init__(self, name: str, beside: str = "") -> None:
        self.name = name
        digits = "use digits only, e.g. 10432987165."
        super().__init__(f"{name!r} is not an instance ID{beside}: {digits}")


class ConfigError(WfInspectError):
    """A setting, profile or region that can't be used."""

    exit_code = 2


class StoreError(WfInspectError):
    """The state directory or its database can't be used."""


class ServiceError(WfInspectError):
    """A call to the service that gave nothing usable.

    Attributes:
        code: the service's own ``Code``, or "" where there was no such answer.
        request_id: the service's RequestId, "" where there was none.
        cause: two or three words for a status line, e.g. ``Throttling.User`` or ``unreachable``.
        retry_after_seconds: how long the service says to wait, None where it does not say.
    """

    exit_code = 3
    default_cause = "service trouble"

    def __init__(
        self,
        sentence: str,
        *,
        cause: str = "",
        code: str = "",
        request_id: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        # Services, gateways and proxies quote what they were sent.
        sentence, code, request_id, cause = map(
            without_secrets, (sentence, code, request_id, cause)
        )
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.request_id = request_id
        self.cause = cause or code or self.default_cause
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        if not self.request_id:
            return self.sentence
        return f"{self.sentence} (RequestId {self.request_id})"


class CredentialsMissing(ServiceError):
    """No credentials were found anywhere."""

    exit_code = 4
    default_cause = "no credentials"


class Refused(ServiceError):
    """The service refuses the key, the signature, or what the account wants to do."""

    exit_code = 4
    default_cause = "refused"


class ClockSkew(Refused):
    """The service refuses the signature's date."""

    default_cause = "clock is off"


class NotFound(ServiceError):
    """The service answers, and has no such instance."""

    exit_code = 5
    default_cause = "not found"


class Throttled(ServiceError):
    """Too many calls for the moment."""

    default_cause = "throttled"


class DailyLimit(Throttled):
    """The calls of a day or of a quota are used up: there are none before midnight in the region's zone."""

    default_cause = "daily limit"


class Unreachable(ServiceError):
    """No answer came.

    Attributes:
        is_permanent: trying again helps nothing (a certificate that does not verify).
        exit_code: 4 where a proxy on the way wants other credentials.
    """

    default_cause = "unreachable"

    def __init__(
        self, sentence: str, *, cause: str = "", is_permanent: bool = False, exit_code: int = 3
    ) -> None:
        super().__init__(sentence, cause=cause)
        self.is_permanent = is_permanent
        self.exit_code = exit_code


class ServiceTrouble(ServiceError):
    """The service answered that it is in trouble itself."""


class BadAnswer(ServiceError):
    """An answer came, and it is not what the service documents. It never changes what is known."""

    default_cause = "bad answer"


class BadRequest(ServiceError):
    """The service will never accept this call: a wrong parameter, workspace, action or endpoint."""

    exit_code = 2
    default_cause = "bad request"
