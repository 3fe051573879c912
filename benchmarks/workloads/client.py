"""Clients, against nginx."""

from benchmarks.self_measured import SelfMeasured
from benchmarks.surroundings import nginx_files

WORKLOAD = SelfMeasured(
    "client",
    "a file of 1 kB fetched from nginx, 64 at a time",
    "fetches/s",
    "benchmarks.clients.{key}",
    needs=nginx_files,
)
