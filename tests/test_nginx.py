"""nginx/http.conf and nginx/locations.conf in a real nginx, before servers that tell what they were sent."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.client import eventually
from tests.servers import NginxServer, free_port

NGINX = Path(__file__).resolve().parents[1] / "nginx"
pytestmark = pytest.mark.may_leak("nginx keeps connections to the servers here, each with its thread")

STYLE = "p { color: black }\n" * 200


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent; /die ends the connection instead, /policy brings a policy of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/die":
            self.close_connection = True
            return
        answer = {"path": self.path, "headers": dict(self.headers.items()), "received": len(body)}
        content = json.dumps({**answer, "padding": "x" * 2000}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.path == "/policy":
            self.send_header("Content-Security-Policy", "default-src 'none'")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class Upstream(ThreadingHTTPServer):
    """One server behind nginx; `seen` are the paths it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.seen: list[str] = []


@pytest.fixture(scope="module")
def upstreams() -> Iterator[list[Upstream]]:
    servers = [Upstream(), Upstream()]
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in servers]
    for thread in threads:
        thread.start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()


def make_nginx(ports: list[int]) -> NginxServer:
    nginx = NginxServer(port=(port := free_port()))
    folder = nginx.folder
    # nginx runs as nobody, who may not be let into the checkout.
    for name in ("http.conf", "locations.conf"):
        shutil.copy(NGINX / name, folder)
    os.mkdir(f"{folder}/static")
    Path(folder, "static", "style.css").write_text(STYLE)
    Path(folder, "static", "robots.txt").write_text("User-agent: *\n")
    servers = "".join(f"server 127.0.0.1:{port} max_fails=2 fail_timeout=2s;" for port in ports)
    nginx.http = f"""
        include {folder}/http.conf;
        access_log {folder}/access.json json;
        upstream frontends {{ zone frontends 256k; {servers} keepalive 8; }}
        server {{ listen 127.0.0.1:{port}; root {folder}; include {folder}/locations.conf; }}"""
    return nginx


@pytest.fixture(scope="module")
def nginx(upstreams: list[Upstream]) -> Iterator[NginxServer]:
    with make_nginx([server.server_port for server in upstreams]) as server:
        yield server


class Answer:
    def __init__(
        self, nginx: NginxServer, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ):
        connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=30)
        started = time.monotonic()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        self.seconds = time.monotonic() - started
        connection.close()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    nginx: NginxServer, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> Answer:
    return Answer(
        nginx, method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_what_a_client_claims_about_itself_is_replaced(nginx: NginxServer) -> None:
    lie = "203.0.113.9"
    answer = ask(
        nginx,
        "/a%20b?c=d",
        Host="example.org:81",
        X_Real_IP=lie,
        X_Forwarded_For=lie,
        Forwarded=f"for={lie}",
        X_Scheme="https",
        X_Forwarded_Proto="https",
        X_Request_Id="mine",
        Proxy="http://evil",
    )
    headers = answer.json["headers"]
    assert answer.json["path"] == "/a%20b?c=d"
    assert headers["Host"] == "example.org:81"
    assert headers["X-Real-IP"] == headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Scheme"] == headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Request-Id"] == answer.headers["X-Request-Id"] != "mine"
    assert "Forwarded" not in headers
    assert "Proxy" not in headers


def test_only_websocket_is_upgraded(nginx: NginxServer) -> None:
    headers = ask(nginx, "/", Upgrade="WebSocket", Connection="keep-alive, Upgrade").json["headers"]
    assert (headers["Upgrade"], headers["Connection"]) == ("websocket", "upgrade")
    headers = ask(nginx, "/", Upgrade="h2c", Connection="Upgrade", HTTP2_Settings="AAMA").json["headers"]
    assert "Upgrade" not in headers
    assert "Connection" not in headers


def test_browsers_are_told_to_be_careful(nginx: NginxServer) -> None:
    for path, status in (("/", 200), ("/static/style.css", 200), ("/static/none.css", 404)):
        answer = ask(nginx, path)
        assert answer.status == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "nginx"
    assert ask(nginx, "/policy").headers.get_all("Content-Security-Policy") == ["default-src 'none'"]


def test_static_files_with_a_version_are_kept_for_a_year(nginx: NginxServer) -> None:
    assert (
        ask(nginx, "/static/style.css?v=abc").headers["Cache-Control"]
        == "public, max-age=31536000, immutable"
    )
    assert ask(nginx, "/static/style.css").headers["Cache-Control"] == "public, max-age=300"
    assert ask(nginx, "/static/style.css?v=").headers["Cache-Control"] == "public, max-age=300"
    assert "Cache-Control" not in ask(nginx, "/static/none.css?v=abc").headers
    assert "Cache-Control" not in ask(nginx, "/page?v=abc").headers
    robots = ask(nginx, "/robots.txt")
    assert (robots.status, robots.body) == (200, b"User-agent: *\n")
    assert ask(nginx, "/static/../http.conf").json["path"] == "/static/../http.conf"


