"""A sign-in under way is finished once, whatever store the sessions are in."""

from __future__ import annotations

import asyncio

from framework.session import Store
from tests.auth.browser import Browser
from tests.auth.conftest import Serve
from tests.auth.oidc_provider import Provider, site
from tests.session.conftest import memory_store, redis_store, sqlite_store, store

__all__ = ["memory_store", "redis_store", "sqlite_store", "store"]


async def test_of_ten_at_the_same_moment_one_gets_the_code_exchanged(
    serve: Serve, browser: Browser, store: Store
) -> None:
    provider = Provider(serve)
    here, _ = site(serve, provider, browser, store=store)
    fields = await here.begin()
    answers = await asyncio.gather(*[here.finish(fields) for _ in range(10)])
    assert ["result" in answer for answer in answers].count(True) == 1
    assert {answer["message"] for answer in answers if "message" in answer} == {
        "this browser has begun no such sign-in, or it is over: begin again (state)"
    }
    assert len(provider.forms) == 1
    # The next one is as good as ever.
    assert "result" in await here.sign_in()
