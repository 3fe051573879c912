"""What is given to wrk and what is understood of its output."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.load import Load, Request, _parse, _read_body

OUTPUT = """\
Running 3s test @ http://127.0.0.1:8000/hello
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.03ms    1.11ms  25.01ms   96.66%
    Req/Sec    32.25k     1.20k   34.00k    80.00%
  Latency Distribution
     50%  950.00us
     75%    2.10ms
     90%    2.52ms
     99%    1.50s
  96345 requests in 3.00s, 17.00MB read
Requests/sec:  32105.42
Transfer/sec:      5.66MB
"""


def test_rate_and_latencies_are_read() -> None:
    sample = _parse(OUTPUT, {"load core idle": 0.5})
    assert sample.value == 32105.42
    assert sample.details == pytest.approx({"load core idle": 0.5, "p50 ms": 0.95, "p99 ms": 1500.0})


def test_latencies_of_nothing_are_left_out() -> None:
    sample = _parse(OUTPUT.replace("950.00us", "0.00us"), {})
    assert sample.details == {"p99 ms": 1500.0}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Non-2xx or 3xx responses: 12", "12 answers told of an error"),
        ("Socket errors: connect 0, read 1, write 0, timeout 0", "read 1"),
        ("", "wrk counted no answer"),
    ],
)
def test_answers_that_were_wrong_or_missing_are_an_error(line: str, message: str) -> None:
    output = OUTPUT + line if line else "nonsense"
    with pytest.raises(BenchmarkError, match=message):
        _parse(output, {})


def test_no_socket_errors_are_no_error() -> None:
    output = OUTPUT + "  Socket errors: connect 0, read 0, write 0, timeout 0\n"
    assert _parse(output, {}).value == 32105.42


def test_the_request_is_written_for_lua_with_every_odd_character_escaped() -> None:
    request = Request("/", "POST", {"X-A": 'quote " and \\'}, 'a="1"\n')
    script = Load()._script(request)
    assert 'wrk.method = "POST"' in script
    assert 'wrk.headers["X\\045A"] = "quote\\032\\034\\032and\\032\\092"' in script
    assert 'wrk.body = "a\\061\\0341\\034\\010"' in script
    assert "string.rep" not in script


def test_a_pipeline_is_made_once() -> None:
    assert "all = string.rep(wrk.format(), 16)" in Load(pipeline=16)._script(Request("/"))


def test_a_body_of_bytes_is_read_from_a_file(tmp_path: Path) -> None:
    line = _read_body(str(tmp_path), b"\x00\xff\r\n")
    assert (tmp_path / "body").read_bytes() == b"\x00\xff\r\n"
    assert line.startswith("wrk.body = assert(io.open(") and line.endswith(':read("*a")\n')
    assert "wrk.body" not in Load()._script(Request("/", "POST", body=b"bytes"))
