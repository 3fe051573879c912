"""A small urlencoded form."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload

WORKLOAD = PeerWorkload(
    "form",
    "POST of an urlencoded form of three fields",
    Request(
        "/form",
        "POST",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "name=Ada+Lovelace&city=London&note=%C3%A9t%C3%A9",
    ),
    Expected(b"Ada Lovelace, London"),
)
