"""A lock from task to task."""

from benchmarks.self_measured import SelfMeasured

WORKLOAD = SelfMeasured(
    "lock", "a lock handed over among 64 tasks that want it", "acquired/s", "benchmarks.waiting"
)
