"""Static files over a connection: what is served, what is refused, and what the answers say."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from framework.web import Application, HTTPError, RequestHandler, StaticFileHandler, files, static
from tests.web.conftest import TalkTo
from tests.web.talk import Talk, get, request

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Mon, 13 Nov 2023 22:13:20 GMT"
BIG = os.urandom(300_001)


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    StaticFileHandler.reset()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may be kept as soon as they are there."""
    monkeypatch.setattr(files, "SETTLED", -1e9)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "index").mkdir()
    (root / "index/index.html").write_bytes(b"INDEX")
    (root / "a.txt").write_bytes(b"0123456789")
    (root / "empty.txt").write_bytes(b"")
    (root / "big.bin").write_bytes(BIG)
    (root / "é b.txt").write_bytes(b"E")
    (root / "robots.txt").write_bytes(b"R")
    (tmp_path / "out.txt").write_bytes(b"OUT")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/o.txt").write_bytes(b"O")
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2/y.txt").write_bytes(b"Y")
    (root / "inside.txt").symlink_to(root / "a.txt")
    (root / "outside.txt").symlink_to(tmp_path / "out.txt")
    (root / "other").symlink_to(tmp_path / "other")
    (root / "dangling").symlink_to(root / "nope")
    (root / "dangling-out").symlink_to(tmp_path / "nope")
    os.mkfifo(root / "fifo")
    os.utime(root / "a.txt", (1_700_000_000.7, 1_700_000_000.7))
    return root


Site = Callable[..., Talk]


@pytest.fixture
def site(root: Path, talk_to: TalkTo) -> Site:
    """A connection to an application that serves `root` below ``/static/``, or by a handler at ``/``."""

    def open_site(handler: type[RequestHandler] | None = None, **settings: Any) -> Talk:
        rules: list[Any] = []
        if handler is not None:
            arguments = settings.pop("arguments", {})
            rules.append((r"/(.*)", handler, {"path": str(root), **arguments}))
        return talk_to(
            Application(rules, static_path=str(root), log_function=lambda handler: None, **settings)
        )

    return open_site


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha512(content).hexdigest()}"'


async def test_a_file_is_served_with_what_caches_need(site: Site) -> None:
    reply = await site().ask(get("/static/a.txt"))
    assert (reply.status, reply.body) == (200, b"0123456789")
    assert reply.headers["Content-Type"] == "text/plain"
    assert reply.headers["Content-Length"] == "10"
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["Last-Modified"] == DATE
    assert reply.headers["Etag"] == etag_of(b"0123456789")
    assert "Cache-Control" not in reply.headers


async def test_the_same_answer_comes_from_memory(site: Site, settled: None, root: Path) -> None:
    talk = site()
    first = await talk.ask(get("/static/a.txt"))
    again = talk.now(get("/static/a.txt"))
    head = await talk.ask(request("/static/a.txt", "HEAD"), head_only=True)
    for reply in (again, head):
        names = set(first.headers) - {"Date"}
        assert {name: reply.headers[name] for name in names} == {name: first.headers[name] for name in names}
    assert (again.status, again.body, head.body) == (200, b"0123456789", b"")
    (root / "a.txt").write_bytes(b"changed")
    reply = await talk.ask(get("/static/a.txt"))
    assert (reply.body, reply.headers["Etag"]) == (b"changed", etag_of(b"changed"))
    (root / "a.txt").unlink()
    assert (await talk.ask(get("/static/a.txt"))).status == 404


async def test_a_file_that_has_just_changed_is_not_kept(site: Site, root: Path) -> None:
    talk = site()
    for content in (b"one", b"two"):
        (root / "a.txt").write_bytes(content)
        reply = await talk.ask(get("/static/a.txt"))
        assert (reply.body, reply.headers["Etag"]) == (content, etag_of(content))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.js", "text/javascript"),
        ("x.html", "text/html"),
        ("x.CSS", "text/css"),
        ("x.tar.gz", "application/gzip"),
        ("x.xz", "application/octet-stream"),
        ("x", "application/octet-stream"),
        (".hidden", "application/octet-stream"),
    ],
)
async def test_the_type_follows_from_the_name(site: Site, root: Path, name: str, expected: str) -> None:
    (root / name).write_bytes(b"x")
    assert (await site().ask(get(f"/static/{name}"))).headers["Content-Type"] == expected


