"""Tests of asynchronous code with `unittest`, with an application and its server where wanted.

::

    from framework.testing import AsyncHTTPTestCase, AsyncTestCase, gen_test

    class TestSite(AsyncHTTPTestCase):
        def get_app(self):
            return Application([("/", MainHandler)])

        def test_front_page(self):
            response = self.fetch("/")
            self.assertEqual(response.code, 200)

    class TestQueue(AsyncTestCase):
        @gen_test
        async def test_get(self):
            self.assertEqual(await queue.get(), 1)

    if __name__ == "__main__":
        framework.testing.main()

For pytest there are fixtures; see `framework.pytest_plugin`.
"""

from __future__ import annotations

from framework.testing.cases import (
    AsyncTestCase,
    gen_test,
    get_async_test_timeout,
    setup_with_context_manager,
)
from framework.testing.expect_log import ExpectLog
from framework.testing.http import AsyncHTTPSTestCase, AsyncHTTPTestCase
from framework.testing.ports import bind_unused_port
from framework.testing.program import main

__all__ = [
    "AsyncHTTPSTestCase",
    "AsyncHTTPTestCase",
    "AsyncTestCase",
    "ExpectLog",
    "bind_unused_port",
    "gen_test",
    "get_async_test_timeout",
    "main",
    "setup_with_context_manager",
]
