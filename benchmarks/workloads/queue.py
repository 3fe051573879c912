"""Items from one task to another."""

from benchmarks.self_measured import SelfMeasured

WORKLOAD = SelfMeasured("queue", "put and get through a queue of 16", "items/s", "benchmarks.waiting")
