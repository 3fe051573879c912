"""Requests, their handlers, errors and redirects, as the overview has them."""

from __future__ import annotations

import logging
import traceback
from functools import partial
from typing import Any

import pytest

from framework.web import Application, HTTPError, RedirectHandler, RequestHandler
from tests.examples.reader import example
from tests.examples.site import Site

overview = partial(example, "overview")
tutorial = partial(example, "tutorial")
mvc = partial(example, "mvc")


async def test_groups_of_the_route_are_arguments_of_the_method(site: Site) -> None:
    site.serve(site.run(overview("story.py")).application)
    assert (await site.get("/")).text == "You requested the main page"
    assert (await site.get("/story/17")).text == "You requested the story 17"
    assert (await site.get("/story/seventeen")).status == 404


async def test_get_argument_reads_the_query_and_the_body(site: Site) -> None:
    handler = site.run(overview("form.py")).MyFormHandler
    site.serve(Application([(r"/myform", handler)]))
    form = await site.get("/myform")
    assert '<input type="text" name="message">' in form.text
    answer = await site.post("/myform", {"message": "hello, wörld"})
    assert answer.text == "You wrote hello, wörld"
    assert answer.field("Content-Type") == "text/plain"
    assert (await site.post("/myform?message=hello")).text == "You wrote hello"
    assert (await site.post("/myform")).status == 400


async def test_uploaded_files_are_mapped_by_the_name_of_their_field(site: Site) -> None:
    seen: dict[str, Any] = {}

    class Upload(RequestHandler):
        def post(self) -> None:
            seen.update(self.request.files)
            self.write(self.get_argument("title"))

    site.serve(Application([("/upload", Upload)]))
    body = (
        b'--limit\r\nContent-Disposition: form-data; name="title"\r\n\r\nHolidays\r\n'
        b'--limit\r\nContent-Disposition: form-data; name="photo"; filename="sea.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\0\r\n--limit--\r\n"
    )
    answer = await site.request("POST", "/upload", body, Content_Type="multipart/form-data; boundary=limit")
    assert answer.text == "Holidays"
    assert seen == {"photo": [{"filename": "sea.png", "content_type": "image/png", "body": b"\x89PNG\r\n\0"}]}
    assert seen["photo"][0].filename == "sea.png"


async def test_httperror_answers_with_its_status(site: Site) -> None:
    handler = site.run(overview("forbidden.py")).MainHandler
    site.serve(Application([("/", handler)]))
    refused = await site.get("/")
    assert refused.status == 403
    assert refused.text == "<html><title>403: Forbidden</title><body>403: Forbidden</body></html>"
    assert (await site.get("/?logged_in=yes")).status == 200


async def test_the_request_has_arguments_files_path_and_headers(site: Site) -> None:
    class Look(RequestHandler):
        def post(self) -> None:
            request = self.request
            self.write(
                {
                    "arguments": {name: [v.decode() for v in vs] for name, vs in request.arguments.items()},
                    "files": request.files,
                    "path": request.path,
                    "agent": request.headers["User-Agent"],
                }
            )

    site.serve(Application([("/look", Look)]))
    answer = await site.post("/look?a=1&b=2", {"a": "3"}, User_Agent="browser")
    assert answer.text == (
        '{"arguments": {"a": ["1", "3"], "b": ["2"]}, "files": {}, "path": "/look", "agent": "browser"}'
    )


async def test_initialize_gets_what_the_route_table_says(site: Site) -> None:
    database = {"ada": "Ada Lovelace"}
    profile = overview("profile.py")
    site.serve(site.run(profile, database=database).app)
    # The document leaves the method's body out.
    empty = await site.get("/user/ada")
    assert (empty.status, empty.body) == (200, b"")

    filled = profile.replace("...", 'self.write(self.database.get(username, "nobody"))')
    site.serve(site.run(filled, database=database).app)
    assert (await site.get("/user/ada")).text == "Ada Lovelace"
    assert (await site.get("/user/bob")).text == "nobody"


async def test_each_request_makes_a_handler_and_calls_its_methods_in_order(site: Site) -> None:
    calls: list[tuple[str, int]] = []

    class Recorder(RequestHandler):
        def initialize(self, name: str) -> None:
            calls.append((f"initialize {name}", id(self)))

        def set_default_headers(self) -> None:
            self.set_header("Server", "recorder")

        def prepare(self) -> None:
            calls.append(("prepare", id(self)))
            if self.get_argument("stop", ""):
                self.finish("stopped")

        def get(self, number: str) -> None:
            calls.append((f"get {number}", id(self)))
            self.write("went on")

        def on_finish(self) -> None:
            calls.append(("on_finish", id(self)))

    site.serve(Application([("/([0-9])", Recorder, {"name": "ada"})]))
    answer = await site.get("/1")
    assert (answer.text, answer.field("Server")) == ("went on", "recorder")
    assert [name for name, _ in calls] == ["initialize ada", "prepare", "get 1", "on_finish"]
    assert len({handler for _, handler in calls}) == 1
    calls.clear()
    assert (await site.get("/2?stop=1")).text == "stopped"
    assert [name for name, _ in calls] == ["initialize ada", "prepare", "on_finish"]


class Failing(RequestHandler):
    def get(self, way: str) -> None:
        if way == "status":
            self.set_status(503)
            self.write("come back later")
        elif way == "send":
            self.write("dropped, since it was not flushed")
            self.send_error(418)
        elif way == "http":
            raise HTTPError(409, "taken: %s", "ada")
        else:
            raise ValueError("an error of the program")


