"""Fetches with the client of one of the two packages: ``python fetch.py framework|tornado PORT``.

Reads the cases as JSON, prints what came of them as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
from typing import Any

# Longer than anything here takes; a fetch that hangs is seen by it.
PATIENCE = 10.0


def prepared(arguments: dict[str, Any], told: list[str]) -> dict[str, Any]:
    """The arguments, with functions where the case names some."""

    def note(what: object) -> None:
        told.append(what if isinstance(what, str) else repr(what))

    def fail(what: object) -> None:
        raise KeyError(what)

    streamed: list[bytes] = []
    made = dict(arguments)
    for name in ("header_callback", "streaming_callback"):
        if made.get(name) == "fail":
            made[name] = fail
        elif name == "header_callback" and made.get(name):
            made[name] = note
        elif made.get(name):
            made[name] = streamed.append
    pieces = made.pop("producer", None)
    if pieces is not None:

        async def produce(write: Any) -> None:
            for piece in pieces:
                await write(piece.encode())

        made["body_producer"] = produce
    made["_streamed"] = streamed
    return made


async def fetch(client_class: Any, port: int, case: dict[str, Any]) -> dict[str, Any]:
    """What came of a case."""
    told: list[str] = []
    arguments = prepared(case["arguments"], told)
    streamed = arguments.pop("_streamed")
    url = case["url"] or f"http://127.0.0.1:PORT/{case['name']}{case['behind']}"
    client = client_class(force_instance=True, **case["client"])
    try:
        got = await asyncio.wait_for(client.fetch(url.replace("PORT", str(port)), **arguments), PATIENCE)
    except Exception as error:
        response = getattr(error, "response", None)
        return {
            "error": type(error).__name__,
            "code": getattr(error, "code", None),
            "phrase": error.message if response is not None else None,  # type: ignore[attr-defined]
            "body": response.body.decode("latin-1") if response is not None else None,
            "told": told,
        }
    finally:
        client.close()
    return {
        "error": None if got.error is None else type(got.error).__name__,
        "code": got.code,
        "phrase": got.reason,
        "body": got.body.decode("latin-1"),
        "headers": sorted(got.headers.get_all()),
        "url": got.effective_url.replace(str(port), "PORT"),
        "told": told,
        "streamed": b"".join(streamed).decode("latin-1"),
    }


async def main(package: str, port: int) -> None:
    """Runs all cases."""
    logging.disable(logging.CRITICAL)
    client_class = importlib.import_module(package + ".simple_httpclient").SimpleAsyncHTTPClient
    results = {case["name"]: await fetch(client_class, port, case) for case in json.load(sys.stdin)}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
