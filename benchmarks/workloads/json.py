"""An argument in the path, one in the query, JSON out."""

from json import loads

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload

# Compared as values: some write a blank after each comma, some do not.
WORKLOAD = PeerWorkload(
    "json",
    "JSON out, an argument in the path and one in the query",
    Request("/json/42?q=caf%C3%A9+au+lait"),
    Expected({"id": 42, "q": "café au lait", "tags": ["a", "b"], "ok": True}, "application/json", read=loads),
)
