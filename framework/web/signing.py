"""Signed values, as in signed cookies: readable by everyone, made only with the secret.

Version 1 (read, and written on request): ``base64(value)|timestamp|sha1`` where the signature covers
name, value and timestamp without what separates them.

Version 2: ``2|1:0|10:1700000000|4:name|4:dg==|sha256``. Fields are ``length:content|``: the key version,
the timestamp in seconds, the name, and the value in base64. The signature in hexadecimal covers all
that stands before it.
"""

from __future__ import annotations

import binascii
import hmac
import re
import time
from collections.abc import Callable
from functools import lru_cache

from framework.escape import utf8
from framework.log import gen_log

__all__ = [
    "DEFAULT_SIGNED_VALUE_MIN_VERSION",
    "DEFAULT_SIGNED_VALUE_VERSION",
    "MAX_SUPPORTED_SIGNED_VALUE_VERSION",
    "MIN_SUPPORTED_SIGNED_VALUE_VERSION",
    "CookieSecret",
    "create_signed_value",
    "decode_signed_value",
    "get_signature_key_version",
]

MIN_SUPPORTED_SIGNED_VALUE_VERSION = 1
"""The oldest format that can still be read."""
MAX_SUPPORTED_SIGNED_VALUE_VERSION = 2
"""The newest format."""
DEFAULT_SIGNED_VALUE_VERSION = 2
"""The format in which values are written unless told otherwise."""
DEFAULT_SIGNED_VALUE_MIN_VERSION = 1
"""The oldest format that is read unless told otherwise."""

# One secret, or several by key version.
CookieSecret = str | bytes | dict[int, str] | dict[int, bytes]

_DAY = 86400
# How far ahead a timestamp of version 1 may be. Its signature does not fix where the value ends and the
# timestamp begins, so that a digit moved from the one to the other gives a date in the distant future.
_FUTURE_V1 = 31 * _DAY

_is_v2 = re.compile(rb"[1-9][0-9]{0,2}\|").match
# The version, the fields of digits, and the length of the name.
_start_of_v2 = re.compile(
    rb"[0-9]+\|([0-9]{1,2}):(-?[0-9]{1,18})\|([0-9]{1,2}):(-?[0-9]{1,18})\|([0-9]{1,10}):"
).match
_is_number = re.compile(rb"-?[0-9]{1,18}").fullmatch


def create_signed_value(
    secret: CookieSecret,
    name: str,
    value: str | bytes,
    version: int | None = None,
    clock: Callable[[], float] | None = None,
    key_version: int | None = None,
) -> bytes:
    """``value`` signed for use under ``name``.

    ``secret`` is one key, or a dict of keys by version with ``key_version`` saying which to use.
    ``clock`` returns the time in seconds since 1970. Raises ``ValueError`` for an unsupported
    ``version`` or a missing ``key_version``, ``KeyError`` for one that is not in the dict.
    """
    if version is None:
        version = DEFAULT_SIGNED_VALUE_VERSION
    timestamp = b"%d" % (clock or time.time)()
    encoded_name = utf8(name)
    encoded = binascii.b2a_base64(utf8(value), newline=False)
    if version == 1:
        if isinstance(secret, dict):
            raise ValueError("Version 1 has no key versions: sign with version 2, or with one secret")
        signature = _signature_v1(secret, encoded_name, encoded, timestamp)
        return b"%b|%b|%b" % (encoded, timestamp, signature)
    if version != 2:
        raise ValueError(f"Unsupported version {version}")
    if isinstance(secret, dict):
        if key_version is None:
            raise ValueError("Key version must be set when sign key dict is used")
        secret = secret[key_version]
    key = b"%d" % (key_version or 0)
    signed = b"2|%d:%b|%d:%b|%d:%b|%d:%b|" % (
        len(key), key, len(timestamp), timestamp, len(encoded_name), encoded_name, len(encoded), encoded,
    )  # fmt: skip
    return signed + _signature_v2(secret, signed)


