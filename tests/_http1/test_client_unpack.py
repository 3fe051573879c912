"""Content codings come off in pieces of a bounded length, however the packed body is cut."""

from __future__ import annotations

import gzip
import importlib
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from framework._http1 import client_unpack
from framework._http1.client_unpack import ACCEPT_ENCODING, UnpackError, unpacker_for

TEXT = b"the same again, " * 30_000


def raw_deflate(data: bytes) -> bytes:
    """Without the header of zlib."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "two members": ("gzip", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
    "deflate": ("deflate", zlib.compress),
    "raw": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "two frames": (
        "zstd",
        lambda data: b"".join(map(zstandard.ZstdCompressor().compress, (data[:9], data[9:]))),
    ),
}


def unpacked(coding: str, *chunks: bytes) -> list[bytes]:
    """The pieces."""
    unpacker = unpacker_for(coding)
    assert unpacker is not None
    pieces = [piece for chunk in chunks for piece in unpacker.pieces(chunk)]
    unpacker.finish()
    return pieces


@pytest.mark.parametrize("name", PACKERS)
def test_pieces_are_bounded(name: str) -> None:
    coding, pack = PACKERS[name]
    pieces = unpacked(coding, pack(TEXT))
    assert b"".join(pieces) == TEXT
    assert max(map(len, pieces)) <= 1 << 17


@pytest.mark.parametrize("name", PACKERS)
@given(data=st.binary(max_size=2000), size=st.integers(1, 300))
def test_it_does_not_matter_how_it_is_cut(name: str, data: bytes, size: int) -> None:
    coding, pack = PACKERS[name]
    packed = pack(data)
    assert b"".join(unpacked(coding, *[packed[i : i + size] for i in range(0, len(packed), size)])) == data


@pytest.mark.parametrize("name", PACKERS)
def test_what_is_cut_off_is_an_error(name: str) -> None:
    coding, pack = PACKERS[name]
    packed = pack(b"some text that is not very long")
    for end in range(1, len(packed)):
        if name.startswith("two") and end < len(packed) - 8:
            # It may end between the two.
            continue
        with pytest.raises(UnpackError, match="incomplete or truncated"):
            unpacked(coding, packed[:end])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_damaged_is_an_error(coding: str) -> None:
    for data in (b"\xff\xff\xff\xff\xff\xff", b"<html>something quite different"):
        with pytest.raises(UnpackError, match=f"invalid {coding} data"):
            unpacked(coding, data)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_something_behind_the_end_is_an_error(coding: str) -> None:
    with pytest.raises(UnpackError, match=f"invalid {coding} data"):
        unpacked(coding, PACKERS[coding][1](b"text"), b"\xff\xff\xff\xff\xff")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_nothing_is_nothing(coding: str) -> None:
    assert unpacked(coding) == []


def test_a_bomb_goes_off_in_small_portions() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 28))
    unpacker = unpacker_for("zstd")
    assert unpacker is not None
    tracemalloc.start()
    try:
        assert sum(map(len, unpacker.pieces(bomb))) == 1 << 28
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_names() -> None:
    assert ACCEPT_ENCODING == "gzip, deflate, br, zstd"
    assert unpacker_for(" X-GZIP ") is not None
    assert unpacker_for("identity") is None
    assert unpacker_for("gzip, br") is None


def test_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert client_unpack._module("brotli") is None
    spec = importlib.util.find_spec("framework._http1.client_unpack")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.ACCEPT_ENCODING == "gzip, deflate"


def test_a_brotli_whose_output_has_no_bound_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decompressor:
        """As before version 1.2."""

    monkeypatch.setattr(brotli, "Decompressor", Decompressor)
    spec = importlib.util.find_spec("framework._http1.client_unpack")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.ACCEPT_ENCODING == "gzip, deflate, zstd"
