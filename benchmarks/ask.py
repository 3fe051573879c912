"""One request, where the whole answer is looked at and not the time it takes."""

from __future__ import annotations

import http.client
import ssl

from benchmarks.errors import BenchmarkError
from benchmarks.load import Request

__all__ = ["ask", "cookies"]


def ask(port: int, request: Request, tls: bool = False) -> tuple[http.client.HTTPResponse, bytes]:
    """Ask a server of 127.0.0.1 on a connection of its own, and return the answer and its body.

    Raises:
        BenchmarkError: it does not come by TLS 1.3 although it should come by TLS.
        OSError: nobody answers.
        http.client.HTTPException: what is answered is no HTTP.
    """
    connection = _secure(port) if tls else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        connection.request(request.method, request.path, body or None, request.headers)
        if isinstance(connection.sock, ssl.SSLSocket) and connection.sock.version() != "TLSv1.3":
            raise BenchmarkError(f"{connection.sock.version()} was negotiated, not TLSv1.3")
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def cookies(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Return the header field that sends an answer's cookies back; none if it sets none."""
    pairs = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie", [])]
    return {"Cookie": "; ".join(pairs)} if pairs else {}


def _secure(port: int) -> http.client.HTTPSConnection:
    context = ssl.create_default_context()
    # The certificate was made a moment ago, by nobody in particular.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
