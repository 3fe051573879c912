"""A large body that is taken piece by piece, as it comes."""

from random import Random

from benchmarks.load import Load, Request
from benchmarks.peer_workload import Expected, PeerWorkload

SIZE = 10_000_000

WORKLOAD = PeerWorkload(
    "upload_stream",
    "a body of 10 MB taken piece by piece",
    Request(
        "/upload_stream", "POST", {"Content-Type": "application/octet-stream"}, Random(4).randbytes(SIZE)
    ),
    Expected(str(SIZE).encode()),
    Load(connections=8),
)
