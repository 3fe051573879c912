from __future__ import annotations

import os
import ssl
import unittest
from typing import Any

import pytest

from framework import gen
from framework.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse
from framework.httpserver import HTTPServer
from framework.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from framework.locks import Event
from framework.log import app_log, gen_log
from framework.testing import (
    AsyncHTTPSTestCase,
    AsyncHTTPTestCase,
    ExpectLog,
    bind_unused_port,
    gen_test,
)
from framework.web import Application, HTTPError, RequestHandler
from tests.test_testing import passes, trouble


class Hello(RequestHandler):
    def get(self) -> None:
        self.write(f"hello by {self.request.protocol} from {self.request.remote_ip}")

    def post(self) -> None:
        self.write(b"got " + self.request.body)


class Refuse(RequestHandler):
    def get(self) -> None:
        raise HTTPError(403)


class Hang(RequestHandler):
    begun = 0

    async def get(self) -> None:
        Hang.begun += 1
        await Event().wait()


class Broken(RequestHandler):
    def get(self) -> None:
        raise KeyError("in the handler")


class Case(AsyncHTTPTestCase):
    def get_app(self) -> Application:
        return Application(
            [("/", Hello), ("/refuse", Refuse), ("/hang", Hang), ("/broken", Broken)],
            log_function=lambda handler: None,
        )


def test_fetch_gives_the_response_whatever_its_status() -> None:
    class This(Case):
        def test(self) -> None:
            response = self.fetch("/")
            assert isinstance(response, HTTPResponse)
            assert (response.code, response.body) == (200, b"hello by http from 127.0.0.1")
            assert response.effective_url == self.get_url("/")
            assert self.fetch("/", method="POST", body="x").body == b"got x"
            assert self.fetch("/refuse").code == 403
            assert self.fetch("/nothing").code == 404
            with ExpectLog(app_log, "Uncaught exception") as expect:
                assert self.fetch("/broken").code == 500
            assert expect.logged_stack
            with pytest.raises(HTTPClientError, match=r"^HTTP 403: Forbidden$"):
                self.fetch("/refuse", raise_error=True)

    passes(This)


def test_fetch_takes_whole_urls() -> None:
    class This(Case):
        def test(self) -> None:
            assert self.fetch(self.get_url("/refuse")).code == 403
            assert self.fetch(f"HTTP://localhost:{self.get_http_port()}/refuse").code == 403

    passes(This)


def test_fetch_raises_what_prevents_a_response() -> None:
    class This(Case):
        def test(self) -> None:
            sock, port = bind_unused_port()
            sock.close()
            with pytest.raises(ConnectionRefusedError):
                self.fetch(f"http://127.0.0.1:{port}/")
            with pytest.raises(HTTPClientError, match="Timeout"):
                self.fetch("/hang", request_timeout=0.01)
            with pytest.raises(TypeError, match="nonsense"):
                self.fetch("/", nonsense=1)

    passes(This)


def test_fetch_waits_no_longer_than_tests_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class This(Case):
        def test(self) -> None:
            with monkeypatch.context() as patch, pytest.raises(TimeoutError, match=r"after 0\.05 seconds"):
                patch.setenv("ASYNC_TEST_TIMEOUT", "0.05")
                self.fetch("/hang")

    passes(This)


def test_coroutine_tests_use_the_client() -> None:
    class This(Case):
        @gen_test
        async def test_native(self) -> None:
            response = await self.http_client.fetch(self.get_url("/"))
            assert response.code == 200
            with pytest.raises(RuntimeError, match="already running"):
                self.fetch("/")

        @gen_test
        def test_generator(self) -> Any:
            responses = yield [self.http_client.fetch(self.get_url("/")) for _ in range(3)]
            assert [response.code for response in responses] == [200] * 3

    passes(This, "test_native")
    passes(This, "test_generator")


