"""Static files with each point of `StaticFileHandler` overridden."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Generator
from typing import Any

from framework import web
from tests.differential.site.common import action, tell

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
log = logging.getLogger("site")


class Told(web.StaticFileHandler):
    """Tells when it is asked."""

    def initialize(self, *arguments: Any, **options: Any) -> None:
        super().initialize(*arguments, **options)
        log.warning("initialize %s %s", os.path.basename(self.root), self.default_filename)

    def set_extra_headers(self, path: str) -> None:
        log.warning("set_extra_headers %s", path)
        self.set_header("Cache-Control", "no-store")

    def get_cache_time(self, path: str, modified: Any, mime_type: str) -> int:
        log.warning("get_cache_time %s %s %s", path, modified, mime_type)
        return super().get_cache_time(path, modified, mime_type)

    def should_return_304(self) -> bool:
        answer = super().should_return_304()
        log.warning("should_return_304 %s", answer)
        return answer

    async def get(self, path: str, include_body: bool = True) -> None:
        await super().get(path, include_body)
        log.warning("got %s %s %s", self.path, os.path.basename(self.absolute_path or ""), include_body)


class Generated(web.StaticFileHandler):
    """Content that is made."""

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        yield from (b"part one, ", b"part two")

    def get_content_size(self) -> int:
        return 18

    def compute_etag(self) -> str:
        return '"own"'


class Elsewhere(web.StaticFileHandler):
    """Files whose places and versions are its own affair."""

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        return os.path.join(root, path.replace("~", "/"))

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if absolute_path.endswith("secret"):
            raise web.HTTPError(403, "no %s", "secrets")
        if absolute_path.endswith("moved"):
            self.redirect("/there")
            return None
        return super().validate_absolute_path(root, absolute_path)

    @classmethod
    def get_version(cls, settings: dict[str, Any], path: str) -> str:
        return "1.2.3"

    def parse_url_path(self, url_path: str) -> str:
        return url_path.removesuffix(".alias") + ".txt" if url_path.endswith(".alias") else url_path


class Versioned(web.StaticFileHandler):
    """Versions of its own; of a file that no other class serves, as versions may be kept for all classes."""

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        return os.path.join(root, "versioned.txt" if path == "file.txt" else path)

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        return hashlib.sha256(abspath.encode()).hexdigest()[:8] if not abspath.endswith("txt") else "v1"


class Guarded(web.StaticFileHandler):
    """Looks before it serves."""

    def prepare(self) -> None:
        if self.get_argument("deny", None):
            raise web.HTTPError(401)
        self.set_header("X-Prepared", "1")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish(f"own {status_code}")


def routes() -> list[Any]:
    """A route for each."""
    return [
        (rf"/statics/{kind.__name__.lower()}/(.*)", kind, {"path": ROOT})
        for kind in (Told, Generated, Elsewhere, Versioned, Guarded)
    ]


@action
def static_urls(self: Any) -> None:
    for path in ("file.txt", "never.txt", "../apps.py", "/file.txt", "dir/index.html", "odd name?.txt"):
        tell(self, self.static_url, path)
        tell(self, self.static_url, path, include_host=True)
        tell(self, self.static_url, path, include_version=False)
        tell(self, web.StaticFileHandler.make_static_url, self.settings, path)
        tell(self, Elsewhere.make_static_url, self.settings, path)
        tell(self, web.StaticFileHandler.get_version, self.settings, path)
    tell(self, lambda: b"".join(web.StaticFileHandler.get_content(os.path.join(ROOT, "file.txt"), 1, 4)))
    tell(self, lambda: web.StaticFileHandler.CACHE_MAX_AGE)
