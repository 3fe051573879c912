"""What the documents say a WebSocket is good for: a server that tells primes from other numbers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from examples.worker_queue import is_prime
from framework.web import Application
from framework.websocket import WebSocketHandler, websocket_connect
from tests.examples.site import Site


class PrimeHandler(WebSocketHandler):
    """Any integer is a question, also a large one: the loop does not wait for the answer."""

    def initialize(self, executor: ThreadPoolExecutor) -> None:
        self.executor = executor

    async def on_message(self, message: str | bytes) -> Any:
        try:
            number = int(message)
        except ValueError:
            self.close(1003, "whole numbers only")
            return
        loop = asyncio.get_running_loop()
        prime = await loop.run_in_executor(self.executor, is_prime, number)
        await self.write_message({"number": number, "prime": prime})


async def test_the_prime_checker(site: Site) -> None:
    with ThreadPoolExecutor(1) as executor:
        site.serve(Application([("/primes", PrimeHandler, {"executor": executor})]))
        async with websocket_connect(f"ws://127.0.0.1:{site.port}/primes") as connection:
            for number in (2, 10007, 10008):
                await connection.write_message(str(number))
            answers = [await connection.read_message() for _ in range(3)]
            assert answers == [
                '{"number": 2, "prime": true}',
                '{"number": 10007, "prime": true}',
                '{"number": 10008, "prime": false}',
            ]
            await connection.write_message("seven")
            assert await connection.read_message() is None
            assert (connection.close_code, connection.close_reason) == (1003, "whole numbers only")
