"""A form with a large file."""

from random import Random

from benchmarks.load import Load, Request
from benchmarks.peer_workload import Expected, PeerWorkload

SIZE = 10_000_000
BOUNDARY = "----a-boundary-as-browsers-make-them"
#: Bytes of every kind, line ends and dashes among them; always the same.
CONTENT = Random(4).randbytes(SIZE)
BODY = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="file"; filename="data.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode() + b"%s\r\n--%s--\r\n" % (CONTENT, BOUNDARY.encode())

WORKLOAD = PeerWorkload(
    "upload",
    "a form with a file of 10 MB",
    Request("/upload", "POST", {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, BODY),
    Expected(f"file {SIZE}".encode()),
    # Few at once: there are peers that keep all of it in memory.
    Load(connections=8),
)
