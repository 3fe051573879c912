"""asyncio's own streams, queues and locks, on uvloop: see `benchmarks.echoes` and `benchmarks.waiting`."""

NAME = "asyncio"
REQUIREMENTS = ["uvloop"]
WORKLOADS = ["iostream", "queue", "lock"]
