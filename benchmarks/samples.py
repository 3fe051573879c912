"""What every application serves alike: texts, rows, names. The peers import it: standard library only."""

from __future__ import annotations

HELLO = "Hello, world!"
HTML = "text/html; charset=UTF-8"
TEXT = "text/plain; charset=utf-8"

#: A key for signed cookies; it guards nothing.
SECRET = "a key that is known to everybody and guards nothing at all"

#: How many routes the workload `routes` has, each of the form `/section17/item/<id>`.
ROUTES = 1000


def route(number: int) -> str:
    """The part of a route's path that tells it from the others."""
    return f"/section{number}/item/"


#: A table of rows with something to escape in each.
ROWS = [
    {"id": number, "name": f"name {number} <b>&</b>", "price": number * 1.25, "note": '"quoted" & <marked>'}
    for number in range(1000)
]
