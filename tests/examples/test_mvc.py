"""The application with sessions of the introduction: several processes, JSON answers, errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.reader import examples
from tests.examples.site import Program
from tests.integration.client import Client, eventually


class View(Program):
    """`python -m demo.view.app` with the document's settings as variables."""

    def __init__(self, debug: bool) -> None:
        files = {name: text for name, text in examples("mvc").items() if name.startswith("demo/")}
        files["demo/view/config.py"] += files.pop("demo/view/settings.py")
        files["demo/view/common/cache.py"] = ""
        environment = {
            "DEBUG": "true" if debug else "false",
            "PATH_DATA": "{folder}/data",
            "TORNADO_SERVER_PORT": "{port}",
            "TORNADO_SERVER_NUMPROCS": "2",
        }
        super().__init__("-m", "demo.view.app", files=files, environment=environment)

    def rewritten(self, name: str, text: str) -> str:
        """Listen on this computer alone."""
        return text.replace("['server']['port'])", "['server']['port'], '127.0.0.1')")


@pytest.fixture
def in_debug_mode() -> Iterator[View]:
    with View(debug=True) as view:
        yield view


@pytest.fixture
def in_production() -> Iterator[View]:
    with View(debug=False) as view:
        yield view


def test_answers_are_json_with_code_and_message(in_debug_mode: View) -> None:
    with Client(in_debug_mode.url) as client:
        answer = client.get("/isLogined")
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert {**answer.json, "process": 0} == {"code": 0, "message": "", "logined": False, "process": 0}
        # In debug mode for people to read.
        assert answer.body.startswith(b'{\n    "code": 0,\n')
        old_browser = client.get("/isLogined", User_Agent="Mozilla/4.0 (compatible; MSIE 7.0; Windows)")
        assert old_browser.headers["Content-Type"] == "text/html; charset=utf-8"
        refused = client.post("/login", {"username": "bob"})
        assert (refused.status, refused.json) == (401, {"code": 1, "message": "no such user: bob"})


def test_pages_are_rendered_with_the_same_fields(in_debug_mode: View) -> None:
    with Client(in_debug_mode.url) as client:
        answer = client.get("/register")
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.body.strip() == b"<h1>Who are you?</h1>"


def test_errors_carry_the_traceback_in_debug_mode(in_debug_mode: View) -> None:
    with Client(in_debug_mode.url) as client:
        answer = client.post("/account/edit")
        assert (answer.status, answer.json["code"]) == (500, 1)
        assert answer.json["message"][0] == "Traceback (most recent call last):\n"
        assert answer.json["message"][-1] == "ValueError: this form is broken\n"
        wrong_method = client.get("/account/edit")
        assert wrong_method.status == 405
        assert wrong_method.json["message"][-1].endswith("HTTPError: HTTP 405: Method Not Allowed\n")
        missing = client.post("/login")
        assert (missing.status, "Missing argument username" in missing.json["message"][-1]) == (400, True)


def test_a_session_remembers_the_user_until_it_is_flushed(in_debug_mode: View) -> None:
    with Client(in_debug_mode.url) as client:
        assert client.post("/login", {"username": "ada"}).json["user"] == {"name": "ada"}
        assert client.get("/isLogined").json["logined"] is True
        out = client.get("/logout")
        assert (out.status, out.headers["Location"]) == (302, "/login")
        assert client.get("/isLogined").json["logined"] is False


def test_requests_are_logged_by_prepare(in_debug_mode: View) -> None:
    with Client(in_debug_mode.url) as client:
        client.get("/isLogined?a=1")
    with open(f"{in_debug_mode.folder}/data/log/app.log") as log:
        assert "GET /isLogined {'a': [b'1']} " in log.read()


def test_the_address_and_the_scheme_come_from_the_proxy(in_debug_mode: View) -> None:
    with Client(in_debug_mode.url) as client:
        answer = client.get("/account/info", X_Real_IP="203.0.113.9", X_Scheme="https")
        assert (answer.json["ip"], answer.json["scheme"]) == ("203.0.113.9", "https")


def test_two_processes_share_the_port_and_the_sessions(in_production: View) -> None:
    with Client(in_production.url) as client:
        answer = client.post("/login", {"username": "ada"})
        # Compact, and without details of errors.
        assert answer.body == b'{"code": 0, "message": "", "user": {"name": "ada"}}'
        broken = client.post("/account/edit")
        assert (broken.status, broken.json) == (500, {"code": 1, "message": "Something went wrong"})
        cookies = client.cookies

    processes = set()

    def both() -> bool:
        with Client(in_production.url) as another:
            another.cookies = dict(cookies)
            answer = another.get("/isLogined").json
            assert answer["logined"] is True
            processes.add(answer["process"])
        return len(processes) == 2

    eventually(both)
