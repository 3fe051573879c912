"""Transforms of responses, and compression."""

from __future__ import annotations

import gzip
import importlib
import zlib
from typing import Any

import pytest

from framework.httputil import HTTPHeaders, HTTPServerRequest
from framework.web import Application, GZipContentEncoding, OutputTransform, RequestHandler
from framework.web.transforms import Compression, choose
from tests.web.conftest import TalkTo
from tests.web.talk import get, request

TEXT = b"some text that repeats itself, " * 100


def decompressed(coding: str, body: bytes) -> bytes:
    """The content of a body; fails where it is cut off."""
    if coding == "gzip":
        return gzip.decompress(body)
    if coding == "br":
        made: bytes = importlib.import_module("brotli").decompress(body)
        return made
    zstandard = importlib.import_module("zstandard")
    reader = zstandard.ZstdDecompressor().decompressobj()
    text: bytes = reader.decompress(body)
    assert reader.eof
    return text


class Page(RequestHandler):
    """Sends text of a type, whole or in pieces."""

    def get(self, kind: str) -> None:
        self.set_header("Content-Type", self.get_argument("type", "text/plain; charset=utf-8"))
        for name in ("Content-Encoding", "Content-Range", "Vary", "Content-Length"):
            if value := self.get_argument(name, None):
                self.set_header(name, value)
        if kind == "small":
            self.write("small")
        elif kind == "whole":
            self.write(TEXT)
        elif kind == "pieces":
            for at in range(0, len(TEXT), 1000):
                self.write(TEXT[at : at + 1000])
                self.flush()
        else:
            self.set_status(204)

    head = get


SITE = Application([("/(.*)", Page)], compress_response=True)
CODINGS = [coding for coding in ("gzip", "br", "zstd") if coding in Compression.CODINGS]


def test_all_codings_are_there_with_the_extra() -> None:
    assert Compression.CODINGS == ("zstd", "br", "gzip")


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("kind", ["whole", "pieces"])
async def test_text_is_compressed_for_those_who_take_it(talk_to: TalkTo, coding: str, kind: str) -> None:
    reply = talk_to(SITE).now(get(f"/{kind}", f"Accept-Encoding: {coding}"))
    assert reply.headers["Content-Encoding"] == coding
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert decompressed(coding, reply.body) == TEXT
    assert len(reply.body) < len(TEXT) / 2
    assert ("Content-Length" in reply.headers) == (kind == "whole")


