"""A connection that sends nothing for a while keeps no compressor."""

from __future__ import annotations

import os
import weakref
import zlib
from typing import Any

import pytest

from framework.websocket.deflate import Deflate, Parameters
from framework.websocket.idling import Idler
from framework.websocket.protocol import Protocol
from tests.streams import until
from tests.websocket.bench import Bench
from tests.websocket.wire import close, frame

# No shorter for being compressed, unless it was sent before.
NOISE = os.urandom(1000)


def codec(*, client: bool = False, forgets: bool = False) -> Deflate:
    return Deflate(Parameters(server_no_context_takeover=forgets), client=client)


def look(bench: Bench) -> None:
    """The time has come to look."""
    idler = bench.connection._idler
    assert idler is not None
    idler.deadline_passed()


def members(bench: Bench) -> set[object]:
    """What the clock looks at."""
    return {member for member in bench.connection.share.clock(30)._members if isinstance(member, Idler)}


def sent(bench: Bench) -> bytes:
    bench.connection.write_message(NOISE, binary=True)
    return bench.take()


async def test_the_window_is_kept_while_messages_are_sent_and_given_back_when_not() -> None:
    bench = Bench(deflate=codec())
    reader = Protocol(True, max_message_size=1 << 20, deflate=codec(client=True))
    sizes = []
    for looks in (0, 0, 1, 1, 2, 0):
        for _ in range(looks):
            look(bench)
        data = sent(bench)
        sizes.append(len(data) > len(NOISE))
        reader.receive(data)
        assert reader.next_event() == NOISE
    assert sizes == [True, False, False, False, True, False]
    bench.lose()


async def test_where_each_message_is_compressed_by_itself_nothing_is_kept_anyway() -> None:
    bench = Bench(deflate=codec(forgets=True))
    look(bench)
    assert len(sent(bench)) == len(sent(bench)) > len(NOISE)
    bench.lose()


async def test_only_connections_with_compression_take_part_and_only_while_they_can_send() -> None:
    plain = Bench()
    before = members(plain)
    benches = [Bench(deflate=codec()) for _ in range(3)]
    assert len(members(plain) - before) == 3
    first, second, third = benches
    first.connection.close()
    assert len(members(plain) - before) == 2
    second.feed(close(1000))
    assert len(members(plain) - before) == 1
    third.lose()
    assert members(plain) == before
    for bench in (plain, first, second):
        bench.lose()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[object]]:
    """The compressors that were made."""
    seen: list[weakref.ref[object]] = []

    class Compressor:
        def __init__(self, *arguments: Any) -> None:
            seen.append(weakref.ref(self))
            self.real = plain(*arguments)

        def compress(self, data: bytes) -> bytes:
            return self.real.compress(data)

        def flush(self, mode: int) -> bytes:
            return self.real.flush(mode)

    plain = zlib.compressobj
    monkeypatch.setattr(zlib, "compressobj", Compressor)
    return seen


async def test_a_connection_that_is_closing_keeps_no_compressor_and_still_reads(
    made: list[weakref.ref[object]],
) -> None:
    bench = Bench(deflate=codec())
    assert sent(bench)
    assert made[0]() is not None
    bench.connection.close()
    assert made[0]() is None
    bench.feed(frame(0xC1, b"\xcaH\xcd\xc9\xc9\x07\x00"))
    assert bench.seen == ["hello"]
    bench.lose()


async def test_the_clock_of_the_loop_looks_by_itself(
    made: list[weakref.ref[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.websocket.idling._IDLE", 0.01)
    bench = Bench(deflate=codec())
    assert sent(bench)
    await until(lambda: made[0]() is None)
    assert sent(bench)
    assert len(made) == 2
    bench.lose()


async def test_the_next_look_is_a_while_ahead() -> None:
    bench = Bench(deflate=codec())
    idler = bench.connection._idler
    assert idler is not None
    now = bench.connection.share.clock(30).now
    assert now + 30 <= idler.deadline <= now + 31
    look(bench)
    assert now + 30 <= idler.deadline <= now + 31
    bench.lose()
