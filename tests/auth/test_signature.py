"""The signatures of OAuth 1.0, by the examples of RFC 5849 and against Authlib."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from authlib.oauth1.rfc5849.signature import construct_base_string, hmac_sha1_signature
from hypothesis import given
from hypothesis import strategies as st

from framework.auth.signature import (
    base_string,
    base_string_uri,
    hmac_sha1,
    normalized_parameters,
    percent_encode,
)

# RFC 5849 section 3.1 and 3.4.1.1: the parameters that are not in the query.
EXAMPLE = [
    ("oauth_consumer_key", "9djdj82h48djs9d2"),
    ("oauth_token", "kkk9d7dh3k39sjv7"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131201"),
    ("oauth_nonce", "7d8f3e4a"),
    ("c2", ""),
    ("a3", "2 q"),
]
EXAMPLE_URL = "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
EXAMPLE_BASE = (
    "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2"
    "%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
    "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
)


def test_the_base_string_is_that_of_the_rfc() -> None:
    assert base_string("post", EXAMPLE_URL, EXAMPLE) == EXAMPLE_BASE


def test_the_signature_of_that_is_the_one_of_the_erratum() -> None:
    assert hmac_sha1(EXAMPLE_BASE, "j49sk3j29djd", "dh893hdasih9") == "r6/TJjbCOr97/+UU0NsvSne7s5g="


@pytest.mark.parametrize(
    ("method", "url", "token", "timestamp", "nonce", "more", "secret", "signature"),
    [
        (
            *("POST", "https://photos.example.net/initiate", "", "137131200", "wIjqoS"),
            *({"oauth_callback": "http://printer.example.com/ready"}, "", "74KNZJeDHnMBp0EMJ9ZHt/XKycU="),
        ),
        (
            *("POST", "https://photos.example.net/token", "hh5s93j4hdidpola", "137131201", "walatlh"),
            *({"oauth_verifier": "hfdp7dh39dks9884"}, "hdhd0244k9j7ao03", "gKgrFCywp7rO0OXSjdot/IHF7IU="),
        ),
        (
            *("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original"),
            *("nnch734d00sl2jdk", "137131202", "chapoH", {}, "pfkkdhi9sl3r4s00"),
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
    ],
)
def test_the_requests_of_the_rfcs_example_are_signed_as_there(
    method: str,
    url: str,
    token: str,
    timestamp: str,
    nonce: str,
    more: dict[str, str],
    secret: str,
    signature: str,
) -> None:
    # Section 1.2.
    parameters = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": timestamp,
        "oauth_nonce": nonce,
        **({"oauth_token": token} if token else {}),
        **more,
    }
    text = base_string(method, url, parameters.items())
    assert hmac_sha1(text, "kd94hf93k423kf44", secret) == signature


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        # Section 3.4.1.2.
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("HTTPS://h:443", "https://h/"),
        ("https://h:80/a#b", "https://h:80/a"),
        ("http://[::1]:9/x", "http://[::1]:9/x"),
        ("http://user:password@h/x", "http://h/x"),
    ],
)
def test_the_uri_that_is_signed(url: str, uri: str) -> None:
    assert base_string_uri(url) == uri


@pytest.mark.parametrize("url", ["/path", "http:///x", ""])
def test_a_url_without_host_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match="absolute"):
        base_string_uri(url)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("abcABC123-._~", "abcABC123-._~"),
        (" %+/&=", "%20%25%2B%2F%26%3D"),
        ("ü", "%C3%BC"),
        (b"\xff", "%FF"),
        (3, "3"),
        ([1], "%5B1%5D"),
    ],
)
def test_the_encoding(value: object, encoded: str) -> None:
    assert percent_encode(value) == encoded


def test_parameters_are_in_the_order_of_their_encoded_names_and_values() -> None:
    pairs = [("b", "2"), ("b", "10"), ("ü", "1"), ("a~", "1"), ("a", "z")]
    assert normalized_parameters(pairs) == "%C3%BC=1&a=z&a~=1&b=10&b=2"


def test_secrets_are_encoded_in_the_key() -> None:
    assert hmac_sha1("text", "a&b", "c") != hmac_sha1("text", "a", "b&c")
    assert hmac_sha1("text", "ü &", b"\xc3\xbc") == hmac_sha1_signature("text", "ü &", "ü")


names = st.text(min_size=1, max_size=5)


@given(query=st.lists(st.tuples(names, names)), form=st.lists(st.tuples(names, names)), secret=names)
def test_signatures_are_those_of_authlib(
    query: list[tuple[str, str]], form: list[tuple[str, str]], secret: str
) -> None:
    url = "http://Example.com:80/p/q?" + urlencode(query)
    theirs = construct_base_string("POST", url, [*query, *form])
    ours = base_string("POST", url, form)
    assert ours == theirs
    assert hmac_sha1(ours, secret, secret) == hmac_sha1_signature(theirs, secret, secret)
