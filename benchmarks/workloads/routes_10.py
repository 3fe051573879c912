"""The last of ten routes, to compare with a thousand."""

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import FEW_ROUTES, route

WORKLOAD = PeerWorkload(
    "routes_10", f"the last of {FEW_ROUTES} routes", Request(route(FEW_ROUTES - 1) + "7"), Expected(b"7")
)
