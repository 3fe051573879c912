"""`StaticFileHandler`: serves the files of a directory."""

from __future__ import annotations

import asyncio
import datetime
import errno
import hashlib
import os
import stat
import time
from collections.abc import Awaitable, Generator
from typing import Any, ClassVar

from framework.httputil.dates import content_range, format_timestamp, parse_date, parse_range
from framework.iostream import StreamClosedError
from framework.log import gen_log
from framework.web import files
from framework.web.errors import HTTPError
from framework.web.handler import RequestHandler
from framework.web.uimodules import is_absolute

__all__ = ["StaticFileHandler", "is_absolute"]

# Files up to this size are read as a whole, and kept in memory.
_SMALL = 64 * 1024
_KEPT = 16 * 1024 * 1024

# Larger ones are sent in pieces of this size; see `files.Reader`.
_PIECE = 112 * 1024

# The header fields that `_serve` sets for a whole file.
_FIELDS = ("Accept-Ranges", "Etag", "Last-Modified", "Content-Type", "Content-Length")

# A subclass that overrides one of these may answer the next request otherwise than the last.
_OVERRIDABLE = frozenset(
    (
        "get",
        "head",
        "parse_url_path",
        "get_absolute_path",
        "validate_absolute_path",
        "get_content",
        "get_content_version",
        "get_content_size",
        "get_modified_time",
        "get_content_type",
        "get_cache_time",
        "set_extra_headers",
        "set_headers",
        "should_return_304",
        "compute_etag",
        "set_etag_header",
        "check_etag_header",
        "set_header",
        "set_status",
        "write",
    )
)

_kept = files.KeptFiles(_KEPT)
_versions = files.VersionCache()


