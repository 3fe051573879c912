"""A request that each peer answers alike, asked as often as can be."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from benchmarks.errors import BenchmarkError
from benchmarks.load import Load, Request, Sample
from benchmarks.server import Server
from benchmarks.setup import Setup

__all__ = ["Expected", "PeerWorkload"]

WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer that every peer has to give before it is measured.

    Args:
        body: the bytes, or what `read` makes of them.
        type: the media type.
        status: the status code.
        read: for bodies that may differ in what does not matter, such as blanks in JSON.
    """

    body: object
    type: str = "text/html"
    status: int = 200
    read: Callable[[bytes], object] = bytes

    def check(self, who: str, answer: http.client.HTTPResponse, body: bytes) -> None:
        """Compare.

        Raises:
            BenchmarkError: the answer is another one.
        """
        media_type = (answer.getheader("Content-Type") or "").partition(";")[0].strip()
        if answer.status != self.status or media_type != self.type:
            raise BenchmarkError(f"{who} answers {answer.status} {media_type}, not {self.status} {self.type}")
        if self.read(body) != self.body:
            raise BenchmarkError(f"{who} answers {body[:200]!r} ({len(body)} bytes), not {self.body!r:.200}")


@dataclass(frozen=True, slots=True)
class PeerWorkload:
    """A workload of requests to each peer in turn.

    Args:
        name: what it is called on the command line; peers name it among their `WORKLOADS`.
        title: what it is, in a line.
        request: what is asked.
        expected: what has to be answered.
        load: by how many at once.
        keeps_cookie: whether the cookies of a first answer are sent with every request.
    """

    name: str
    title: str
    request: Request
    expected: Expected
    load: Load = field(default_factory=Load)
    keeps_cookie: bool = False
    unit: str = "requests/s"
    more_is_better: bool = True

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, one after the other, `setup.rounds` times."""
        peers = [peer for peer in setup.peers if self.name in peer.workloads]
        series: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
        for number in range(setup.rounds):
            for peer in peers:
                print(f"{self.name}: round {number + 1}, {peer.name}", file=sys.stderr)
                with setup.serve(peer, self.name) as server:
                    request = self._checked(peer.name, server)
                    self.load.run(server.port, request, WARM_UP_SECONDS)
                    before = server.cpu_seconds()
                    sample = self.load.run(server.port, request, setup.seconds)
                    used = server.cpu_seconds() - before
                    # Shakes less than the rate where the machine has other things to do.
                    sample.details["CPU µs/request"] = used * 1e6 / (sample.value * setup.seconds)
                    sample.details["memory MB"] = server.memory() / 1e6
                    series[peer.name].append(sample)
        return series

    def _checked(self, who: str, server: Server) -> Request:
        """Ask once, compare, and return the request to measure with."""
        try:
            return self._request(who, server.port)
        except (BenchmarkError, OSError, http.client.HTTPException) as error:
            raise BenchmarkError(f"{error}\n{server.log()}") from error

    def _request(self, who: str, port: int) -> Request:
        answer, body = _ask(port, self.request)
        self.expected.check(who, answer, body)
        if not self.keeps_cookie:
            return self.request
        pairs = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie", [])]
        request = replace(self.request, headers=self.request.headers | {"Cookie": "; ".join(pairs)})
        answer, body = _ask(port, request)
        self.expected.check(who, answer, body)
        if not pairs or "Set-Cookie" not in answer.headers:
            raise BenchmarkError(f"{who} sets no cookie")
        return request


def _ask(port: int, request: Request) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(request.method, request.path, request.body or None, request.headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()
