"""Signed values. The constants were made by another implementation of the same formats."""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framework.web.signing import (
    DEFAULT_SIGNED_VALUE_MIN_VERSION,
    DEFAULT_SIGNED_VALUE_VERSION,
    MAX_SUPPORTED_SIGNED_VALUE_VERSION,
    MIN_SUPPORTED_SIGNED_VALUE_VERSION,
    create_signed_value,
    decode_signed_value,
    get_signature_key_version,
)
from tests.cost import growth

NOW = 1700000000
DAY = 86400

V2 = b"2|1:0|10:1700000000|1:n|4:dg==|18f22e207076a4ed0444acdcf9e9e62fa01d4b684290b6d476a7f70968dcac4a"
V1 = b"dg==|1700000000|f3f9dc3e7d584b76c7502ff12ada09c6ac1cccae"
KEY_0 = b"2|1:0|10:1700000000|1:n|4:dg==|0cc6e71ac5bbe4bf5faf01a320ccdbd150a2447e36cd98521620bc05da3b24eb"
KEY_1 = b"2|1:1|10:1700000000|1:n|4:dg==|b349ae58035f4b5866a0a53e0073a63f6edd137ca6d422ed16b43018aba52475"
SECRETS = {0: "a", 1: "b"}


def now() -> float:
    return NOW


def at(moment: float) -> Any:
    return lambda: moment


def sign_v2(body: bytes) -> bytes:
    return body + hmac.new(b"s", body, hashlib.sha256).hexdigest().encode()


def sign_v1(value: bytes, timestamp: bytes) -> bytes:
    signature = hmac.new(b"s", b"n" + value + timestamp, hashlib.sha1).hexdigest().encode()
    return b"|".join([value, timestamp, signature])


@pytest.mark.parametrize(
    ("arguments", "signed"),
    [
        (("s", "n", "v"), V2),
        ((b"s", "n", b"v"), V2),
        (
            ("s", "n", b"\x00\xff"),
            b"2|1:0|10:1700000000|1:n|4:AP8=|8fd8ddebff2ad7247aa1bc4fcb025a634a039cc59f3189ff800918ee1e2d0396",
        ),
        (
            ("s", "n", "é"),
            b"2|1:0|10:1700000000|1:n|4:w6k=|d251adbb44d8b7b0028deea297b9b4a0dbc2d0dbafe45eab2f6f6f7ea4b25551",
        ),
        (
            ("s", "n", ""),
            b"2|1:0|10:1700000000|1:n|0:|2fe0b987c33d49ea43bceea26a6568fa4e750d15ba4c71f1edcc22f2b1001b5e",
        ),
        (
            ("s", "", ""),
            b"2|1:0|10:1700000000|0:|0:|5953fb6b403c48ecb0a43930d5dc429b85e8a93c4930399978141113e6cacf51",
        ),
        (("s", "n", "v", 1), V1),
        (("s", "é", b"\xff", 1), b"/w==|1700000000|13899630409e78b9267922692ece2b0600b30f1d"),
        ((SECRETS, "n", "v", 2, now, 0), KEY_0),
        ((SECRETS, "n", "v", None, now, 1), KEY_1),
        (({0: b"a"}, "n", "v", None, now, 0), KEY_0),
        (
            ("s", "n", "v", None, now, 5),
            b"2|1:5|10:1700000000|1:n|4:dg==|78d7934dd759fd90cc2154391d4c64890a007f53533859bd4a5c49c66a477221",
        ),
    ],
)
def test_values_are_signed_and_read_bit_by_bit_as_elsewhere(arguments: Any, signed: bytes) -> None:
    secret, name, value, *more = arguments
    keywords: Any = {} if len(more) > 1 else {"clock": now}
    assert create_signed_value(*arguments, **keywords) == signed
    expected = value.encode() if isinstance(value, str) else value
    assert decode_signed_value(secret, name, signed, clock=now) == expected
    assert decode_signed_value(secret, name, signed.decode(), clock=now) == expected


def test_timestamp_is_in_whole_seconds() -> None:
    assert create_signed_value("s", "n", "v", clock=at(NOW + 0.999)) == V2


def test_value_signed_now_is_valid_now() -> None:
    assert decode_signed_value("s", "n", create_signed_value("s", "n", "v")) == b"v"
    assert decode_signed_value("s", "n", V2) is None


