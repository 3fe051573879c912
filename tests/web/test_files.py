"""Files by themselves: what is opened, what is kept, and for how long."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from framework.web import files


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may be kept as soon as they are there."""
    monkeypatch.setattr(files, "SETTLED", -1e9)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/null")):
        with pytest.raises(IsADirectoryError):
            files.open_regular(str(path))
    (tmp_path / "a").write_bytes(b"12")
    descriptor, signature = files.open_regular(str(tmp_path / "a"))
    os.close(descriptor)
    assert signature == files.signature_of(str(tmp_path / "a"))
    assert signature.size == 2
    assert files.signature_of(str(tmp_path / "nope")) is None
    assert files.signature_of("\0") is None


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "a")
    Path(path).write_bytes(b"12")
    assert files.read_whole(path) == (b"12", files.signature_of(path))
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda *args: read(*args)[1:])
    with pytest.raises(OSError) as caught:
        files.read_whole(path)
    assert caught.value.errno == errno.EAGAIN


@pytest.mark.parametrize("helped", [True, False])
async def test_a_reader_reads_from_any_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helped: bool
) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    if not helped:
        monkeypatch.setattr(files, "_NOWAIT", None)
    descriptor, _ = files.open_regular(str(tmp_path / "a"))
    reader = files.Reader(descriptor, 4)
    assert await reader.read(100, 0) == b"0123"
    assert await reader.read(2, 4) == b"45"
    assert await reader.read(100, 8) == b"89"
    assert await reader.read(100, 10) == b""
    os.close(descriptor)
    await asyncio.get_running_loop().shutdown_default_executor()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EIO])
async def test_a_thread_reads_what_would_have_to_be_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def preadv(*args: Any) -> int:
        raise OSError(number, "no")

    (tmp_path / "a").write_bytes(b"0123456789")
    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(files, "_NOWAIT", 8)
    descriptor, _ = files.open_regular(str(tmp_path / "a"))
    reader = files.Reader(descriptor, 4)
    if number == errno.EAGAIN:
        assert await reader.read(4, 0) == b"0123"
    else:
        with pytest.raises(OSError, match="no"):
            await reader.read(4, 0)
    os.close(descriptor)
    await asyncio.get_running_loop().shutdown_default_executor()


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a/", True),
        ("/a2", "/a", False),
        ("/", "/a", False),
        ("/a", "/", True),
        ("/", "/", True),
    ],
)
def test_what_is_inside(path: str, directory: str, expected: bool) -> None:
    assert files.is_inside(path, directory) is expected


def test_types_of_names() -> None:
    assert files.content_type("/a/x.html") == "text/html"
    assert files.content_type("/a.html/x") == "application/octet-stream"
    assert files.content_type("x.svgz") == "application/gzip"
    assert files.content_type("x.bz2") == "application/octet-stream"


def kept(path: Path, size: int = 10) -> files.KeptFile:
    path.write_bytes(b"x" * size)
    signature = files.signature_of(str(path))
    assert signature is not None
    return files.KeptFile(str(path), signature, b"x" * size, None, {})


def test_kept_files_are_bounded_in_bytes(tmp_path: Path, settled: None) -> None:
    cache = files.KeptFiles(3 * 1200)
    one, two, three = (kept(tmp_path / name) for name in "abc")
    cache.put("a", one)
    cache.put("b", two)
    assert cache.get("a") is one
    cache.put("a", one)
    cache.put("c", three)
    cache.put("d", kept(tmp_path / "d"))
    assert cache.get("b") is None
    assert cache.get("a") is one
    (tmp_path / "c").unlink()
    assert cache.get("c") is None
    cache.clear()
    assert cache.get("a") is None


def test_a_file_that_was_dropped_while_it_was_looked_at(tmp_path: Path, settled: None) -> None:
    cache = files.KeptFiles(100_000)
    entry = kept(tmp_path / "a")
    cache.put("a", entry)

    class Key(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            asked.append(other)
            return len(asked) == 1

    asked: list[object] = []
    assert cache.get(Key("a")) is entry


def test_versions_are_bounded_in_number() -> None:
    cache = files.VersionCache()
    for number in range(5):
        cache.put("owner", str(number), None, f"v{number}", most=3)
    assert cache.get("owner", "1", None) is None
    assert cache.get("owner", "4", None) == ("v4",)
    assert cache.get("other", "4", None) is None


def test_nothing_is_kept_of_a_file_that_has_just_changed(tmp_path: Path) -> None:
    cache, versions = files.KeptFiles(100_000), files.VersionCache()
    entry = kept(tmp_path / "a")
    cache.put("a", entry)
    assert cache.get("a") is None
    versions.put("owner", "a", entry.signature, "v", most=3)
    assert versions.get("owner", "a", entry.signature) is None
    versions.put("owner", "a", None, "v", most=3)
    versions.clear()
    assert versions.get("owner", "a", None) is None
