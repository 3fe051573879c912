"""The concurrent web spider, on a site of this process."""

from __future__ import annotations

import asyncio
import datetime
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from examples.web_spider import Spider, links
from framework.httpserver import HTTPServer
from framework.netutil import bind_sockets
from framework.web import Application, RequestHandler
from tests.examples.site import ROOT

PAGES = {
    "": '<a href="one">1</a> <a href="two#part">2</a> <A HREF=one>again</A> <a name="x">',
    "one": '<a href="/docs/">up</a><a href="deep/three?x=1&amp;y=2">3</a><a href="mailto:ada@example.org">',
    "two": '<a href="missing">broken</a><a href="/elsewhere">outside</a><a href="http://example.invalid/">',
    "deep/three": '<a href="../two">2</a><a href="http://[">bad</a><a href="moved">moved</a><a>',
    "plain": '<a href="never">never</a>',
    "away": '<a href="/docs/never">never</a>',
}


class LocalSite:
    """The site, what it was asked for, and how many requests it had at the same time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most = 0
        # Clear it, and pages come when it is set.
        self.open = asyncio.Event()
        self.open.set()
        # As many pages of "many" as this are asked for before the first one comes.
        self.together = 1
        self._enough = asyncio.Event()
        site = self

        class PageHandler(RequestHandler):
            async def get(self, name: str) -> None:
                site.asked.append(name)
                site.at_once += 1
                site.most = max(site.most, site.at_once)
                await site.open.wait()
                if name == "deep/moved":
                    self.redirect("/docs/plain")
                elif name == "plain":
                    self.set_header("Content-Type", "text/plain")
                    self.write(PAGES["plain"])
                elif name == "many":
                    self.write("".join(f'<a href="page{number}">' for number in range(50)))
                elif name.startswith("page"):
                    if site.most >= site.together:
                        site._enough.set()
                    await site._enough.wait()
                    self.write(name)
                elif name == "left":
                    self.redirect("/elsewhere")
                elif name in PAGES:
                    self.write(PAGES[name])
                else:
                    self.send_error(404)

            def on_finish(self) -> None:
                site.at_once -= 1

        class ElsewhereHandler(RequestHandler):
            def get(self) -> None:
                self.write(PAGES["away"])

        self.server = HTTPServer(Application([("/docs/(.*)", PageHandler), ("/elsewhere", ElsewhereHandler)]))
        sockets = bind_sockets(0, "127.0.0.1")
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/docs/"
        self.server.add_sockets(sockets)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[LocalSite]:
    site = LocalSite()
    yield site
    site.server.stop()
    await site.server.close_all_connections()


@pytest.mark.both_loops
async def test_every_page_below_is_visited_once(site: LocalSite) -> None:
    spider = Spider(site.url, workers=3)
    assert await spider.run() is True
    url = site.url
    assert spider.pages == {
        url: 2,
        url + "one": 2,
        url + "two": 1,
        url + "deep/three?x=1&y=2": 2,
        url + "deep/moved": 0,
    }
    assert list(spider.failed) == [url + "missing"]
    assert "404" in spider.failed[url + "missing"]
    assert sorted(site.asked) == ["", "deep/moved", "deep/three", "missing", "one", "plain", "two"]


async def test_as_many_pages_at_once_as_there_are_workers(site: LocalSite) -> None:
    site.together = 4
    spider = Spider(site.url + "many", workers=4)
    assert await spider.run()
    assert len(spider.pages) == 51
    assert site.most == 4


async def test_no_more_pages_than_wanted(site: LocalSite) -> None:
    spider = Spider(site.url + "many", workers=4, max_pages=11)
    assert await spider.run()
    assert len(spider.pages) == 11


async def test_a_redirect_that_leaves_the_site_is_not_followed_further(site: LocalSite) -> None:
    spider = Spider(site.url + "left", workers=1)
    assert await spider.run()
    assert spider.pages == {site.url + "left": 0}


async def test_it_ends_in_time_with_what_it_has(site: LocalSite) -> None:
    site.open.clear()
    spider = Spider(site.url + "many", workers=2)
    running = asyncio.ensure_future(spider.run(datetime.timedelta(milliseconds=1)))
    # Its time is over while the first page hasn't come; that it still takes, and no other.
    while not spider._over:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.001)
    site.open.set()
    assert await running is False
    assert (len(spider.pages), site.asked) == (1, ["many"])


async def test_a_site_that_is_not_there(site: LocalSite) -> None:
    site.server.stop()
    spider = Spider(site.url, workers=2)
    assert await spider.run()
    assert (spider.pages, list(spider.failed)) == ({}, [site.url])


def test_links_are_whole_and_without_fragments() -> None:
    page = '<a href="b?x#y"><a href=/c><a href="//d.example/"><a href="#top"><a href="javascript:x"><link href=no>'
    found = links("http://a.example/dir/page", page)
    assert found == [
        "http://a.example/dir/b?x",
        "http://a.example/c",
        "http://d.example/",
        "http://a.example/dir/page",
    ]


async def test_as_a_program(site: LocalSite) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-m",
        "examples.web_spider",
        f"--url={site.url}",
        "--workers=2",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 1
    lines = out.decode().splitlines()
    assert lines[-1] == "5 pages, 1 failures"
    assert f"{site.url}one: 2 links" in lines
    assert errors.decode().startswith(f"{site.url}missing: HTTP 404")
