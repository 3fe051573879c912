"""aiohttp's client, on uvloop."""

from __future__ import annotations

from aiohttp import ClientSession, TCPConnector

from benchmarks.program import CONCURRENCY, fetch_on_and_on, run


async def main() -> None:
    async with ClientSession(connector=TCPConnector(limit=CONCURRENCY), raise_for_status=True) as session:

        async def fetch(url: str) -> bytes:
            async with session.get(url) as response:
                return await response.read()

        await fetch_on_and_on(fetch)


if __name__ == "__main__":
    run(main)