@pytest.mark.parametrize(
    "target", ["/static/%C3%A9%20b.txt", "/robots.txt", "/static/sub/../a.txt", "/static/./a.txt"]
)
async def test_other_spellings_of_paths(site: Site, target: str) -> None:
    assert (await site().ask(get(target))).status == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/static/nope", 404),
        ("/static/sub", 403),
        ("/static/", 403),
        ("/static/..", 403),
        ("/static/../out.txt", 403),
        ("/static/%2e%2e/out.txt", 403),
        ("/static/..%2fout.txt", 403),
        ("/static/../root2/y.txt", 403),
        ("/static/sub/../../out.txt", 403),
        ("/static//etc/passwd", 403),
        ("/static/a.txt%00", 404),
        ("/static/%00", 404),
        ("/static/%ff", 400),
        ("/static/" + "x" * 300, 404),
        ("/static/outside.txt", 403),
        ("/static/other/o.txt", 403),
        ("/static/dangling", 404),
        ("/static/dangling-out", 403),
        ("/static/fifo", 403),
        ("/favicon.ico", 404),
    ],
)
async def test_what_is_no_file_of_the_directory_is_refused(site: Site, target: str, status: int) -> None:
    assert (await site().ask(get(target))).status == status


async def test_links_inside_are_followed(site: Site, settled: None) -> None:
    talk = site()
    for _ in range(2):
        assert (await talk.ask(get("/static/inside.txt"))).body == b"0123456789"


async def test_links_that_lead_to_allowed_directories_are_followed(site: Site, tmp_path: Path) -> None:
    one = site(StaticFileHandler, arguments={"allowed_symlink_directory": str(tmp_path / "other")})
    assert (await one.ask(get("/other/o.txt"))).body == b"O"
    assert (await one.ask(get("/outside.txt"))).status == 403
    # The argument takes the place of the directory itself.
    assert (await one.ask(get("/a.txt"))).status == 403
    several = site(StaticFileHandler, arguments={"allowed_symlink_directory": ["/nowhere", str(tmp_path)]})
    for target, body in (("/outside.txt", b"OUT"), ("/other/o.txt", b"O"), ("/a.txt", b"0123456789")):
        assert (await several.ask(get(target))).body == body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_not_allowed(site: Site, method: str) -> None:
    assert (await site().ask(request("/static/a.txt", method, body=b""))).status == 405


async def test_directories_lead_to_their_default_file(site: Site) -> None:
    talk = site(StaticFileHandler, arguments={"default_filename": "index.html"})
    reply = await talk.ask(get("/index?x=1"))
    assert (reply.status, reply.headers["Location"]) == (301, "/index/")
    reply = await talk.ask(get("/index/"))
    assert (reply.body, reply.headers["Content-Type"]) == (b"INDEX", "text/html")
    assert (await talk.ask(get("/sub/"))).status == 404


async def test_a_directory_is_never_redirected_to_another_host(talk_to: TalkTo, tmp_path: Path) -> None:
    (tmp_path / "evil.example").mkdir()
    rule = (r"//(.*)", StaticFileHandler, {"path": str(tmp_path), "default_filename": "index.html"})
    talk = talk_to(Application([rule], log_function=lambda handler: None))
    assert (await talk.ask(get("//evil.example"))).status == 403


