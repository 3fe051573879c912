"""Bodies in pieces: the same answers as of bytes, wherever they were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.httputil import HTTPFile
from framework.httputil.errors import HTTPInputError
from framework.httputil.forms import delimiter_of, parse_body_arguments, parse_multipart_form_data
from framework.httputil.pieces import Occurrences, Pieces

TYPE = "multipart/form-data; boundary=cut-here"
FORM = (
    b'--cut-here\r\nContent-Disposition: form-data; name="note"\r\n\r\nsome text\r\n'
    b'--cut-here\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: image/png\r\n\r\n--cut-here \r\n--cut-her\r\n-\r\n"
    b'--cut-here\r\nContent-Disposition: form-data; name="note"\r\n\r\n\r\n'
    b"--cut-here--\r\n"
)


def cut(data: bytes, places: list[int], wanted: bytes | None = None) -> Pieces:
    """The same in pieces; with what is wanted looked for as they come."""
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces: list[bytes | bytearray] = [data[a:b] for a, b in pairwise(ends) if a < b]
    known = None
    if wanted is not None:
        known = Occurrences(wanted)
        for piece in pieces:
            known.look(piece)
    return Pieces(pieces, known)


places = st.lists(st.integers(0, 400), max_size=8)


@given(data=st.binary(max_size=60), places=places, start=st.integers(0, 70), stop=st.integers(0, 70))
def test_a_slice_is_that_of_the_whole(data: bytes, places: list[int], start: int, stop: int) -> None:
    pieces = cut(data, places)
    assert pieces[start:stop] == data[start:stop]
    assert bytes(pieces) == data
    assert len(pieces) == len(data)


@pytest.mark.parametrize("known", [False, True])
@given(
    data=st.text("ab-", max_size=60).map(str.encode),
    wanted=st.text("ab-", min_size=1, max_size=5).map(str.encode),
    places=places,
    start=st.integers(0, 70),
    stop=st.integers(0, 70),
)
def test_what_is_looked_for_is_found_where_it_is(
    known: bool, data: bytes, wanted: bytes, places: list[int], start: int, stop: int
) -> None:
    start, stop = min(start, len(data)), min(stop, len(data))
    pieces = cut(data, places, wanted if known else None)
    assert pieces.find(wanted, start, stop) == data.find(wanted, start, stop)
    assert pieces.find(b"bb", start, stop) == data.find(b"bb", start, stop)


def test_more_occurrences_than_are_kept_are_found_all_the_same() -> None:
    data = b"xy" * 3000
    pieces = cut(data, [1001], b"xy")
    assert pieces.find(b"xy", 1000, len(data)) == 1000
    assert pieces.find(b"xy", 5001, len(data)) == 5002


@pytest.mark.parametrize("known", [False, True])
@given(places=places)
def test_a_form_cut_anywhere_is_the_same_form(known: bool, places: list[int]) -> None:
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    pieces = cut(FORM, places, delimiter_of(TYPE) if known else None)
    parse_body_arguments(TYPE, pieces, arguments, files)
    assert arguments == {"note": [b"some text", b""]}
    assert files == {
        "file": [{"filename": "a.bin", "body": b"--cut-here \r\n--cut-her\r\n-", "content_type": "image/png"}]
    }
    assert type(files["file"][0].body) is bytes


def test_other_forms_in_pieces() -> None:
    arguments: dict[str, list[bytes]] = {}
    parse_body_arguments("application/x-www-form-urlencoded", cut(b"a=1&b=2&a=3", [3, 6]), arguments, {})
    assert arguments == {"a": [b"1", b"3"], "b": [b"2"]}


@given(places=places)
def test_a_form_without_its_end_is_refused(places: list[int]) -> None:
    with pytest.raises(HTTPInputError, match="no final boundary"):
        parse_multipart_form_data(b"cut-here", cut(FORM[:-6], places), {}, {})


@given(places=places)
def test_what_stands_far_behind_the_form_is_no_part_of_it(places: list[int]) -> None:
    arguments: dict[str, list[bytes]] = {}
    parse_multipart_form_data(b"cut-here", cut(FORM + b"x" * 500, places), arguments, {})
    assert arguments == {"note": [b"some text", b""]}


@pytest.mark.parametrize(
    ("content_type", "delimiter"),
    [
        (TYPE, b"--cut-here\r\n"),
        ('multipart/form-data; charset=x; boundary="a b"', b"--a b\r\n"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/mixed; boundary=x", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_what_stands_before_each_part(content_type: str, delimiter: bytes | None) -> None:
    assert delimiter_of(content_type) == delimiter
