"""The last of a thousand routes."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import ROUTES, route

WORKLOAD = PeerWorkload(
    "routes", f"the last of {ROUTES} routes", Request(route(ROUTES - 1) + "7"), Expected(b"7")
)