def test_versions_are_the_documented_ones() -> None:
    assert (MIN_SUPPORTED_SIGNED_VALUE_VERSION, MAX_SUPPORTED_SIGNED_VALUE_VERSION) == (1, 2)
    assert (DEFAULT_SIGNED_VALUE_MIN_VERSION, DEFAULT_SIGNED_VALUE_VERSION) == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("s", "n", "v", 0), "Unsupported version 0"),
        (("s", "n", "v", 3), "Unsupported version 3"),
        ((SECRETS, "n", "v"), "Key version must be set when sign key dict is used"),
        ((SECRETS, "n", "v", 1), "Version 1 has no key versions"),
    ],
)
def test_signing_that_makes_no_sense_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_signed_value(*arguments)


def test_signing_with_a_key_version_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        create_signed_value(SECRETS, "n", "v", key_version=7)


def test_keys_can_be_rotated() -> None:
    assert decode_signed_value(SECRETS, "n", KEY_0, clock=now) == b"v"
    assert decode_signed_value(SECRETS, "n", KEY_1, clock=now) == b"v"
    assert decode_signed_value({1: "b"}, "n", KEY_0, clock=now) is None
    assert decode_signed_value("b", "n", KEY_1, clock=now) == b"v"
    assert decode_signed_value(SECRETS, "n", V1, clock=now) is None


@pytest.mark.parametrize(
    ("signed", "version"),
    [
        (KEY_0, 0),
        (KEY_1, 1),
        (KEY_1.decode(), 1),
        (b"2|2:12|10:1700000000|1:n|4:dg==|s", 12),
        (V1, None),
        ("", None),
        ("garbage", None),
        ("2|1:0", None),
        ("2|1:x|10:1700000000|1:n|4:dg==|s", None),
    ],
)
def test_key_version_is_read_without_the_secret(signed: str | bytes, version: int | None) -> None:
    assert get_signature_key_version(signed) == version


def test_older_formats_can_be_refused() -> None:
    assert decode_signed_value("s", "n", V1, clock=now, min_version=1) == b"v"
    assert decode_signed_value("s", "n", V1, clock=now, min_version=2) is None
    assert decode_signed_value("s", "n", V2, clock=now, min_version=2) == b"v"
    assert decode_signed_value("s", "n", V2, clock=now, min_version=0) == b"v"
    with pytest.raises(ValueError, match="Unsupported min_version 3"):
        decode_signed_value("s", "n", V2, min_version=3)


