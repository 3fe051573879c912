"""The least a framework can do, over TLS 1.3."""

from benchmarks.load import Load, Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import HELLO
from benchmarks.surroundings import certificate

WORKLOAD = PeerWorkload(
    "tls",
    "“Hello, world!” over TLS 1.3, connections kept alive",
    Request("/hello"),
    Expected(HELLO.encode()),
    Load(tls=True),
    needs=certificate,
)