def test_answers_are_compressed_for_those_who_ask(nginx: NginxServer) -> None:
    for path in ("/", "/static/style.css"):
        answer = ask(nginx, path, Accept_Encoding="gzip")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert gzip.decompress(answer.body)
        assert "Content-Encoding" not in ask(nginx, path).headers


def test_uploads_of_fifty_megabytes_pass_and_more_is_refused_in_the_applications_shape(
    nginx: NginxServer,
) -> None:
    size = 50 * 2**20
    assert ask(nginx, "/", method="POST", body=bytes(size)).json["received"] == size
    refused = ask(nginx, "/", method="POST", body=b"", Content_Length=str(size + 1))
    assert (refused.status, refused.json["code"]) == (413, 1004)
    assert refused.headers["Content-Type"] == "application/json; charset=utf-8"


def test_each_request_is_one_line_of_json(nginx: NginxServer, upstreams: list[Upstream]) -> None:
    request_id = ask(nginx, '/log?a="b', User_Agent='quote " and \\').headers["X-Request-Id"]

    def found() -> list[dict[str, Any]]:
        with open(f"{nginx.folder}/access.json") as file:
            return [line for line in map(json.loads, file) if line["request_id"] == request_id]

    (line,) = eventually(found)
    assert (line["method"], line["uri"], line["status"]) == ("GET", '/log?a="b', 200)
    assert line["client"] == "127.0.0.1"
    assert line["user_agent"] == 'quote " and \\'
    assert line["upstream"] in {f"127.0.0.1:{server.server_port}" for server in upstreams}
    assert 0 <= float(line["upstream_seconds"]) <= float(line["seconds"]) + 0.001


def test_what_a_provider_sends_people_back_with_is_not_logged(nginx: NginxServer) -> None:
    request_id = ask(nginx, "/sign-in/back?code=secret&state=x").headers["X-Request-Id"]

    def found() -> list[dict[str, Any]]:
        with open(f"{nginx.folder}/access.json") as file:
            return [line for line in map(json.loads, file) if line["request_id"] == request_id]

    (line,) = eventually(found)
    assert line["uri"] == "/sign-in/back"
    assert "secret" not in json.dumps(line)


def test_connections_to_the_servers_are_kept(nginx: NginxServer) -> None:
    def connects() -> list[str]:
        with open(f"{nginx.folder}/access.json") as file:
            return [
                line["upstream_connect_seconds"] for line in map(json.loads, file) if line["uri"] == "/kept"
            ]

    for _ in range(20):
        ask(nginx, "/kept")
    assert eventually(lambda: len(connects()) == 20)
    assert "Connection" not in ask(nginx, "/").json["headers"]


def test_a_get_that_met_a_dying_server_is_tried_elsewhere_and_a_post_is_not(
    upstreams: list[Upstream],
) -> None:
    with make_nginx([server.server_port for server in upstreams]) as nginx:
        before = [len(server.seen) for server in upstreams]
        answer = ask(nginx, "/die")
        assert (answer.status, answer.json["code"]) == (502, 1009)
        assert [len(server.seen) for server in upstreams] == [count + 1 for count in before]
    with make_nginx([server.server_port for server in upstreams]) as nginx:
        before = [len(server.seen) for server in upstreams]
        assert ask(nginx, "/die", method="POST", body=b"x").status == 502
        assert sum(len(server.seen) for server in upstreams) == sum(before) + 1


def test_a_server_that_does_not_answer_at_all_costs_little_and_seldom(upstreams: list[Upstream]) -> None:
    with socket.socket() as mute, socket.socket() as full:
        # A full queue of connections: whoever knocks now gets no answer, as from a machine that is gone.
        mute.bind(("127.0.0.1", 0))
        mute.listen(0)
        full.connect(mute.getsockname())
        ports = [mute.getsockname()[1], *(server.server_port for server in upstreams)]
        with make_nginx(ports) as nginx:
            answers = [ask(nginx, "/") for _ in range(40)]
    assert [answer.status for answer in answers] == [200] * 40
    slow = [answer.seconds for answer in answers if answer.seconds > 0.2]
    assert 1 <= len(slow) <= 4
    assert max(slow) < 0.4


def test_when_all_servers_are_gone_the_answer_has_the_applications_shape() -> None:
    with make_nginx([free_port()]) as nginx:
        answer = ask(nginx, "/isLogined")
        assert (answer.status, answer.json["code"]) == (502, 1009)
        assert ask(nginx, "/static/style.css").status == 200