@pytest.mark.parametrize("version", [1, 2])
def test_value_expires(version: int, caplog: pytest.LogCaptureFixture) -> None:
    for age, days, value in [
        (31 * DAY, 31, b"v"),
        (31 * DAY + 1, 31, None),
        (DAY // 2 + 1, 0.5, None),
        (0, 0, b"v"),
    ]:
        signed = create_signed_value("s", "n", "v", version, at(NOW - age))
        assert decode_signed_value("s", "n", signed, days, now) == value
    assert ("Expired cookie" in caplog.text) == (version == 1)


def test_timestamp_of_version_1_may_not_be_far_ahead(caplog: pytest.LogCaptureFixture) -> None:
    signed = create_signed_value("s", "n", "v", 1, at(NOW + 31 * DAY))
    assert decode_signed_value("s", "n", signed, clock=now) == b"v"
    signed = create_signed_value("s", "n", "v", 1, at(NOW + 31 * DAY + 1))
    assert decode_signed_value("s", "n", signed, clock=now) is None
    assert "Cookie timestamp in future; possible tampering" in caplog.text
    signed = create_signed_value("s", "n", "v", 2, at(NOW + 400 * DAY))
    assert decode_signed_value("s", "n", signed, clock=now) == b"v"


def test_digits_moved_from_value_to_timestamp_of_version_1_are_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    signed = create_signed_value("s", "n", "v", 1, at(NOW))
    value, timestamp, signature = signed.split(b"|")
    shifted = b"|".join([value[:-1], value[-1:] + timestamp, signature])
    assert decode_signed_value("s", "n", shifted, clock=now) is None
    assert decode_signed_value("s", "n", sign_v1(b"dg==", b"01700000000"), clock=now) is None
    assert "Tampered cookie" in caplog.text


@pytest.mark.parametrize("value", [None, "", b""])
def test_nothing_decodes_to_none(value: Any) -> None:
    assert decode_signed_value("s", "n", value) is None


@pytest.mark.parametrize(
    "signed",
    [
        create_signed_value("s", "m", "v", 2, now),
        create_signed_value("t", "n", "v", 2, now),
        create_signed_value("t", "n", "v", 1, now),
        V2[:-64] + V2[-64:].upper(),
        V2 + b"|",
        V1 + b"|x",
        sign_v2(b"2|1:0|10:1700000000|1:n|3:dg=|"),
        sign_v2(b"2|1:0|10:1700000000|1:n|5:dg==|"),
        sign_v2(b"2|1:0|10:1700000000|1:n|3:dg==|"),
        sign_v2(b"2|1:0|10:1700000000|1:n|-4:dg==|"),
        sign_v2(b"2|1:0|10:1700000000|1:n|4:dg==|1:x|"),
        sign_v2(b"2|1:x|10:1700000000|1:n|4:dg==|"),
        sign_v2(b"2|0:|10:1700000000|1:n|4:dg==|"),
        sign_v2(b"2|1:0|3:abc|1:n|4:dg==|"),
        sign_v2(b"2|1:0|12:1700000000.5|1:n|4:dg==|"),
        sign_v2(b"02|1:0|10:1700000000|1:n|4:dg==|"),
        sign_v2(b"1|1:0|10:1700000000|1:n|4:dg==|"),
        sign_v2(b"3|1:0|10:1700000000|1:n|4:dg==|"),
        sign_v2(b"1000|1:0|10:1700000000|1:n|4:dg==|"),
        sign_v1(b"dg=", b"1700000000"),
        sign_v1(b"dg==", b"abc"),
        sign_v1(b"dg==", b"1700000000.5"),
        b"2|x",
        b"2|1:0|99999999999:x",
        b"2|1:0|" + b"9" * 5000 + b":x|",
        b"||",
        b"a|b|c",
        b"\xff",
    ],
)
def test_what_is_not_signed_so_decodes_to_none(signed: bytes) -> None:
    assert decode_signed_value("s", "n", signed, clock=now) is None


def test_log_names_the_cookie_and_not_its_value(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert decode_signed_value("s", "n", "hidden|1|x") is None
    assert "Invalid cookie signature" in caplog.text
    assert "hidden" not in caplog.text


@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=1),
    name=st.text(st.characters(codec="utf-8")),
    value=st.binary(),
    version=st.sampled_from([1, 2]),
)
def test_signed_values_come_back(secret: str, name: str, value: bytes, version: int) -> None:
    signed = create_signed_value(secret, name, value, version)
    assert decode_signed_value(secret, name, signed) == value
    assert decode_signed_value(secret + "x", name, signed) is None
    assert decode_signed_value(secret, name + "x", signed) is None


@given(
    secret=st.one_of(st.binary(min_size=1, max_size=200), st.text(st.characters(codec="utf-8"), min_size=1))
)
@example(secret=b"k" * 64)
@example(secret=b"k" * 65)
def test_signature_is_hmac_with_any_secret(secret: str | bytes) -> None:
    key = secret.encode() if isinstance(secret, str) else secret
    for value in (b"one", b"another"):
        body, signature = create_signed_value(secret, "n", value).rsplit(b"|", 1)
        assert signature == hmac.new(key, body + b"|", hashlib.sha256).hexdigest().encode()


@given(value=st.binary(max_size=20), version=st.sampled_from([1, 2]), data=st.data())
def test_no_single_changed_byte_is_accepted(value: bytes, version: int, data: st.DataObject) -> None:
    signed = create_signed_value("s", "n", value, version, now)
    position = data.draw(st.integers(0, len(signed) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != signed[position]))
    changed = signed[:position] + bytes([byte]) + signed[position + 1 :]
    assert decode_signed_value("s", "n", changed, clock=now) is None
    assert decode_signed_value({0: "s"}, "n", changed, clock=now) is None


@given(st.binary(), st.sampled_from([b"", b"2|", b"2|1:0|10:1700000000|1:n|"]))
def test_random_bytes_are_not_signed(garbage: bytes, prefix: bytes) -> None:
    assert decode_signed_value("s", "n", prefix + garbage) is None
    get_signature_key_version(prefix + garbage)


@pytest.mark.parametrize("unit", [b"|", b":", b"2|", b"1:0|", b"9", b"a"])
def test_reading_takes_time_in_proportion_to_the_value(unit: bytes) -> None:
    assert (
        growth(lambda value: decode_signed_value("s", "n", value), lambda size: b"2|" + unit * size, 5000)
        <= 13
    )
    assert (
        growth(lambda value: decode_signed_value("s", "n", value), lambda size: b"x|" + unit * size, 5000)
        <= 13
    )
