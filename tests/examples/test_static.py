"""Static files and how long they may be kept, as the overview has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from hashlib import sha512

import pytest

from framework.web import Application, RequestHandler, StaticFileHandler
from tests.examples.reader import example
from tests.examples.site import Site

overview = partial(example, "overview")

LOGO = b"\x89PNG\r\n of a kind"


@pytest.fixture(autouse=True)
def forget_hashes() -> Iterator[None]:
    """Each test is as a process of its own to the handler, which remembers the files' hashes."""
    StaticFileHandler.reset()
    yield
    StaticFileHandler.reset()


def serve(site: Site) -> None:
    """The document's application, with the handlers of the one before."""
    site.write("static/foo.png", LOGO)
    site.write("static/images/logo.png", LOGO)
    site.write("static/robots.txt", "User-agent: *\n")
    site.write("static/favicon.ico", b"icon")
    site.write("static/apple-touch-icon.png", b"touch")
    site.serve(site.run(overview("login.py"), overview("static.py")).application)


async def test_the_folder_is_served_below_static(site: Site) -> None:
    serve(site)
    answer = await site.get("/static/foo.png")
    assert (answer.status, answer.body) == (200, LOGO)
    assert answer.field("Content-Type") == "image/png"
    assert (await site.get("/static/bar.png")).status == 404
    assert (await site.get("/static/../login.py")).status in (403, 404)


async def test_robots_favicon_and_a_route_of_ones_own_are_served_from_the_root(site: Site) -> None:
    serve(site)
    assert (await site.get("/robots.txt")).body == b"User-agent: *\n"
    assert (await site.get("/favicon.ico")).body == b"icon"
    assert (await site.get("/apple-touch-icon.png")).body == b"touch"
    assert (await site.get("/foo.png")).status == 404


class Home(RequestHandler):
    def get(self) -> None:
        self.render("static_url.html")


async def logo_url(site: Site, debug: bool = False) -> str:
    """The address of the logo in the document's page."""
    site.write("static_url.html", overview("static_url.html"))
    folder = str(site.folder)
    application = Application(
        [("/", Home)], static_path=folder + "/static", template_path=folder, debug=debug, autoreload=False
    )
    site.serve(application)
    page = (await site.get("/")).text
    assert "<title>FriendFeed - Home</title>" in page
    found = re.search(r'<img src="(/static/images/logo\.png\?v=([0-9a-f]+))"/>', page)
    assert found is not None, page
    return found[1]


async def test_static_url_has_a_hash_of_the_content_and_is_kept_for_years(site: Site) -> None:
    serve(site)
    url = await logo_url(site)
    assert url == "/static/images/logo.png?v=" + sha512(LOGO).hexdigest()
    versioned = await site.get(url)
    assert versioned.body == LOGO
    assert versioned.field("Cache-Control") == "max-age=315360000"
    assert versioned.field("Expires") is not None
    plain = await site.get("/static/images/logo.png")
    assert (plain.field("Cache-Control"), plain.field("Expires")) == (None, None)


async def test_what_the_browser_has_is_not_sent_again(site: Site) -> None:
    serve(site)
    first = await site.get("/static/foo.png")
    by_tag = await site.get("/static/foo.png", If_None_Match=first.field("Etag") or "")
    assert (by_tag.status, by_tag.body) == (304, b"")
    by_time = await site.get("/static/foo.png", If_Modified_Since=first.field("Last-Modified") or "")
    assert (by_time.status, by_time.body) == (304, b"")


async def test_another_content_has_another_address_after_a_restart(site: Site) -> None:
    serve(site)
    before = await logo_url(site)
    site.write("static/images/logo.png", LOGO + b"!")
    StaticFileHandler.reset()
    assert await logo_url(site) != before


async def test_debug_mode_does_not_remember_hashes(site: Site) -> None:
    serve(site)
    before = await logo_url(site, debug=True)
    site.write("static/images/logo.png", LOGO + b"!")
    assert await logo_url(site, debug=True) != before