class StaticFileHandler(RequestHandler):
    """Serves the files of the directory ``path``.

    The setting ``static_path`` makes one for ``/static/``. The route's pattern has one group, the path of the
    file. ``default_filename`` is the file to serve where a directory is asked for. A file whose real path is
    outside of ``allowed_symlink_directory`` (one or a list of them; ``path`` if not given) is refused with 403.

    Answers GET and HEAD with ETag, Last-Modified and single ranges (RFC 9110 sections 8.8, 13 and 14). URLs
    with an argument ``v``, as `make_static_url` makes them, may be kept by clients for ten years.

    Subclasses may override what has a docstring. To serve something else than files, override
    `get_absolute_path`, `validate_absolute_path`, `get_content`, `get_content_size` and `get_modified_time`.
    """

    CACHE_MAX_AGE = 86400 * 365 * 10  # seconds
    MAX_VERSION_CONTENT_SIZE = 64 * 1024 * 1024  # bytes
    MAX_CACHED_VERSIONS = 10_000

    root: str
    default_filename: str | None
    allowed_symlink_directory: str | list[str] | None = None
    path: str
    absolute_path: str | None = None
    modified: datetime.datetime | None

    # Of the file at `absolute_path`: its signature, its content if it is small, and its version once known.
    _signature: files.Signature | None = None
    _content: bytes | None = None
    _version: tuple[str | None] | None = None

    # Whether nothing of what `_OVERRIDABLE` lists was overridden.
    _is_plain: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._is_plain = not any(
            name in ancestor.__dict__ for ancestor in _below(cls) for name in _OVERRIDABLE
        )

    def initialize(
        self,
        path: str,
        default_filename: str | None = None,
        allowed_symlink_directory: str | list[str] | None = None,
    ) -> None:
        """Takes the folder, and what to serve for folders inside."""
        self.root = path
        self.default_filename = default_filename
        self.allowed_symlink_directory = allowed_symlink_directory

    @classmethod
    def reset(cls) -> None:
        """Forgets the versions and contents that are kept."""
        _versions.clear()
        _kept.clear()

    def head(self, path: str) -> Awaitable[None]:
        """Answers as `get` does, without the content."""
        return self.get(path, include_body=False)

    def get(self, path: str, include_body: bool = True) -> Awaitable[None]:
        """Answers with a file: whole, a range of it, or that the client has it already."""
        key = self._key(path)
        if key is None:
            return self._serve(path, None, include_body)
        kept = _kept.get(key)
        if kept is None:
            return self._serve(path, key, include_body)
        # What `_serve` answered for the same file when it was last read.
        self._version = (kept.version,)
        self._headers._fields.update(kept.fields)
        if include_body:
            self._write_buffer.append(kept.content)
        return self.finish()

    def _key(self, path: str) -> object | None:
        """What the answer depends on, besides the file; None if it depends on more than can be told here."""
        request = self.request
        if (
            not self._is_plain
            or request.query
            or not self._auto_finish
            or request._field("If-None-Match") is not None
            or request._field("If-Modified-Since") is not None
            or request._field("Range") is not None
        ):
            return None
        allowed = self.allowed_symlink_directory
        if isinstance(allowed, list):
            allowed = "\0".join(allowed)
        # Whether a directory is redirected depends on the URL, but then there is no file to keep.
        return type(self), self.root, self.default_filename, allowed, path

    async def _serve(self, path: str, key: object | None, include_body: bool) -> None:
        self.path = self.parse_url_path(path)
        absolute_path = self.get_absolute_path(self.root, self.path)
        self.absolute_path = self.validate_absolute_path(self.root, absolute_path)
        if self.absolute_path is None:
            if not self._finished:
                raise RuntimeError(
                    f"validate_absolute_path of {type(self).__name__} returned None without having answered"
                )
            return
        descriptor: int | None = None
        try:
            if self._serves_files():
                descriptor = self._open(self.absolute_path)
            if descriptor is not None:
                await self._hash_in_thread(self.absolute_path)
            await self._answer(self.absolute_path, descriptor, include_body)
        finally:
            if descriptor is not None:
                os.close(descriptor)
        if key is not None and self._content is not None and self._signature is not None:
            fields = {name: self._headers[name] for name in _FIELDS if name in self._headers}
            version = self._version[0] if self._version is not None else None
            _kept.put(
                key, files.KeptFile(self.absolute_path, self._signature, self._content, version, fields)
            )

    async def _answer(self, absolute_path: str, descriptor: int | None, include_body: bool) -> None:
        self.modified = self.get_modified_time()
        self.set_headers()
        if self.should_return_304():
            self.set_status(304)
            return
        size = self.get_content_size()
        start, end = 0, size
        wanted = self._wanted_range()
        if wanted is not None:
            start, end = _within(wanted, size)
            if start >= end:
                # RFC 9110 section 15.5.17
                self.set_status(416)
                self.set_header("Content-Type", "text/plain")
                self.set_header("Content-Range", f"bytes */{size}")
                return
            if end - start != size:
                self.set_status(206)
                self.set_header("Content-Range", content_range(start, end, size))
        self._headers["Content-Length"] = str(end - start)
        if not include_body:
            return
        try:
            if self._content is not None:
                self.write(self._content[start:end] if end - start != size else self._content)
            elif descriptor is not None:
                await self._send_pieces(descriptor, start, end)
            else:
                whole = end - start == size
                await self._send_content(absolute_path, None if whole else start, None if whole else end)
        except StreamClosedError:
            # The client has gone; nobody wants the rest.
            return

    async def _send_pieces(self, descriptor: int, position: int, end: int) -> None:
        reader = files.Reader(descriptor, min(_PIECE, end - position))
        while True:
            piece = await reader.read(end - position, position)
            if not piece:
                # The length is announced: all that can be done is to break off.
                raise HTTPError(500, "%s became shorter while it was sent", self.path)
            self.write(piece)
            position += len(piece)
            if position == end:
                return
            await self.flush()

    async def _send_content(self, absolute_path: str, start: int | None, end: int | None) -> None:
        """Send what a subclass's `get_content` gives."""
        content: Any = self.get_content(absolute_path, start, end)
        for chunk in [content] if isinstance(content, bytes) else content:
            self.write(chunk)
            await self.flush()

    # -- the file

    @classmethod
    def _serves_files(cls) -> bool:
        return cls.get_content.__func__ is _get_content  # type: ignore[attr-defined]

    def _file(self) -> files.Signature:
        if self._signature is None:
            self._signature = files.Signature.of(os.stat(self.absolute_path or ""))
        return self._signature

    def _open(self, path: str) -> int | None:
        """Reads a small file into `_content`; gives a descriptor of a larger one."""
        descriptor: int | None = None
        try:
            checked = self._file()
            if checked.size > _SMALL:
                descriptor, self._signature = files.open_regular(path)
            else:
                self._content, self._signature = files.read_whole(path)
        except OSError as error:
            raise _as_http_error(error, self.path) from None
        opened = self._signature
        if opened != checked and not self._is_allowed(self.root, path, opened):
            # Replaced after it was checked.
            if descriptor is not None:
                os.close(descriptor)
            raise HTTPError(403, "%s is not in root static directory", self.path)
        return descriptor

    async def _hash_in_thread(self, path: str) -> None:
        """Has the version of a large file computed where it blocks nobody."""
        cls, signature = type(self), self._file()
        self._version = _versions.get(cls, path, signature)
        if self._version is None and signature.size <= cls.MAX_VERSION_CONTENT_SIZE:
            loop = asyncio.get_running_loop()
            version = await loop.run_in_executor(None, _try_version, cls, path)
            _versions.put(cls, path, signature, version, cls.MAX_CACHED_VERSIONS)
            self._version = (version,)

    # -- what subclasses override

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Where the file ``path``, relative to ``root``, is; any string that `get_content` understands.

        Raises 403 if the path, as it is written, leads out of ``root``.
        """
        root = os.path.abspath(root)
        absolute_path = os.path.abspath(os.path.join(root, path))
        if not files.is_inside(absolute_path, root):
            raise HTTPError(403, "%s is not in root static directory", path)
        return absolute_path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """The path to serve, after all checks; None if the request has been answered here, by a redirect.

        ``absolute_path`` is what `get_absolute_path` gave. Raises 404 where there is nothing and 403 for
        what isn't a regular file or is a link that leads out.
        """
        status = _status_of(absolute_path)
        if status is not None and stat.S_ISDIR(status.st_mode) and self.default_filename is not None:
            path = self.request.path or ""
            if not path.endswith("/"):
                if path.startswith("//"):
                    # It would be a redirect to another host.
                    raise HTTPError(403, "cannot redirect path with two initial slashes")
                self.redirect(path + "/", permanent=True)
                return None
            absolute_path = os.path.join(absolute_path, self.default_filename)
            status = _status_of(absolute_path)
        signature = None if status is None else files.Signature.of(status)
        if not self._is_allowed(root, absolute_path, signature):
            raise HTTPError(403, "%s is not in root static directory", self.path)
        if status is None:
            raise HTTPError(404)
        if not stat.S_ISREG(status.st_mode):
            raise HTTPError(403, "%s is not a file", self.path)
        self._signature = signature
        return absolute_path

    def _is_allowed(self, root: str, path: str, signature: files.Signature | None) -> bool:
        """Whether a path stays in the allowed directories when all links are followed."""
        allowed = self.allowed_symlink_directory
        directories = (root,) if allowed is None else (allowed,) if isinstance(allowed, str) else (*allowed,)
        # Following the links takes a system call for each part of the path: it is done once for a file.
        if signature is not None and _versions.get(directories, path, signature) is not None:
            return True
        try:
            real_path = os.path.realpath(path)
        except ValueError:
            # A NUL character: there can't be such a file.
            return True
        if not any(files.is_inside(real_path, os.path.realpath(directory)) for directory in directories):
            return False
        if signature is not None:
            _versions.put(directories, path, signature, None, self.MAX_CACHED_VERSIONS)
        return True

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        """The bytes from ``start`` to before ``end``, as ``bytes`` or in pieces. None: from the start, to the end.

        Raises 404 where there is no file and 403 where it isn't a regular one.
        """
        try:
            descriptor, _ = files.open_regular(abspath)
        except (OSError, ValueError) as error:
            raise _as_http_error(error, abspath) from None
        try:
            position = start or 0
            while end is None or position < end:
                size = _SMALL if end is None else min(_SMALL, end - position)
                piece = os.pread(descriptor, size, position)
                if not piece:
                    return
                position += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        """What tells one content from another: the SHA-512 of it, in hexadecimal.

        Raises ValueError for more than `MAX_VERSION_CONTENT_SIZE` bytes, which would take too long.
        """
        limit = cls.MAX_VERSION_CONTENT_SIZE
        # Of a file it is known beforehand.
        known = files.signature_of(abspath) if cls._serves_files() else None
        size = 0 if known is None else known.size
        if size <= limit:
            content: Any = cls.get_content(abspath)
            digest = hashlib.sha512()
            size = 0
            for chunk in [content] if isinstance(content, bytes) else content:
                size += len(chunk)
                if size > limit:
                    break
                digest.update(chunk)
            else:
                return digest.hexdigest()
        raise ValueError(f"content is larger than MAX_VERSION_CONTENT_SIZE ({limit} bytes)")

    def get_content_size(self) -> int:
        """The size of the whole content in bytes."""
        return self._file().size

    def get_modified_time(self) -> datetime.datetime | None:
        """When the content was last modified, to the second; None if that isn't known."""
        # To the second, as HTTP's dates are: a comparison with what a client sends back must fit.
        return datetime.datetime.fromtimestamp(self._file().modified // 1_000_000_000, datetime.UTC)

    def get_content_type(self) -> str:
        """The Content-Type of the response, by default by the end of the file's name."""
        return files.content_type(self.absolute_path or "")

    def set_extra_headers(self, path: str) -> None:
        """Sets further headers of the response."""

    def get_cache_time(self, path: str, modified: datetime.datetime | None, mime_type: str) -> int:
        """For how many seconds clients may keep the response without asking; 0: as they think fit."""
        return self.CACHE_MAX_AGE if "v" in self.request.arguments else 0

    @classmethod
    def make_static_url(cls, settings: dict[str, Any], path: str, include_version: bool = True) -> str:
        """The URL of a file in ``static_path``, with its version unless ``include_version`` is false.

        ``settings`` are the application's. Raises 403 for a path that leads out of the directory.
        """
        url: str = settings.get("static_url_prefix", "/static/") + path
        if not include_version:
            return url
        version = cls.get_version(settings, path)
        return f"{url}?v={version}" if version else url

    def parse_url_path(self, url_path: str) -> str:
        """The path of the file, relative to the directory, for the path in the URL."""
        return url_path if os.path.sep == "/" else url_path.replace("/", os.path.sep)

    @classmethod
    def get_version(cls, settings: dict[str, Any], path: str) -> str | None:
        """The version of a file in ``static_path`` for its URL; None if there is none."""
        return cls._get_cached_version(cls.get_absolute_path(settings["static_path"], path))

    @classmethod
    def _get_cached_version(cls, abs_path: str) -> str | None:
        signature = files.signature_of(abs_path)
        known = _versions.get(cls, abs_path, signature)
        if known is not None:
            return known[0]
        version = _try_version(cls, abs_path)
        _versions.put(cls, abs_path, signature, version, cls.MAX_CACHED_VERSIONS)
        return version

    # -- headers

    def compute_etag(self) -> str | None:
        """The entity tag: the version of the whole content, so that a part of it has the same."""
        if self._version is None:
            self._version = (self._find_version(self.absolute_path or ""),)
        version = self._version[0]
        return f'"{version}"' if version else None

    def _find_version(self, path: str) -> str | None:
        cls, content = type(self), self._content
        own = cls.get_content_version.__func__ is not _get_content_version  # type: ignore[attr-defined]
        if own or content is None or len(content) > cls.MAX_VERSION_CONTENT_SIZE:
            return self._get_cached_version(path)
        signature = self._file()
        known = _versions.get(cls, path, signature)
        if known is not None:
            return known[0]
        # Of the very bytes that are sent.
        version = hashlib.sha512(content).hexdigest()
        _versions.put(cls, path, signature, version, cls.MAX_CACHED_VERSIONS)
        return version

    def set_headers(self) -> None:
        """Sets the headers that tell of the content and how long it may be kept."""
        self._headers["Accept-Ranges"] = "bytes"
        self.set_etag_header()
        if self.modified is not None:
            self._headers["Last-Modified"] = format_timestamp(self.modified)
        content_type = self.get_content_type()
        if content_type:
            self.set_header("Content-Type", content_type)
        cache_time = self.get_cache_time(self.path, self.modified, content_type)
        if cache_time > 0:
            self._headers["Expires"] = format_timestamp(time.time() + cache_time)
            self._headers["Cache-Control"] = f"max-age={cache_time}"
        self.set_extra_headers(self.path)

    def should_return_304(self) -> bool:
        """Whether the client has this content already (RFC 9110 section 13.1)."""
        # If-Modified-Since is ignored where there is an If-None-Match.
        if self.request._field("If-None-Match"):
            return self.check_etag_header()
        since = self.request._field("If-Modified-Since")
        if since is None or self.modified is None:
            return False
        date = parse_date(since)
        return date is not None and _aware(self.modified) <= date

    def _wanted_range(self) -> tuple[int | None, int | None] | None:
        wanted = self.request._field("Range")
        if wanted is None:
            return None
        condition = self.request._field("If-Range")
        # RFC 9110 section 13.1.5: for another content than the client has a part of, it gets all of it.
        if condition is not None and condition not in (
            self._headers.get("Etag"),
            self._headers.get("Last-Modified"),
        ):
            return None
        return parse_range(wanted)


def _below(cls: type) -> list[type]:
    """A class and its bases, without `StaticFileHandler` and its own bases."""
    return [base for base in cls.__mro__ if base not in StaticFileHandler.__mro__]


_get_content = StaticFileHandler.get_content.__func__  # type: ignore[attr-defined]
_get_content_version = StaticFileHandler.get_content_version.__func__  # type: ignore[attr-defined]


def _within(wanted: tuple[int | None, int | None], size: int) -> tuple[int, int]:
    """The positions in a content of `size` bytes that a range means; empty if it can't be satisfied."""
    start, end = wanted
    if start is not None and start < 0:
        start = max(0, size + start)
    return start or 0, size if end is None else min(end, size)


def _aware(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)


def _status_of(path: str) -> os.stat_result | None:
    """The status of what is at a path, or at the end of the links there; None: nothing."""
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _as_http_error(error: OSError | ValueError, path: str) -> HTTPError:
    code = error.errno if isinstance(error, OSError) else errno.ENOENT
    if code == errno.EISDIR:
        return HTTPError(403, "%s is not a file", path)
    if code in (errno.EACCES, errno.EPERM):
        return HTTPError(403, "%s may not be read", path)
    if code == errno.EAGAIN:
        return HTTPError(503, "%s changes while it is read", path)
    return HTTPError(404)


def _try_version(cls: type[StaticFileHandler], path: str) -> str | None:
    try:
        return cls.get_content_version(path)
    except Exception as error:
        gen_log.error("Could not open static file %r: %s", path, error)
        return None
