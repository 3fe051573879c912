"""Sends the cases to a server and makes answers of the bytes that come back."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import socket
import subprocess
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

from tests.differential.cases import Case

__all__ = ["Answer", "Server", "differing"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# A server that says nothing for this many seconds is taken to hang.
PATIENCE = 15.0
BETWEEN_PIECES = 0.03


@dataclass(slots=True)
class Answer:
    """What came back for a case: the responses in their parts, how it ended, and what was logged."""

    responses: list[tuple[str, list[tuple[str, str]], bytes]]
    rest: bytes
    end: str
    log: list[str]


def differing(one: Answer, other: Answer) -> dict[str, tuple[object, object]]:
    """The aspects by which two answers differ: status, body, ``header NAME``, rest, end, log, number."""
    found: dict[str, tuple[object, object]] = {}
    if len(one.responses) != len(other.responses):
        found["number"] = (one.responses, other.responses)
    for (status, headers, body), (status_there, headers_there, body_there) in zip(
        one.responses, other.responses, strict=False
    ):
        if status != status_there:
            found["status"] = (status, status_there)
        for name in {name for name, _ in headers + headers_there}:
            values = [value for known, value in headers if known == name]
            values_there = [value for known, value in headers_there if known == name]
            if values != values_there:
                found[f"header {name}"] = (values, values_there)
        if body != body_there:
            found["body"] = (body, body_there)
    for aspect in ("rest", "end", "log"):
        if getattr(one, aspect) != getattr(other, aspect):
            found[aspect] = (getattr(one, aspect), getattr(other, aspect))
    return found


class Server:
    """A process that serves the site with one package."""

    def __init__(self, python: str, package: str) -> None:
        path = os.path.join(ROOT, "tests", "differential", "serve.py")
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ROOT if package == "framework" else ""}
        self.process = subprocess.Popen(
            [python, path, package], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server of {package} did not start")
        self.ports: dict[str, int] = json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def answer(self, case: Case) -> Answer:
        """What the server answers to a case."""
        data, end = self._exchange(self.ports[case.application], case.raw)
        methods = [match.group(1) for match in _METHOD.finditer(b"".join(case.raw))]
        responses, rest = _parse(data, [method.decode() for method in methods])
        log = json.loads(
            self._exchange(self.ports["control"], (b"GET / HTTP/1.0\r\n\r\n",))[0].partition(b"\r\n\r\n")[2]
        )
        return Answer(responses, rest, end, [_normal_log(line) for line in log])

    def _exchange(self, port: int, pieces: tuple[bytes, ...]) -> tuple[bytes, str]:
        got = []
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            try:
                for number, piece in enumerate(pieces):
                    if number:
                        time.sleep(BETWEEN_PIECES)
                    connection.sendall(piece)
                while piece := connection.recv(65536):
                    got.append(piece)
                return b"".join(got), "closed"
            except TimeoutError:
                return b"".join(got), "silent"
            except OSError:
                return b"".join(got), "reset"


_METHOD = re.compile(rb"^([A-Za-z]+) \S+ HTTP/1\.[01]\r$", re.MULTILINE)


def _parse(data: bytes, methods: list[str]) -> tuple[list[tuple[str, list[tuple[str, str]], bytes]], bytes]:
    responses = []
    queue = iter(methods)
    while data:
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator or not head.startswith(b"HTTP/1."):
            break
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        fields = {name.lower(): value for name, value in headers}
        code = int(status.split(" ", 2)[1])
        method = "" if code < 200 else next(queue, "GET")
        body, data = _body(rest, fields, bodiless=method == "HEAD" or code < 200 or code in (204, 304))
        if fields.get("content-encoding") == "gzip" and body:
            # Compressors may differ in the bytes they choose.
            body = b"decompressed: " + gzip_text(body)
            headers = [(name, value) for name, value in headers if name != "Content-Length"]
        tag = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        headers = [(name, value.replace(tag, "<of the body>")) for name, value in headers]
        if body.startswith(b"Traceback"):
            headers = [(name, value) for name, value in headers if name != "Content-Length"]
        responses.append((status, list(_normal_headers(headers)), _normal_body(body)))
    return responses, data


def gzip_text(body: bytes) -> bytes:
    """The content, marked if it is cut off."""
    try:
        return gzip.decompress(body)
    except (EOFError, zlib.error, OSError) as error:
        return f"broken: {error}".encode()


def _body(rest: bytes, fields: dict[str, str], bodiless: bool) -> tuple[bytes, bytes]:
    if bodiless:
        return b"", rest
    if fields.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            size, separator, after = rest.partition(b"\r\n")
            try:
                length = int(size, 16)
            except ValueError:
                return body + b" BROKEN OFF", rest
            if not separator or len(after) < length + 2:
                return body + b" BROKEN OFF", rest
            body += after[:length]
            rest = after[length + 2 :]
            if not length:
                return body, rest
    length_field = fields.get("content-length")
    if length_field is None:
        return rest, b""
    length = int(length_field)
    return (rest[:length] if len(rest) >= length else rest + b" BROKEN OFF"), rest[length:]


def _normal_headers(headers: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name in ("Server", "Date") and value not in ("mine", "now"):
            yield name, "…"
        elif name == "Expires":
            yield name, _normal_date(value)
        elif name == "Set-Cookie":
            yield (
                name,
                _normal_token(re.sub(r"(?<=expires=)[^;]*", lambda match: _normal_date(match[0]), value)),
            )
        else:
            yield name, re.sub(r" object at 0x[0-9a-f]+", "", value)


def _normal_date(text: str) -> str:
    """A date near now as its distance in days."""
    days = (parsedate_to_datetime(text).timestamp() - time.time()) / 86400
    return f"in {days:.1f} days" if abs(days) < 500 else text


def _normal_token(text: str) -> str:
    text = re.sub(r"2\|[0-9a-f]{8}\|[0-9a-f]+\|\d{10}", "<token 2>", text)
    text = re.sub(r"(?<=\|)10:1[789]\d{8}(.*\|)[0-9a-f]{64}", r"10:<now>\1<signature>", text)
    text = re.sub(r"(=\|)1[789]\d{8}\|[0-9a-f]{40}", r"\1<now>|<signature>", text)
    return re.sub(r"(?<![0-9a-f|])[0-9a-f]{32}(?![0-9a-f])", "<token 1>", text)


def _normal_body(body: bytes) -> bytes:
    text = body.decode("latin-1")
    text = re.sub(r'File "[^"]*", line \d+, in \w+\n(    .*\n)*', "File\n", text)
    text = re.sub(r"(?:  File\n)+", "  Files\n", text)
    text = re.sub(r" object at 0x[0-9a-f]+", "", text)
    text = re.sub(r"\b(framework|tornado)(?=\.(web|httputil)\.\w+Error)", "PACKAGE", text)
    return _normal_token(text).encode("latin-1")


def _normal_log(line: str) -> str:
    # A mistake in the program is one, whichever of Python's kinds for that is chosen.
    line = re.sub(r" (Exception|AssertionError|RuntimeError|ValueError)$", " error", line)
    return re.sub(r" object at 0x[0-9a-f]+", "", re.sub(r"\d+\.\d+ms", "…ms", line))
