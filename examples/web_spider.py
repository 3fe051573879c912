"""A concurrent web spider: several workers share a queue of addresses, and add to it what they find.

    python -m examples.web_spider --url=http://127.0.0.1:8888/docs/ --workers=10

visits every page below an address once, and says what was found: a line for each page, and one for each that could not
be had. The queue knows when all is done: `join` returns when `task_done` was called for every address that was put.
"""

from __future__ import annotations

import datetime
import sys
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

from framework.gen import TimeoutError as GenTimeoutError
from framework.gen import convert_yielded, multi
from framework.httpclient import AsyncHTTPClient, HTTPError
from framework.ioloop import IOLoop
from framework.options import define, options, parse_command_line
from framework.queues import Queue

__all__ = ["Spider", "links"]

# No page for people is larger. Each worker has one at a time.
MAX_PAGE = 8 << 20


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def links(address: str, page: str) -> list[str]:
    """The addresses that a page links to, whole, without the part behind ``#``, in their order.

    :arg address: the page's own.
    """
    parser = _Links()
    parser.feed(page)
    parser.close()
    found = []
    for target in parser.found:
        try:
            whole = urldefrag(urljoin(address, target)).url
        except ValueError:
            # Such as "http://[": people write anything.
            continue
        if whole.startswith(("http://", "https://")):
            found.append(whole)
    return found


class Spider:
    """Visits the pages below an address. `run` does it, once.

    :arg url: where to begin; what begins like the folder it is in is below it.
    :arg workers: how many pages are fetched at the same time.
    :arg max_pages: addresses to know of; what is found beyond that is left out.
    """

    def __init__(self, url: str, workers: int, max_pages: int = 10000) -> None:
        self.url = urldefrag(url).url
        # By address: how many links to pages of the site each page has, and why there is no page.
        self.pages: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        self._below = urljoin(self.url, ".")
        self._workers = workers
        self._max_pages = max_pages
        # Addresses are put once: the queue is no longer than this is large.
        self._known: set[str] = set()
        # None tells a worker that there is no more.
        self._queue: Queue[str | None] = Queue()
        self._over = False
        self._client = AsyncHTTPClient(force_instance=True, max_clients=workers, max_body_size=MAX_PAGE)

    async def run(self, limit: datetime.timedelta | None = None) -> bool:
        """Visits them; returns whether it was done before the limit."""
        self._add(self.url)
        workers = convert_yielded(multi([self._work() for _ in range(self._workers)]))
        try:
            await self._queue.join(timeout=limit)
        except GenTimeoutError:
            self._over = True
        for _ in range(self._workers):
            await self._queue.put(None)
        await workers
        self._client.close()
        return not self._over

    async def _work(self) -> None:
        async for address in self._queue:
            if address is None:
                return
            try:
                if not self._over:
                    await self._visit(address)
            finally:
                self._queue.task_done()

    async def _visit(self, address: str) -> None:
        try:
            response = await self._client.fetch(address)
        except (HTTPError, OSError, ValueError) as error:
            self.failed[address] = str(error)
            return
        self.pages[address] = 0
        # A redirect may have led elsewhere.
        if not self._is_below(response.effective_url):
            return
        if response.headers.get("Content-Type", "").lower().startswith("text/html"):
            page = response.body.decode(errors="replace")
            found = set(filter(self._is_below, links(response.effective_url, page)))
            self.pages[address] = len(found)
            for one in sorted(found):
                self._add(one)

    def _is_below(self, address: str) -> bool:
        return address.startswith(self._below)

    def _add(self, address: str) -> None:
        if address not in self._known and len(self._known) < self._max_pages:
            self._known.add(address)
            self._queue.put_nowait(address)


async def main() -> int:
    """Visits what the options say; the exit status."""
    spider = Spider(options.url, options.workers, options.max_pages)
    done = await spider.run(datetime.timedelta(seconds=options.seconds))
    for address, count in sorted(spider.pages.items()):
        print(f"{address}: {count} links")
    for address, reason in sorted(spider.failed.items()):
        print(f"{address}: {reason}", file=sys.stderr)
    print(f"{len(spider.pages)} pages, {len(spider.failed)} failures{'' if done else ', not done in time'}")
    return 0 if done and not spider.failed else 1


if __name__ == "__main__":
    define("url", default="http://127.0.0.1:8888/", help="where to begin; only pages below it are visited")
    define("workers", default=10, help="pages that are fetched at the same time")
    define("max_pages", default=10000, help="pages to know of, visited or not")
    define("seconds", default=300, help="seconds until it ends in any case")
    parse_command_line()
    status: int = IOLoop.current().run_sync(main)
    sys.exit(status)