def test_what_a_test_case_is_made_of() -> None:
    class Server(HTTPServer):
        pass

    class This(Case):
        def get_app(self) -> Application:
            # An application may want to know where it will be.
            self.seen = self.get_url("/x")
            return super().get_app()

        def get_http_server(self) -> HTTPServer:
            return Server(self._app, **self.get_httpserver_options())

        def get_httpserver_options(self) -> dict[str, Any]:
            assert super().get_httpserver_options() == {}
            return {"xheaders": True}

        def test(self) -> None:
            assert self.seen == f"http://127.0.0.1:{self.get_http_port()}/x"
            assert self.get_protocol() == "http"
            assert isinstance(self.http_server, Server)
            assert AsyncHTTPClient() is self.http_client is self.get_http_client()
            response = self.fetch("/", headers={"X-Real-IP": "10.1.2.3"})
            assert response.body == b"hello by http from 10.1.2.3"

        def tearDown(self) -> None:
            super().tearDown()
            assert not hasattr(self, "http_server")
            assert not hasattr(self, "_app")
            assert self.io_loop.asyncio_loop.is_closed()
            with pytest.raises(RuntimeError, match="closed"):
                self.http_client.fetch("http://127.0.0.1/")

    passes(This)


def test_a_function_of_a_request_can_be_the_application() -> None:
    class This(AsyncHTTPTestCase):
        def get_app(self) -> Any:
            def answer(request: HTTPServerRequest) -> None:
                connection = request.connection
                assert connection is not None
                connection.write_headers(
                    ResponseStartLine("HTTP/1.1", 200, "OK"), HTTPHeaders({"Content-Length": "2"}), b"ok"
                )
                connection.finish()

            return answer

        def test(self) -> None:
            assert self.fetch("/").body == b"ok"

    passes(This)


def test_a_test_case_without_application_fails_and_leaves_nothing_open() -> None:
    class This(AsyncHTTPTestCase):
        def test(self) -> None:
            raise AssertionError("this must not run")

    assert "NotImplementedError: This does not define get_app()" in trouble(This)


def test_requests_that_are_under_way_are_broken_off_at_the_end() -> None:
    class This(Case):
        @gen_test
        async def test(self) -> None:
            before = Hang.begun
            self.fetching = self.http_client.fetch(self.get_url("/hang"))
            while Hang.begun == before:
                await gen.sleep(0.001)

        def tearDown(self) -> None:
            with ExpectLog(app_log, "Uncaught exception GET /hang", required=False):
                super().tearDown()
            assert self.fetching.done()

    passes(This)


def test_tls_with_a_certificate_that_comes_along() -> None:
    class This(AsyncHTTPSTestCase):
        def get_app(self) -> Application:
            return Application([("/", Hello)], log_function=lambda handler: None)

        def test(self) -> None:
            assert self.get_protocol() == "https"
            assert self.get_url("/") == f"https://127.0.0.1:{self.get_http_port()}/"
            assert self.fetch("/").body == b"hello by https from 127.0.0.1"
            options = self.get_ssl_options()
            assert self.get_httpserver_options() == {"ssl_options": options}
            assert options == AsyncHTTPSTestCase.default_ssl_options()
            assert all(os.path.isfile(options[name]) for name in ("certfile", "keyfile"))
            with ExpectLog(gen_log, "", required=False), pytest.raises(ssl.SSLCertVerificationError):
                self.fetch("/", validate_cert=True)
            # Who trusts the certificate may check it: it is for this address.
            response = self.fetch("/", validate_cert=True, ca_certs=options["certfile"])
            assert response.code == 200
            # The client that does not ask is the test's own.
            assert AsyncHTTPClient() is not self.http_client

    passes(This)


def test_cases_run_in_a_suite() -> None:
    class This(Case):
        def test_one(self) -> None:
            assert self.fetch("/").code == 200

        def test_two(self) -> None:
            assert self.fetch("/").code == 200

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(This).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