async def test_three_ways_to_answer_with_an_error(site: Site) -> None:
    site.serve(Application([("/(.*)", Failing)]))
    by_status = await site.get("/status")
    assert (by_status.status, by_status.text) == (503, "come back later")
    assert "418: I&#x27;m a Teapot" in (await site.get("/send")).text
    assert "409: Conflict" in (await site.get("/http")).text
    other = await site.get("/other")
    assert other.status == 500
    assert other.text == (
        "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>"
    )


async def test_debug_mode_puts_the_stack_trace_on_the_error_page(site: Site) -> None:
    site.serve(Application([("/(.*)", Failing)], debug=True, autoreload=False))
    page = await site.get("/other")
    assert page.field("Content-Type") == "text/plain"
    assert page.text.startswith("Traceback (most recent call last):")
    assert 'raise ValueError("an error of the program")' in page.text
    assert page.text.endswith("ValueError: an error of the program\n")


async def test_write_error_makes_a_page_of_ones_own(site: Site) -> None:
    class Own(Failing):
        def write_error(self, status_code: int, **kwargs: Any) -> None:
            if "exc_info" in kwargs:
                last = traceback.format_exception(*kwargs["exc_info"])[-1].strip()
                self.write(f"{status_code} because of {last}")
            else:
                self.write(f"{status_code} for no reason")

    site.serve(Application([("/(.*)", Own)]))
    assert (await site.get("/other")).text == "500 because of ValueError: an error of the program"
    assert (await site.get("/http")).text.startswith("409 because of framework.web.")
    assert (await site.get("/send")).text == "418 for no reason"


async def test_an_httperrors_message_is_for_the_log_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.serve(Application([("/(.*)", Failing)]))
    with caplog.at_level(logging.WARNING):
        answer = await site.get("/http")
    assert "taken" not in answer.text
    assert "409 GET /http (127.0.0.1): taken: ada" in caplog.messages


async def test_redirect_is_temporary_unless_told_otherwise(site: Site) -> None:
    class Away(RequestHandler):
        def get(self) -> None:
            self.redirect("/some-canonical-page", permanent=True)

        def post(self) -> None:
            self.redirect("/thanks")

    site.serve(Application([("/", Away)]))
    for_good = await site.get("/")
    assert (for_good.status, for_good.field("Location")) == (301, "/some-canonical-page")
    for_now = await site.post("/")
    assert (for_now.status, for_now.field("Location")) == (302, "/thanks")


async def test_redirect_handler_is_permanent_unless_told_otherwise(site: Site) -> None:
    class ContentHandler(RequestHandler):
        def get(self, name: str) -> None:
            self.write("content of " + name)

    module = site.run(overview("redirect.py"), ContentHandler=ContentHandler, settings={})
    site.serve(module.application)
    assert (await site.get("/page")).text == "content of page"
    moved = await site.get("/static/tornado-0.2.tar.gz")
    assert moved.status == 301
    assert moved.field("Location") == "https://github.com/downloads/facebook/tornado/tornado-0.2.tar.gz"

    site.serve(site.run(overview("redirect_found.py"), settings={}).application)
    found = await site.get("/foo")
    assert (found.status, found.field("Location")) == (302, "/bar")


async def test_redirect_handler_fills_in_the_groups_of_the_route(site: Site) -> None:
    site.serve(Application([("/old/(.*)", RedirectHandler, {"url": "/new/{0}"})]))
    assert (await site.get("/old/page?a=1")).field("Location") == "/new/page?a=1"


async def test_a_coroutine_with_yield_answers_when_it_returns(site: Site) -> None:
    site.serve(Application([("/", site.run(mvc("coroutine.py")).MainHandler)]))
    assert (await site.get("/")).text == "Hello, world"


class Collection:
    """A collection of MongoDB's, as far as the tutorial uses one."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    async def find_one(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        return self.documents.get(wanted["name"])

    async def replace_one(self, wanted: dict[str, Any], document: dict[str, Any], upsert: bool) -> None:
        assert upsert
        self.documents[wanted["name"]] = document


class Store:
    """What the tutorial's handlers find in the settings `mongo_db` and `redis`."""

    def __init__(self) -> None:
        self.my_collection = Collection()
        self.records: dict[str, bytes] = {}

    async def command(self, name: str) -> str:
        return "mongo " + name

    async def ping(self) -> str:
        return "redis"

    async def get(self, name: str) -> bytes | None:
        return self.records.get(name)

    async def set(self, name: str, value: bytes) -> None:
        self.records[name] = value


async def test_the_tutorials_handlers_wait_for_their_stores(site: Site) -> None:
    module = site.run(tutorial("documents.py"), tutorial("records.py"))
    store = Store()
    routes = [("/documents/(.*)", module.ExampleHandler), ("/records/(.*)", module.RedisHandler)]
    site.serve(Application(routes, mongo_db=store, redis=store))
    missing = await site.get("/documents/ada")
    assert (missing.status, "404: Not Found" in missing.text) == (404, True)
    stored = await site.request("POST", "/documents/ada", b'{"born": 1815}')
    assert (stored.status, stored.body) == (204, b"")
    found = await site.get("/documents/ada")
    assert (found.text, found.field("Content-Type")) == ('{"born": 1815}', "application/json; charset=UTF-8")
    assert (await site.get("/records/ada")).status == 404
    assert (await site.request("POST", "/records/ada", b"\0\1")).status == 204
    assert (await site.get("/records/ada")).body == b"\0\1"


async def test_several_operations_are_waited_for_at_once(site: Site) -> None:
    store = Store()
    handler = site.run(tutorial("ping.py")).PingHandler
    site.serve(Application([("/", handler)], mongo_db=store, redis=store))
    assert (await site.get("/")).text == '{"answers": ["mongo ping", "redis", "mysql"]}'
