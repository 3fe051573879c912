"""A small JSON document."""

from json import dumps

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload

WORKLOAD = PeerWorkload(
    "form_json",
    "POST of a JSON object of three members",
    Request(
        "/form_json",
        "POST",
        {"Content-Type": "application/json"},
        dumps({"name": "Ada Lovelace", "city": "London", "note": "été"}),
    ),
    Expected(b"Ada Lovelace, London"),
)
