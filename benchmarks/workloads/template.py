"""A page with a table of a thousand rows, each with something to escape."""

from html import unescape

from benchmarks.load import Request
from benchmarks.peer_workload import Expected, PeerWorkload
from benchmarks.samples import ROWS

CELLS = ("id", "name", "price", "note")
HEAD = "<!DOCTYPE html>\n<html>\n<head><title>Table</title></head>\n<body>\n<table>\n"
LINES = ["<tr>" + "".join(f"<td>{row[cell]}</td>" for cell in CELLS) + "</tr>\n" for row in ROWS]
PAGE = HEAD + "".join(LINES) + "</table>\n</body>\n</html>"


def read(body: bytes) -> str:
    """Undo the escaping: there are several ways to write a quotation mark."""
    if b"<b>" in body or body.count(b"&lt;b&gt;&amp;&lt;/b&gt;") != len(ROWS):
        return "the rows are not escaped"
    return unescape(body.decode()).rstrip()


WORKLOAD = PeerWorkload(
    "template",
    f"a table of {len(ROWS)} rows with escaping",
    Request("/table"),
    Expected(PAGE, read=read),
)
