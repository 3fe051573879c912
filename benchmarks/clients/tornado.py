"""Tornado's client, on the loop it uses by itself."""

from __future__ import annotations

from tornado.httpclient import AsyncHTTPClient

from benchmarks.program import CONCURRENCY, fetch_on_and_on, run


async def main() -> None:
    client = AsyncHTTPClient(max_clients=CONCURRENCY)

    async def fetch(url: str) -> bytes:
        return (await client.fetch(url)).body

    await fetch_on_and_on(fetch)


if __name__ == "__main__":
    run(main)
