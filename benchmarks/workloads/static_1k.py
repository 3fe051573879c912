"""A small file."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload

WORKLOAD = PeerWorkload(
    "static_1k",
    "a file of 1 kB",
    Request("/static/1k.txt"),
    Expected((b"0123456789abcdef" * 63)[:1000], "text/plain"),
)
