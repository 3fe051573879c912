"""The same from an `async def` that never waits."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import HELLO

WORKLOAD = PeerWorkload(
    "hello_async", "“Hello, world!” from an async handler", Request("/hello_async"), Expected(HELLO.encode())
)