async def test_a_versioned_url_may_be_kept_for_ten_years(site: Site) -> None:
    talk = site()
    for target in ("/static/a.txt?v=abc", "/static/a.txt?v=abc"):
        reply = await talk.ask(get(target))
        assert reply.headers["Cache-Control"] == "max-age=315360000"
        assert "Expires" in reply.headers


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (["If-None-Match: {etag}"], 304),
        (["If-None-Match: W/{etag}"], 304),
        (['If-None-Match: "x", {etag}'], 304),
        (["If-None-Match: *"], 304),
        (['If-None-Match: "x"'], 200),
        (['If-None-Match: "x"', f"If-Modified-Since: {DATE}"], 200),
        (["If-None-Match: {etag}", f"If-Modified-Since: {BEFORE}"], 304),
        (["If-None-Match:", f"If-Modified-Since: {DATE}"], 304),
        ([f"If-Modified-Since: {DATE}"], 304),
        ([f"If-Modified-Since: {BEFORE}"], 200),
        (["If-Modified-Since: junk"], 200),
        (["If-Modified-Since: Tue Nov 14 22:13:20 2023"], 304),
        (["If-None-Match: {etag}", "Range: bytes=0-4"], 304),
    ],
)
async def test_conditional_requests(site: Site, fields: list[str], status: int) -> None:
    etag = etag_of(b"0123456789")
    reply = await site().ask(get("/static/a.txt", *(field.format(etag=etag) for field in fields)))
    assert (reply.status, reply.headers["Etag"]) == (status, etag)
    if status == 304:
        assert reply.body == b""
        assert "Content-Type" not in reply.headers
        assert "Content-Length" not in reply.headers


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=0-4", 206, b"01234", "bytes 0-4/10"),
        ("bytes=2-", 206, b"23456789", "bytes 2-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-", 200, b"0123456789", None),
        ("bytes=0-9", 200, b"0123456789", None),
        ("bytes=-100", 200, b"0123456789", None),
        ("bytes=0-0,2-3", 200, b"0123456789", None),
        ("items=0-3", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=10-20", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=99999999999999999999-", 416, b"", "bytes */10"),
    ],
)
async def test_ranges(site: Site, wanted: str, status: int, body: bytes, content_range: str | None) -> None:
    reply = await site().ask(get("/static/a.txt", f"Range: {wanted}"))
    assert (reply.status, reply.body, reply.headers.get("Content-Range")) == (status, body, content_range)
    assert reply.headers["Etag"] == etag_of(b"0123456789")
    assert reply.headers["Content-Length"] == str(len(body))


async def test_an_empty_file_has_no_range(site: Site) -> None:
    talk = site()
    assert (await talk.ask(get("/static/empty.txt"))).headers["Content-Length"] == "0"
    reply = await talk.ask(get("/static/empty.txt", "Range: bytes=-1"))
    assert (reply.status, reply.headers["Content-Range"]) == (416, "bytes */0")


@pytest.mark.parametrize(
    ("condition", "status"),
    [("{etag}", 206), (DATE, 206), ('"x"', 200), (BEFORE, 200)],
)
async def test_a_part_is_sent_only_of_what_the_client_has_a_part_of(
    site: Site, condition: str, status: int
) -> None:
    field = f"If-Range: {condition.format(etag=etag_of(b'0123456789'))}"
    assert (await site().ask(get("/static/a.txt", field, "Range: bytes=0-4"))).status == status


async def test_head_says_what_get_would(site: Site) -> None:
    talk = site()
    reply = await talk.ask(request("/static/a.txt", "HEAD", "Range: bytes=0-4"), head_only=True)
    assert (reply.status, reply.headers["Content-Length"], reply.body) == (206, "5", b"")


# Races between the check and the reading


async def test_a_small_file_that_changes_each_time_is_answered_503(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda *args: pread(*args)[:-1])
    assert (await site().ask(get("/static/a.txt"))).status == 503


async def test_a_file_that_is_replaced_by_a_link_after_the_check_is_refused(
    site: Site, root: Path, tmp_path: Path
) -> None:
    for name, content in (("small", b"secret"), ("large", b"secret" * 20_000)):
        (tmp_path / name).write_bytes(content)
        (root / name).write_bytes(content)

    class Swapped(StaticFileHandler):
        def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
            path = super().validate_absolute_path(root, absolute_path)
            os.unlink(absolute_path)
            os.symlink(tmp_path / os.path.basename(absolute_path), absolute_path)
            return path

    talk = site(Swapped)
    for name in ("small", "large"):
        assert (await talk.ask(get(f"/{name}"))).status == 403


