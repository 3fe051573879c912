"""What single workloads ask, and how they make their values."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.load import Sample
from benchmarks.samples import FEW_ROUTES, ROUTES, route_numbers
from benchmarks.setup import Setup
from benchmarks.workloads import flat, stack, upload


def test_the_upload_is_a_form_with_a_file_of_its_size() -> None:
    request = upload.WORKLOAD.request
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    assert isinstance(request.body, bytes)
    _, part = message_from_bytes(head + request.body).walk()
    content = part.get_payload(decode=True)
    assert part.get_filename() == "data.bin"
    assert part.get_param("name", header="Content-Disposition") == "file"
    assert len(request.body) == request.body.index(upload.CONTENT) + upload.SIZE + len(upload.BOUNDARY) + 8
    # The parser of mails mends line ends, so lengths may differ a little.
    assert isinstance(content, bytes) and content[:1000] == upload.CONTENT[:1000]


def test_routes_are_there_for_the_workloads_that_ask_for_them() -> None:
    assert [len(route_numbers(name)) for name in ("routes", "routes_10", "hello")] == [ROUTES, FEW_ROUTES, 0]


def test_flat_compares_costs() -> None:
    sample = flat._ratio(Sample(20.0, {"rate": 50_000}), Sample(22.0, {"rate": 45_000}))
    assert sample.value == pytest.approx(1.1)
    assert sample.details["many requests/s"] == 45_000


def test_flat_needs_this_project() -> None:
    with pytest.raises(BenchmarkError, match="framework alone"):
        flat.WORKLOAD.measure(Setup([], 1, 1))


def test_cores_that_do_everything_are_not_told_of() -> None:
    sample = stack._without_cores(
        Sample(1.0, {"load core idle": 0.0, "server core busy": 1.0, "p99 ms": 2.0})
    )
    assert sample.details == {"p99 ms": 2.0}


def test_percentiles_are_those_of_the_values() -> None:
    values = [float(number) for number in range(1, 102)]
    assert (stack._percentile(values, 50), stack._percentile(values, 99)) == (51.0, 100.0)
