"""httpx: see `benchmarks.clients`."""

NAME = "httpx"
REQUIREMENTS = ["httpx", "uvloop"]
WORKLOADS = ["client"]
