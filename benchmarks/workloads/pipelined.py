"""Sixteen requests at once on each connection."""

from benchmarks.load import Load, Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import HELLO

WORKLOAD = PeerWorkload(
    "pipelined",
    "“Hello, world!”, 16 requests at once on each connection",
    Request("/hello"),
    Expected(HELLO.encode()),
    Load(pipeline=16),
)
