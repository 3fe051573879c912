"""Whatever is sent arrives, however it is fragmented, compressed and cut; whatever else comes does no harm."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from framework.websocket.deflate import Deflate, Parameters, accept, check_answer
from framework.websocket.errors import WebSocketError
from framework.websocket.extensions import parse_extensions
from framework.websocket.protocol import Close, Event, Ping, Pong, Protocol, State
from tests.websocket.wire import KEY, frame

Message = str | bytes

MESSAGES = st.one_of(
    st.text(max_size=200),
    st.binary(max_size=200),
    st.sampled_from(["x" * 126, b"y" * 127, "é" * 700, b"z" * 66000, "🎉" * 20000]),
)
CONTROLS = st.sampled_from([None, None, "ping", "pong"])

PARAMETERS = st.none() | st.builds(
    Parameters,
    server_no_context_takeover=st.booleans(),
    client_no_context_takeover=st.booleans(),
    server_max_window_bits=st.integers(8, 15),
    client_max_window_bits=st.integers(8, 15),
)


def side(client: bool, parameters: Parameters | None) -> Protocol:
    codec = None if parameters is None else Deflate(parameters, client=client)
    return Protocol(client, max_message_size=1 << 20, deflate=codec)


def plain(event: Event) -> object:
    return (type(event), event.data) if isinstance(event, Ping | Pong) else event


def received(protocol: Protocol, data: bytes, cuts: list[int]) -> list[object]:
    """The events that come of `data`, cut at these places; those are asked for behind every other cut only."""
    found: list[object] = []
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)})
    start = 0
    for at, end in enumerate(places):
        protocol.receive(data[start:end])
        start = end
        if at % 2 == 0 or end == len(data):
            while (event := protocol.next_event()) is not None:
                assert not isinstance(event, Close), (event.code, event.reason)
                found.append(plain(event))
    return found


@given(
    client=st.booleans(),
    parameters=PARAMETERS,
    messages=st.lists(st.tuples(MESSAGES, CONTROLS, CONTROLS), max_size=6),
    cuts=st.lists(st.integers(0, 100_000), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_what_one_side_sends_the_other_receives(
    client: bool,
    parameters: Parameters | None,
    messages: list[tuple[Message, str | None, str | None]],
    cuts: list[int],
) -> None:
    sender, receiver = side(client, parameters), side(not client, parameters)
    wire = b""
    expected: list[object] = []
    for message, before, after in messages:
        for item in (before, message, after):
            if item is message:
                wire += sender.send_message(message)
                expected.append(message)
            elif item == "ping":
                wire += sender.send_ping(b"1")
                expected.append((Ping, b"1"))
            elif item == "pong":
                wire += sender.send_pong(b"2")
                expected.append((Pong, b"2"))
    assert received(receiver, wire, cuts) == expected
    # All that was answered are the pings.
    answers = received(sender, receiver.take_output(), [])
    assert answers == [(Pong, b"1")] * expected.count((Ping, b"1"))


@given(
    client=st.booleans(),
    compressed=st.booleans(),
    message=MESSAGES,
    places=st.lists(st.integers(0, 100_000), max_size=8),
    pings=st.lists(st.integers(0, 8), max_size=4),
    cuts=st.lists(st.integers(0, 100_000), max_size=12),
)
@settings(max_examples=80, deadline=None)
def test_a_message_arrives_whole_however_it_is_fragmented(
    client: bool, compressed: bool, message: Message, places: list[int], pings: list[int], cuts: list[int]
) -> None:
    parameters = Parameters()
    payload = message.encode() if isinstance(message, str) else message
    if compressed:
        payload = Deflate(parameters, client=client).compress(payload)
    key = KEY if client else None
    ends = [*sorted(place % (len(payload) + 1) for place in places), len(payload)]
    wire = b""
    start = 0
    for at, end in enumerate(ends):
        first = 0 if at else (1 if isinstance(message, str) else 2) | 0x40 * compressed
        wire += frame(first | 0x80 * (at == len(ends) - 1), payload[start:end], key)
        start = end
        if at in pings and at < len(ends) - 1:
            wire += frame(0x89, bytes([at]), key)
    receiver = side(not client, parameters)
    *between, last = received(receiver, wire, cuts)
    assert last == message
    assert between == [(Ping, bytes([at])) for at in range(len(ends) - 1) if at in pings]


@given(client=st.booleans(), compressed=st.booleans(), pieces=st.lists(st.binary(max_size=60), max_size=10))
@settings(max_examples=200, deadline=None)
def test_anything_at_all_may_come(client: bool, compressed: bool, pieces: list[bytes]) -> None:
    _feed(side(client, Parameters() if compressed else None), pieces)


@given(
    compressed=st.booleans(),
    frames=st.lists(
        st.tuples(st.sampled_from([0, 1, 2, 8, 9, 10, 0x41, 0x42]), st.booleans(), st.binary(max_size=40)),
        max_size=10,
    ),
)
@settings(max_examples=200, deadline=None)
def test_any_frames_may_come(compressed: bool, frames: list[tuple[int, bool, bytes]]) -> None:
    wire = [frame(first | 0x80 * (fin or 8 <= first <= 10), payload) for first, fin, payload in frames]
    _feed(side(False, Parameters() if compressed else None), wire)


def _feed(protocol: Protocol, pieces: list[bytes]) -> None:
    closed = 0
    for piece in pieces:
        protocol.receive(piece)
        while (event := protocol.next_event()) is not None:
            assert closed == 0
            closed += isinstance(event, Close)
        assert (protocol.state is State.CLOSED) is (closed == 1)
    protocol.receive_eof()
    last = protocol.next_event()
    assert (last is None) is (closed == 1)
    assert protocol.next_event() is None
    assert (protocol.state, protocol._reader.buffered) == (State.CLOSED, 0)
    # What it said is well-formed.
    other = side(not protocol._client, None)
    other.receive(protocol.take_output())
    while (event := other.next_event()) is not None:
        assert isinstance(event, Pong) or (isinstance(event, Close) and event.clean)


@given(
    header=st.lists(
        st.sampled_from(
            [
                *' ,;="\\\tab0915-',
                "permessage-deflate",
                "; server_max_window_bits=9",
                "; client_max_window_bits",
            ]
        )
    ).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_any_extensions_may_be_offered_and_answered(header: str) -> None:
    try:
        extensions = parse_extensions(header)
    except ValueError:
        assert accept(header) is None
        return
    accepted = accept(header)
    assert accepted is None or "permessage-deflate" in [name for name, _ in extensions]
    try:
        check_answer(header)
    except WebSocketError:
        return
    assert len(extensions) <= 1


@given(
    names=st.lists(
        st.sampled_from(
            [
                "server_no_context_takeover",
                "client_no_context_takeover",
                "server_max_window_bits=",
                "client_max_window_bits=",
            ]
        ),
        unique=True,
    ),
    bits=st.integers(8, 15),
)
@settings(deadline=None)
def test_both_sides_understand_an_agreement_alike(names: list[str], bits: int) -> None:
    offered = [f"{name}{bits}" if name.endswith("=") else name for name in names]
    accepted = accept("; ".join(["permessage-deflate", *offered]))
    assert accepted is not None
    parameters, answer = accepted
    understood = check_answer(answer)
    assert understood is not None
    for name in Parameters.__slots__:
        assert getattr(understood, name) == getattr(parameters, name)
    assert parameters.server_max_window_bits == (bits if "server_max_window_bits=" in names else 15)
