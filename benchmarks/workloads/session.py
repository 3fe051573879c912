"""A session in Redis: read, and a counter in it written, with every request."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.surroundings import redis_server

WORKLOAD = PeerWorkload(
    "session",
    "a session in Redis read and written",
    Request("/session"),
    Expected(b"visit 1", sets_cookie=True),
    then=Expected(b"visit 2"),
    needs=redis_server,
)
