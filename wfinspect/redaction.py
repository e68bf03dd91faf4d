"""Hide secrets in what the program writes.

`without_secrets` hides those that this process has used; `without_keys`, for sentences that quote what users typed,
also what looks like a key; `redacted`, for logs and crash reports, also long words that may be a token.
"""

import re
from collections import deque
from functools import lru_cache

_HIDDEN = "***"
_LEAST_SECRET = 8
# The newest, since tokens are renewed every hour for as long as the app runs.
_secrets: deque[str] = deque(maxlen=50)


def remember_secrets(*texts: str) -> None:
    """Keep secrets that are used, for `without_secrets` to hide, but for those so short that words hold them."""
    for text in texts:
        if len(text) >= _LEAST_SECRET and text not in _secrets:
            _secrets.append(text)


def without_secrets(text: str) -> str:
    """Hide every secret in use, be it plain, in a URL or in JSON, or within base64.

    To be used before a text is shortened: a part of a secret is not recognised.
    """
    # A copy in one step, since another thread may add to it.
    for secret in tuple(_secrets):
        text = _quoting(secret).sub(_HIDDEN, text)
    return text


_KEY = (
    r"(?<![A-Za-z0-9])(?:"
    r"(?:LTAI|STS\.)[A-Za-z0-9]{8,}"  # the ID of a key
    r"|CAIS[A-Za-z0-9+/=]{16,}"  # a token
    # A secret: a long word of both cases and digits.
    r"|(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{20,}"
    r")"
)


def without_keys(text: str) -> str:
    """Hide what looks like a key as well: users type one in the wrong place, and pass logs on."""
    return re.sub(_KEY, _HIDDEN, without_secrets(text))


_LONG_WORD = r"(?a)[\w+/=.%-]{20,}"


def redacted(text: str) -> str:
    """Hide long words that mix both cases and digits as well, though some are paths or names."""
    # Before keys are looked for: a token that holds one would be cut into short words.
    text = re.sub(_LONG_WORD, _hide_token, without_secrets(text))
    return re.sub(_KEY, _HIDDEN, text)


def _hide_token(match: re.Match[str]) -> str:
    word = match.group()
    kinds = (str.isupper, str.islower, str.isdigit)
    return _HIDDEN if all(any(map(is_kind, word)) for is_kind in kinds) else word


@lru_cache(50)
def _quoting(secret: str) -> re.Pattern[str]:
    """Return what matches a secret in each of its forms."""
    import base64  # noqa: PLC0415 - few errors are shown, and most commands show none

    forms = [secret]
    for before in range(3):
        # The characters of base64 that depend on the secret alone, by where its first byte falls.
        packed = base64.b64encode(bytes(before) + secret.encode()).decode()
        forms.append(packed[-(-before * 4 // 3) : (before + len(secret.encode())) * 4 // 3])
    return re.compile("|".join("".join(map(_quoted_character, form)) for form in forms))


@lru_cache
def _quoted_character(char: str) -> str:
    """Return a pattern for a character, as it is or percent-encoded any number of times."""
    if char.isalnum():
        return char
    # Base64 for URLs writes - and _; a form decoded twice has a blank for +; JSON may escape a slash.
    alike = {"+": "+- ", "/": "/_"}.get(char, char)
    codes = "|".join(f"%(?:25)*{ord(each):02x}" for each in alike if each != " ")
    return rf"\\?(?:[{re.escape(alike)}]|(?i:{codes}))"