def decode_signed_value(
    secret: CookieSecret,
    name: str,
    value: str | bytes | None,
    max_age_days: float = 31,
    clock: Callable[[], float] | None = None,
    min_version: int | None = None,
) -> bytes | None:
    """The value that was signed under ``name``, or ``None`` if it is not, or too old.

    ``min_version`` refuses older formats. Raises ``ValueError`` if it is newer than any format.
    """
    if min_version is None:
        min_version = DEFAULT_SIGNED_VALUE_MIN_VERSION
    if min_version > MAX_SUPPORTED_SIGNED_VALUE_VERSION:
        raise ValueError(f"Unsupported min_version {min_version}")
    if not value:
        return None
    signed = utf8(value)
    version = _version(signed)
    if version < min_version:
        return None
    now = (clock or time.time)()
    if version == 1:
        return _decode_v1(secret, utf8(name), signed, max_age_days, now)
    if version == 2:
        return _decode_v2(secret, utf8(name), signed, max_age_days, now)
    return None


def get_signature_key_version(value: str | bytes) -> int | None:
    """The key version that a signed value names; ``None`` if it names none. Nothing is verified."""
    signed = utf8(value)
    if _version(signed) < 2:
        return None
    fields = _split_v2(signed)
    return None if fields is None else fields[0]


def _version(signed: bytes) -> int:
    if signed.startswith(b"2|"):
        return 2
    # The first field of version 1 is base64 text, of four characters at least: three digits tell them apart.
    match = _is_v2(signed)
    return int(match[0][:-1]) if match else 1


def _signature_v1(secret: str | bytes, *parts: bytes) -> bytes:
    return hmac.digest(utf8(secret), b"".join(parts), "sha1").hex().encode()


# Keyed once for each of the few secrets that there are; `hmac.digest` would do it for each value (1.4 µs, 1.0 so).
@lru_cache(maxsize=16)
def _keyed(secret: str | bytes) -> hmac.HMAC:
    return hmac.new(utf8(secret), digestmod="sha256")


def _signature_v2(secret: str | bytes, signed: bytes) -> bytes:
    """HMAC-SHA-256, in hexadecimal."""
    keyed = _keyed(secret).copy()
    keyed.update(signed)
    return keyed.hexdigest().encode()


def _decode_v1(
    secret: CookieSecret, name: bytes, signed: bytes, max_age_days: float, now: float
) -> bytes | None:
    parts = signed.split(b"|", 3)
    if len(parts) != 3 or isinstance(secret, dict):
        return None
    encoded, timestamp, signature = parts
    if not hmac.compare_digest(signature, _signature_v1(secret, name, encoded, timestamp)):
        gen_log.warning("Invalid cookie signature (cookie %r)", name)
        return None
    if not _is_number(timestamp):
        return None
    moment = int(timestamp)
    if moment < now - max_age_days * _DAY:
        gen_log.warning("Expired cookie (cookie %r)", name)
        return None
    if moment > now + _FUTURE_V1:
        gen_log.warning("Cookie timestamp in future; possible tampering (cookie %r)", name)
        return None
    if timestamp.startswith(b"0"):
        gen_log.warning("Tampered cookie (cookie %r)", name)
        return None
    return _decode_base64(encoded)


def _decode_v2(
    secret: CookieSecret, name: bytes, signed: bytes, max_age_days: float, now: float
) -> bytes | None:
    fields = _split_v2(signed)
    if fields is None:
        return None
    key_version, timestamp, signed_name, encoded, signature = fields
    if isinstance(secret, dict):
        found = secret.get(key_version)
        if found is None:
            return None
        secret = found
    if not hmac.compare_digest(signature, _signature_v2(secret, signed[: len(signed) - len(signature)])):
        return None
    if signed_name != name or timestamp < now - max_age_days * _DAY:
        return None
    return _decode_base64(encoded)


def _split_v2(signed: bytes) -> tuple[int, int, bytes, bytes, bytes] | None:
    """Key version, timestamp, name, encoded value and signature; ``None`` for anything out of form."""
    start = _start_of_v2(signed)
    if start is None:
        return None
    key_length, key_version, time_length, timestamp, name_length = start.groups()
    name_start = start.end()
    name_end = name_start + int(name_length)
    colon = signed.find(b":", name_end, name_end + 12)
    length = signed[name_end + 1 : colon]
    if colon < 0 or not length.isdigit():
        return None
    value_end = colon + 1 + int(length)
    if (
        not signed.startswith(b"|", name_end)
        or not signed.startswith(b"|", value_end)
        or len(key_version) != int(key_length)
        or len(timestamp) != int(time_length)
    ):
        return None
    name, value = signed[name_start:name_end], signed[colon + 1 : value_end]
    return int(key_version), int(timestamp), name, value, signed[value_end + 1 :]


def _decode_base64(encoded: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        return None
