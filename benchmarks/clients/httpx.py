"""httpx' client, on uvloop."""

from __future__ import annotations

from httpx import AsyncClient, Limits

from benchmarks.program import CONCURRENCY, fetch_on_and_on, run


async def main() -> None:
    limits = Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with AsyncClient(limits=limits) as client:

        async def fetch(url: str) -> bytes:
            response = await client.get(url)
            return response.raise_for_status().content

        await fetch_on_and_on(fetch)


if __name__ == "__main__":
    run(main)
