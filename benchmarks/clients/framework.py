"""This project's client."""

from __future__ import annotations

from benchmarks.program import CONCURRENCY, fetch_on_and_on, run
from framework.httpclient import AsyncHTTPClient


async def main() -> None:
    client = AsyncHTTPClient(max_clients=CONCURRENCY)

    async def fetch(url: str) -> bytes:
        return (await client.fetch(url)).body

    await fetch_on_and_on(fetch)


if __name__ == "__main__":
    run(main)
