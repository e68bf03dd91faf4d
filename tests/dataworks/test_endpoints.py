import pytest
from fuzz import tried
from hypothesis import given
from hypothesis import strategies as st

from wfinspect.dataworks.endpoints import base_url, endpoint_of, is_loopback
from wfinspect.errors import ConfigError
from wfinspect.model import REGIONS


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_a_public_host(region: str) -> None:
    host = endpoint_of(region, "public")

    assert host in {f"dataworks.{region}.aliyuncs.com", "dataworks.aliyuncs.com"}


@pytest.mark.parametrize(
    ("region", "choice", "host"),
    [
        ("cn-shanghai", "public", "dataworks.cn-shanghai.aliyuncs.com"),
        ("cn-shanghai", "vpc", "dataworks-vpc.cn-shanghai.aliyuncs.com"),
        ("eu-central-1", "VPC", "dataworks-vpc.eu-central-1.aliyuncs.com"),
        ("cn-qingdao", "public", "dataworks.aliyuncs.com"),
        ("cn-huhehaote", "public", "dataworks.aliyuncs.com"),
        ("cn-hangzhou-finance", " public ", "dataworks.aliyuncs.com"),
    ],
)
def test_a_choice_gives_the_regions_host(region: str, choice: str, host: str) -> None:
    assert endpoint_of(region, choice) == host


def test_a_region_without_a_vpc_host_says_so() -> None:
    with pytest.raises(ConfigError, match="cn-qingdao has no VPC endpoint: use --endpoint public"):
        endpoint_of("cn-qingdao", "vpc")


@pytest.mark.parametrize("region", ["cn-shangai", "cn_shanghai"])
def test_an_unknown_region_names_near_ones_and_how_to_set_it(region: str) -> None:
    with pytest.raises(ConfigError, match=r"did you mean .*cn-shanghai.*--region"):
        endpoint_of(region, "public")


def test_a_region_like_no_other_is_told_how_to_go_on() -> None:
    with pytest.raises(ConfigError, match=r"cn-shanghai is one.*--endpoint"):
        endpoint_of("moon", "vpc")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://dataworks.cn-shanghai.aliyuncs.com", "dataworks.cn-shanghai.aliyuncs.com"),
        ("https://DataWorks.Corp.Example/", "dataworks.corp.example"),
        ("https://gateway.corp.example:8443", "gateway.corp.example:8443"),
        ("https://gateway.corp.example:443", "gateway.corp.example"),
        ("https://10.0.0.8", "10.0.0.8"),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ("dataworks-vpc.cn-beijing.aliyuncs.com", "dataworks-vpc.cn-beijing.aliyuncs.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1/", "http://127.0.0.1"),
        ("http://127.9.9.9:80", "http://127.9.9.9"),
        ("HTTP://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_a_url_is_taken_as_it_is_meant_whatever_the_region(url: str, endpoint: str) -> None:
    assert endpoint_of("nowhere", url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "http://dataworks.cn-shanghai.aliyuncs.com",
        "http://0.0.0.0:8080",
        "http://10.0.0.8",
        "http://127.0.0.1.evil.example",
        "http://localhost:8080",
        "http://localhost.evil.example",
        "http://2130706433",
        "http://0x7f000001",
        "http://127.1",
        "http://127.0.0.01",
        "http://[::ffff:127.0.0.1]",
        "http://[::1%25lo]",
        "http://[::2]",
    ],
)
def test_plain_http_is_for_loopback_literals_only(url: str) -> None:
    with pytest.raises(ConfigError, match=r"in the clear|be used: write"):
        endpoint_of("cn-shanghai", url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://user:CANARY@host.example", "a host alone"),
        ("https://host.example/api", "a host alone"),
        ("https://host.example?x=1", "a host alone"),
        ("https://host.example#x", "a host alone"),
        ("ftp://host.example", "public, vpc or a URL"),
        ("socks5://127.0.0.1:1", "public, vpc or a URL"),
        ("private", "public, vpc or a URL"),
        ("", "public, vpc or a URL"),
        ("https://", "public, vpc or a URL"),
        ("https://host.example:0", "public, vpc or a URL"),
        ("https://host.example:99999", "public, vpc or a URL"),
        ("https://[::1", "public, vpc or a URL"),
        ("https://-.example", "public, vpc or a URL"),
        ("https://h\u00f6st.example", "public, vpc or a URL"),
        ("https://host.example\n.evil", "public, vpc or a URL"),
        ("http://127.0.0.1:80 80", "public, vpc or a URL"),
    ],
)
def test_what_is_no_endpoint_says_what_to_write(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        endpoint_of("cn-shanghai", url)

    assert "CANARY" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_endpoint_leads_to_a_url_with_the_right_scheme() -> None:
    assert base_url("dataworks.aliyuncs.com") == "https://dataworks.aliyuncs.com"
    assert not is_loopback("dataworks.aliyuncs.com")
    assert base_url("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    assert is_loopback("http://127.0.0.1:8080")


@tried(200, 100_000)
@given(st.one_of(st.text(), st.text().map("https://{}".format), st.text().map("http://{}".format)))
def test_any_text_is_an_endpoint_or_a_printable_sentence(text: str) -> None:
    try:
        endpoint = endpoint_of("cn-shanghai", text)
    except ConfigError as error:
        endpoint, sentence = "", str(error)
    else:
        sentence = ""
    assert sentence.isprintable()
    assert not endpoint or endpoint_of("cn-shanghai", base_url(endpoint)) == endpoint
