"""Masking (RFC 6455 section 5.3), with and without a function in C for it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.websocket import keystream, masking
from framework.websocket.masking import mask, mask_by_table, mask_large, new_key, unmask
from tests.cost import growth
from tests.websocket.wire import KEY, masked

LENGTHS = [*range(70), 125, 126, 127, 511, 512, 513, 514, 515, 516, 1023, 4097, 65536, 65537]


@pytest.fixture
def fresh() -> Iterator[None]:
    keystream.load.cache_clear()
    yield
    keystream.load.cache_clear()


@pytest.mark.parametrize("length", LENGTHS)
def test_every_length_is_masked_as_the_rfc_says(length: int) -> None:
    data = os.urandom(length)
    assert mask(KEY, data) == masked(KEY, data)
    assert mask_by_table(KEY, data) == masked(KEY, data)


def test_the_example_of_the_rfc() -> None:
    # Section 5.7.
    assert mask(b"\x37\xfa\x21\x3d", b"Hello") == b"\x7f\x9f\x4d\x51\x58"


@given(key=st.binary(min_size=4, max_size=4), data=st.binary(max_size=2000))
@settings(deadline=None)
def test_masking_twice_gives_the_original(key: bytes, data: bytes) -> None:
    assert mask(key, mask(key, data)) == data


@given(key=st.binary(min_size=4, max_size=4), data=st.binary(min_size=2, max_size=3000))
@settings(deadline=None)
def test_all_ways_agree(key: bytes, data: bytes) -> None:
    assert mask_large(key, data) == mask_by_table(key, data) == masked(key, data)


def test_masked_data_is_a_new_object_and_the_original_is_as_it_was() -> None:
    data = bytes(4096)
    assert mask(b"\1\2\3\4", data) == b"\1\2\3\4" * 1024
    assert data == bytes(4096)


@pytest.mark.parametrize("start", [0, 1, 6, 14])
@pytest.mark.parametrize("length", [0, 1, 2, 511, 512, 513, 4096, 65537])
def test_a_part_is_unmasked_and_the_whole_is_as_it_was(start: int, length: int) -> None:
    data = os.urandom(start + length)
    before = bytes(bytearray(data))
    assert unmask(KEY, data, start, start + length) == masked(KEY, before[start:])
    assert data == before


def _no_library(name: str | None) -> object:
    raise OSError("not here")


class WrongLibrary:
    """One whose functions do nothing."""

    def __init__(self, name: str | None) -> None:
        self.labs = ctypes.CDLL(None).abs
        self.CRYPTO_ofb128_encrypt = ctypes.CDLL(None).abs


@pytest.mark.parametrize("library", [_no_library, WrongLibrary, lambda name: object()])
def test_without_the_library_masking_is_the_same(
    fresh: None, monkeypatch: pytest.MonkeyPatch, library: Callable[[str | None], object]
) -> None:
    class Ctypes:
        CDLL = staticmethod(library)

        def __getattr__(self, name: str) -> object:
            return getattr(ctypes, name)

    monkeypatch.setattr(keystream, "ctypes", Ctypes())
    assert keystream.load() is None
    data = os.urandom(5000)
    assert mask(KEY, data) == masked(KEY, data)
    assert unmask(KEY, data, 14, 5000) == masked(KEY, data[14:])


def test_keys_differ() -> None:
    keys = {new_key() for _ in range(1000)}
    assert len(keys) > 990
    assert {len(key) for key in keys} == {4}


def test_a_child_process_has_keys_of_its_own() -> None:
    new_key()
    assert masking._keys
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writing, b"".join(new_key() for _ in range(8)))
        os._exit(0)
    os.waitpid(pid, 0)
    theirs = os.read(reading, 100)
    os.close(reading)
    os.close(writing)
    assert theirs != b"".join(new_key() for _ in range(8))


@pytest.mark.parametrize("way", [mask, mask_by_table])
def test_masking_takes_time_in_proportion_to_the_data(way: Callable[[bytes, bytes], bytes]) -> None:
    assert growth(lambda data: way(KEY, data), bytes, 10_000) <= 13