@pytest.mark.parametrize("coding", CODINGS)
def test_each_piece_can_be_read_when_it_comes(coding: str) -> None:
    transform = Compression(HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Accept-Encoding": coding})))
    headers = HTTPHeaders({"Content-Type": "text/plain"})
    _, headers, first = transform.transform_first_chunk(200, headers, b"first ", False)
    readers: dict[str, Any] = {
        "gzip": lambda: zlib.decompressobj(31).decompress,
        "br": lambda: importlib.import_module("brotli").Decompressor().process,
        "zstd": lambda: importlib.import_module("zstandard").ZstdDecompressor().decompressobj().decompress,
    }
    read = readers[coding]()
    assert read(first) == b"first "
    assert read(transform.transform_chunk(b"second", False)) == b"second"
    assert read(transform.transform_chunk(b" last", True)) == b" last"


async def test_length_that_was_announced_for_pieces_is_taken_back(talk_to: TalkTo) -> None:
    target = f"/pieces?Content-Length={len(TEXT)}"
    reply = talk_to(SITE).now(get(target, "Accept-Encoding: gzip"))
    assert "Content-Length" not in reply.headers
    assert decompressed("gzip", reply.body) == TEXT


@pytest.mark.parametrize(
    "target",
    [
        "/small",
        "/whole?type=image/png",
        "/whole?type=",
        "/whole?Content-Encoding=identity",
        "/whole?Content-Range=bytes+0-1/2",
        "/pieces?type=video/mp4",
        "/nothing",
    ],
)
async def test_what_is_not_worth_it_stays_as_it_is(talk_to: TalkTo, target: str) -> None:
    talk = talk_to(SITE)
    reply, plain = talk.now(get(target, "Accept-Encoding: gzip")), talk.now(get(target))
    assert reply.body == plain.body
    assert reply.headers.get("Content-Encoding") == plain.headers.get("Content-Encoding")
    # Whoever keeps a copy has to know either way.
    assert reply.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


async def test_vary_of_the_handlers_is_kept(talk_to: TalkTo) -> None:
    reply = talk_to(SITE).now(get("/whole?Vary=Cookie", "Accept-Encoding: gzip"))
    assert reply.headers["Vary"] == "Cookie, Accept-Encoding"


@pytest.mark.parametrize(
    "kind", ["application/json", "image/svg+xml", "text/anything", "application/xhtml+xml"]
)
async def test_types_that_are_text(talk_to: TalkTo, kind: str) -> None:
    reply = talk_to(SITE).now(get(f"/whole?type={kind.replace('+', '%2B')}", "Accept-Encoding: gzip"))
    assert reply.headers["Content-Encoding"] == "gzip"


async def test_head_tells_of_the_compressed_response(talk_to: TalkTo) -> None:
    talk = talk_to(SITE)
    length = talk.now(get("/whole", "Accept-Encoding: gzip")).headers["Content-Length"]
    talk.transport.feed(request("/whole", "HEAD", "Accept-Encoding: gzip"))
    reply = talk.reply(head_only=True)
    assert (reply.headers["Content-Length"], reply.headers["Content-Encoding"]) == (length, "gzip")


async def test_tag_is_that_of_the_content(talk_to: TalkTo) -> None:
    talk = talk_to(SITE)
    tag = talk.now(get("/whole")).headers["Etag"]
    reply = talk.now(get("/whole", "Accept-Encoding: gzip", f"If-None-Match: {tag}"))
    assert (reply.status, reply.body) == (304, b"")


ALL = ("zstd", "br", "gzip")


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("gzip ; q=0.2 , br; q=0.1", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.000, *", "zstd"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("*;q=0.5, gzip;q=0.6", "gzip"),
        ("identity", None),
        ("deflate", None),
        ("gzip;q=nonsense", None),
        ("gzip;q=2", None),
        (",,;", None),
    ],
)
def test_coding_is_the_one_the_client_likes_most(field: str, coding: str | None) -> None:
    assert choose(field, ALL) == coding


def test_public_compression_is_gzip_alone() -> None:
    transform = GZipContentEncoding(
        HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Accept-Encoding": "br, gzip"}))
    )
    headers = HTTPHeaders({"Content-Type": "text/plain", "Content-Length": str(len(TEXT))})
    status, headers, body = transform.transform_first_chunk(200, headers, TEXT, True)
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert headers["Content-Length"] == str(len(body))
    assert gzip.decompress(body) == TEXT


def test_tuned_compression() -> None:
    class Tuned(GZipContentEncoding):
        MIN_LENGTH = 1
        GZIP_LEVEL = 9
        CONTENT_TYPES = {"x/y"}  # noqa: RUF012

    made = Tuned(HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Accept-Encoding": "gzip"})))
    _, headers, body = made.transform_first_chunk(200, HTTPHeaders({"Content-Type": "x/y"}), b"a", True)
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b"a"


def test_codings_that_are_not_installed_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    transforms = importlib.import_module("framework.web.transforms")
    monkeypatch.setattr(transforms, "find_spec", lambda name: None)
    assert not transforms._installed("brotli")


class Bracket(OutputTransform):
    """A transform of ones own."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self.path = request.path

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers["X-Path"] = self.path or ""
        headers.pop("Content-Length", None)
        return 203, headers, b"<" + chunk + (b">" if finishing else b"")

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        return chunk + (b">" if finishing else b"")


@pytest.mark.parametrize("kind", ["small", "pieces"])
async def test_transforms_of_ones_own_in_their_order(talk_to: TalkTo, kind: str) -> None:
    class Upper(OutputTransform):
        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            return status_code, headers, chunk.replace(b"<", b"[").upper()

        def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
            return chunk.upper()

    application = Application([("/(.*)", Page)], transforms=[Bracket, Upper])
    reply = talk_to(application).now(get(f"/{kind}"))
    assert (reply.status, reply.headers["X-Path"]) == (203, f"/{kind}")
    expected = b"small" if kind == "small" else TEXT
    assert reply.body == b"[" + expected.upper() + b">"


def test_transform_that_does_nothing() -> None:
    transform = OutputTransform(HTTPServerRequest("GET", "/"))
    headers = HTTPHeaders()
    assert transform.transform_first_chunk(200, headers, b"a", True) == (200, headers, b"a")
    assert transform.transform_chunk(b"a", True) == b"a"
