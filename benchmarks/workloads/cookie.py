"""A signed cookie read and set."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import HELLO

WORKLOAD = PeerWorkload(
    "cookie",
    "a signed cookie read and set",
    Request("/cookie"),
    Expected(HELLO.encode(), sets_cookie=True),
    then=Expected(HELLO.encode(), sets_cookie=True),
)
