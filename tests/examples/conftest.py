"""A site for each test of the examples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.examples.site import Site


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site without an application yet."""
    site = Site(tmp_path)
    yield site
    await site.close()
