"""The least a framework can do: a short text from a plain function."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import HELLO

WORKLOAD = PeerWorkload(
    "hello", "“Hello, world!” from a plain handler", Request("/hello"), Expected(HELLO.encode())
)