@pytest.mark.parametrize(
    ("error", "status"), [(PermissionError(13, "no"), 403), (FileNotFoundError(2, "gone"), 404)]
)
async def test_a_file_that_cannot_be_opened(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: OSError, status: int
) -> None:
    def open_regular(path: str) -> Any:
        raise error

    monkeypatch.setattr(files, "open_regular", open_regular)
    assert (await site().ask(get("/static/a.txt"))).status == status


# Subclasses


class Database(StaticFileHandler):
    calls: list[Any] = []  # noqa: RUF012

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        return "db:" + path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        return absolute_path

    @classmethod
    def get_content(cls, abspath: str, start: int | None = None, end: int | None = None) -> Any:
        cls.calls.append((abspath, start, end))
        return b"DBCONTENT"[start:end]

    def get_content_size(self) -> int:
        return 9

    def get_modified_time(self) -> datetime.datetime | None:
        return None


async def test_content_may_come_from_elsewhere(site: Site) -> None:
    Database.calls.clear()
    talk = site(Database)
    reply = await talk.ask(get("/x", "If-Modified-Since: " + DATE))
    assert (reply.body, reply.headers["Etag"]) == (b"DBCONTENT", etag_of(b"DBCONTENT"))
    assert "Last-Modified" not in reply.headers
    assert (await talk.ask(get("/x", "Range: bytes=2-3"))).body == b"CO"
    head = await talk.ask(request("/x", "HEAD"), head_only=True)
    assert head.headers["Content-Length"] == "9"
    # Once for the version, and for each body.
    assert Database.calls == [("db:x", None, None), ("db:x", None, None), ("db:x", 2, 4)]


