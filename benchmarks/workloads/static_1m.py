"""A large file."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload

WORKLOAD = PeerWorkload(
    "static_1m",
    "a file of 1 MB",
    Request("/static/1m.txt"),
    Expected(b"0123456789abcdef" * 62500, "text/plain"),
)
