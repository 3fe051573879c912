"""A real browser for tests: Debian's Chromium, driven by Playwright.

A test asks for the fixture `page`; one that needs other settings makes its contexts from `browser`. Both are there
in every test (tests/conftest.py), start when asked for, take about a second, and end with the test.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.servers.process import NotInstalledError

__all__ = ["Browser", "Page", "browser", "page"]

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    # It asks for nothing by itself, and no name but these leads anywhere.
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# Far above what anything here takes: it ends a test that would wait for ever, and says what it waited for.
_PATIENCE_MS = 60_000


def _program() -> str:
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise NotInstalledError("Chromium", "the package chromium")


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser without windows, with a profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_program(), args=_FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page; `await page.goto(url)` fills it, `await page.evaluate(javascript)` acts in it."""
    page = await browser.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    yield page
    await page.close()
