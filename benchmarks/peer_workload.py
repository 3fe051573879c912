"""A request that each peer answers alike, asked as often as can be."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from benchmarks.ask import ask, cookies
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load, Request, Sample
from benchmarks.peers import Peer
from benchmarks.server import Server
from benchmarks.setup import Setup
from benchmarks.surroundings import nothing
from benchmarks.turns import take_turns

__all__ = ["Expected", "PeerWorkload"]

WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer that every peer has to give before it is measured.

    Args:
        body: the bytes, or what `read` makes of them.
        type: the media type.
        status: the status code.
        sets_cookie: whether a cookie comes with it.
        read: for bodies that may differ in what does not matter, such as blanks in JSON.
    """

    body: object
    type: str = "text/html"
    status: int = 200
    sets_cookie: bool = False
    read: Callable[[bytes], object] = bytes

    def check(self, who: str, answer: http.client.HTTPResponse, body: bytes) -> None:
        """Compare.

        Raises:
            BenchmarkError: the answer is another one.
        """
        media_type = (answer.getheader("Content-Type") or "").partition(";")[0].strip()
        if answer.status != self.status or media_type != self.type:
            raise BenchmarkError(f"{who} answers {answer.status} {media_type}, not {self.status} {self.type}")
        if self.sets_cookie and "Set-Cookie" not in answer.headers:
            raise BenchmarkError(f"{who} sets no cookie")
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
        then: what has to be answered to a second request with the first answer's cookies, which then is
            the one to measure with; None: there are no cookies.
        needs: what has to run or be there meanwhile; gives further arguments for the peers.
    """

    name: str
    title: str
    request: Request
    expected: Expected
    load: Load = field(default_factory=Load)
    then: Expected | None = None
    needs: Callable[[], AbstractContextManager[Sequence[str]]] = nothing
    unit: str = "requests/s"
    more_is_better: bool = True

    def measure(self, setup: Setup) -> dict[str, list[Sample]]:
        """Measure each peer that takes part, in turns."""
        with self.needs() as more:
            return take_turns(self.name, setup, lambda peer: self._measure(setup, peer, more))

    def _measure(self, setup: Setup, peer: Peer, more: Sequence[str]) -> Sample:
        with setup.serve(peer, self.name, more) as server:
            request = self._checked(peer.name, server)
            try:
                self.load.run(server.port, request, WARM_UP_SECONDS)
                before = server.cpu_seconds()
                sample = self.load.run(server.port, request, setup.seconds)
            except BenchmarkError as error:
                raise BenchmarkError(f"{error}\n{server.log()}") from error
            used = server.cpu_seconds() - before
            # Shakes less than the rate where the machine has other things to do.
            sample.details["CPU µs/request"] = used * 1e6 / (sample.value * setup.seconds)
            sample.details["memory MB"] = server.memory() / 1e6
            sample.details["threads"] = server.threads()
            return sample

    def _checked(self, who: str, server: Server) -> Request:
        """Ask once, compare, and return the request to measure with."""
        try:
            return self._request(who, server.port)
        except (BenchmarkError, OSError, http.client.HTTPException) as error:
            raise BenchmarkError(f"{error}\n{server.log()}") from error

    def _request(self, who: str, port: int) -> Request:
        answer, body = ask(port, self.request, self.load.tls)
        self.expected.check(who, answer, body)
        if self.then is None:
            return self.request
        kept = cookies(answer)
        if not kept:
            raise BenchmarkError(f"{who} sets no cookie")
        request = replace(self.request, headers=self.request.headers | kept)
        answer, body = ask(port, request, self.load.tls)
        self.then.check(who, answer, body)
        return request
