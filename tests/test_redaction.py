import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.redaction import _secrets, redacted, remember_secrets, without_keys, without_secrets


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    yield
    _secrets.clear()


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=60),
    st.binary(max_size=5),
    st.binary(max_size=5),
)
def test_a_secret_is_found_within_the_base64_of_anything(
    secret: str, before: bytes, after: bytes
) -> None:
    remember_secrets(secret)
    packed = base64.b64encode(before + secret.encode() + after).decode()

    hidden = without_secrets(f"<{packed}>")

    assert "***" in hidden
    # What is left is what stands around it.
    assert len(hidden) - len("<***>") <= 4 * ((len(before) + len(after)) // 3 + 3)


@pytest.mark.parametrize(
    "text",
    [
        "10432987165",
        "5D7A1C9E-0B2F-4A3C-9D8E-1F2A3B4C5D6E",
        "/usr/lib/python3.11/site-packages/textual/widgets/_static.py",
        "dwd_sales_order_detail_daily_20260918",
        "dataworks.cn-shanghai.aliyuncs.com",
    ],
)
def test_what_helps_to_find_the_fault_stays(text: str) -> None:
    assert redacted(f"about {text} now") == f"about {text} now"


@given(st.from_regex(r"[A-Za-z0-9]{30}", fullmatch=True))
def test_a_key_as_the_service_makes_them_is_hidden(secret: str) -> None:
    mixes = (
        any(map(str.islower, secret)),
        any(map(str.isupper, secret)),
        any(map(str.isdigit, secret)),
    )

    assert (secret in redacted(f"bad key {secret}.")) is not all(mixes)


def test_a_token_that_holds_what_looks_like_a_key_is_hidden_whole() -> None:
    token = "Xy1/aB3dE5gH7jK9mN1pQ3sT5vW7/zZ2"

    assert redacted(f"token {token}.") == "token ***"
    assert without_keys(f"token {token}.") == "token Xy1/***/zZ2."