async def test_content_may_come_in_pieces_with_other_headers(site: Site) -> None:
    asked: list[Any] = []

    class Pieces(Database):
        @classmethod
        def get_content(
            cls, abspath: str, start: int | None = None, end: int | None = None
        ) -> Generator[bytes, None, None]:
            yield b"DB"
            yield b"CONTENT"

        def get_modified_time(self) -> datetime.datetime | None:
            return datetime.datetime(2020, 1, 1)  # noqa: DTZ001 - either kind may be given

        def get_content_type(self) -> str:
            return ""

        def set_extra_headers(self, path: str) -> None:
            self.set_header("X-Path", path)

        def get_cache_time(self, path: str, modified: datetime.datetime | None, mime_type: str) -> int:
            asked.append((path, modified, mime_type))
            return 5

    talk = site(Pieces)
    reply = await talk.ask(get("/x"))
    assert reply.body == b"DBCONTENT"
    assert reply.headers["Cache-Control"] == "max-age=5"
    assert reply.headers["X-Path"] == "x"
    assert reply.headers["Last-Modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"
    assert reply.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert asked == [("x", datetime.datetime(2020, 1, 1), "")]  # noqa: DTZ001
    assert (await talk.ask(get("/x", f"If-Modified-Since: {DATE}"))).status == 304


async def test_the_version_may_be_of_ones_own(site: Site) -> None:
    class Numbered(StaticFileHandler):
        @classmethod
        def get_content_version(cls, abspath: str) -> str:
            return "2"

    class Untagged(StaticFileHandler):
        def compute_etag(self) -> str | None:
            return None

    assert (await site(Numbered).ask(get("/a.txt"))).headers["Etag"] == '"2"'
    reply = await site(Untagged).ask(get("/a.txt"))
    assert (reply.status, "Etag" in reply.headers) == (200, False)


async def test_paths_of_urls_may_be_translated(site: Site) -> None:
    class Upper(StaticFileHandler):
        def parse_url_path(self, url_path: str) -> str:
            return url_path.removeprefix("v1/")

    assert (await site(Upper).ask(get("/v1/a.txt"))).status == 200


async def test_a_subclass_may_add_to_get(site: Site, settled: None) -> None:
    class Adding(StaticFileHandler):
        async def get(self, path: str, include_body: bool = True) -> None:
            await super().get(path, include_body)
            self.set_header("X-Added", "yes")

    talk = site(Adding)
    for _ in range(2):
        reply = await talk.ask(get("/a.txt"))
        assert (reply.body, reply.headers["X-Added"]) == (b"0123456789", "yes")


async def test_validation_of_ones_own_may_know_no_file(site: Site) -> None:
    class Lenient(StaticFileHandler):
        def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
            return absolute_path

    talk = site(Lenient)
    assert (await talk.ask(get("/a.txt"))).body == b"0123456789"
    assert (await talk.ask(get("/nope"))).status == 404


async def test_validation_that_finds_nothing_and_has_not_answered_is_an_error(site: Site) -> None:
    class Forgetful(StaticFileHandler):
        def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
            return None

    assert (await site(Forgetful).ask(get("/a.txt"))).status == 500


async def test_a_size_that_was_announced_is_kept_to(site: Site) -> None:
    class Wrong(StaticFileHandler):
        def get_content_size(self) -> int:
            return 40

    assert (await site(Wrong).ask(get("/a.txt"))).status == 500


# The class methods


def test_urls_of_files_have_their_version(root: Path, settled: None) -> None:
    settings = {"static_path": str(root)}
    version = etag_of(b"0123456789").strip('"')
    make = StaticFileHandler.make_static_url
    assert make(settings, "a.txt") == f"/static/a.txt?v={version}"
    assert make(settings, "a.txt") == f"/static/a.txt?v={version}"
    assert make(settings, "a.txt", include_version=False) == "/static/a.txt"
    assert make({**settings, "static_url_prefix": "/q/"}, "nope") == "/q/nope"
    assert make(settings, "sub") == "/static/sub"
    assert make(settings, "a\0b") == "/static/a\0b"
    with pytest.raises(HTTPError, match=r"403.*\.\./out\.txt is not in root static directory"):
        make(settings, "../out.txt")
    (root / "a.txt").write_bytes(b"changed")
    assert make(settings, "a.txt") == f"/static/a.txt?v={etag_of(b'changed')[1:-1]}"


def test_content_in_pieces(root: Path) -> None:
    path = str(root / "a.txt")
    content = StaticFileHandler.get_content
    assert list(content(path)) == [b"0123456789"]
    assert list(content(path, 2, 5)) == [b"234"]
    assert list(content(path, start=8)) == [b"89"]
    assert list(content(path, end=3)) == [b"012"]
    assert list(content(path, 5, 100)) == [b"56789"]
    assert [len(piece) for piece in content(str(root / "big.bin"))] == [65536] * 4 + [300_001 - 4 * 65536]
    for name, status in (("nope", 404), ("sub", 403), ("fifo", 403)):
        with pytest.raises(HTTPError) as caught:
            list(content(str(root / name)))
        assert caught.value.status_code == status


def test_versions_are_limited(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small(StaticFileHandler):
        MAX_VERSION_CONTENT_SIZE = 5

    class SmallDatabase(Database):
        MAX_VERSION_CONTENT_SIZE = 5

    for cls, path in ((Small, str(root / "a.txt")), (SmallDatabase, "db:x")):
        with pytest.raises(ValueError, match=r"larger than MAX_VERSION_CONTENT_SIZE \(5 bytes\)"):
            cls.get_content_version(path)


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [("/r", "a", "/r/a"), ("/r/", "a", "/r/a"), ("/r", "", "/r"), ("/", "a", "/a"), ("/r", "x/../a", "/r/a")],
)
def test_absolute_paths(root: str, path: str, expected: str) -> None:
    assert StaticFileHandler.get_absolute_path(root, path) == expected


@pytest.mark.parametrize("path", ["..", "../r2", "/etc/passwd", "a/../../b"])
def test_paths_that_lead_out(path: str) -> None:
    with pytest.raises(HTTPError) as caught:
        StaticFileHandler.get_absolute_path("/r", path)
    assert caught.value.status_code == 403


def test_modules_constants() -> None:
    assert StaticFileHandler.CACHE_MAX_AGE == 315360000
    assert static.is_absolute("/x")
    assert static.is_absolute("https://x")
    assert not static.is_absolute("x")


async def test_awaiting_head_works_as_well(site: Site) -> None:
    class Own(StaticFileHandler):
        async def head(self, path: str) -> None:
            waiting: Awaitable[None] = super().head(path)
            await waiting

    reply = await site(Own).ask(request("/a.txt", "HEAD"), head_only=True)
    assert reply.headers["Content-Length"] == "10"
