"""Cookies, log-in and protection against forged requests, as the overview has them."""

from __future__ import annotations

import re
from functools import partial

from framework.web import Application, RequestHandler, authenticated
from tests.examples.reader import example
from tests.examples.site import Answer, Site

overview = partial(example, "overview")


def token_in(answer: Answer) -> str:
    """The token of the hidden field in a form."""
    found = re.search(r'<input type="hidden" name="_xsrf" value="([^"]+)"/>', answer.text)
    assert found is not None, answer
    return found[1]


async def test_a_cookie_is_set_once_and_comes_back(site: Site) -> None:
    site.serve(Application([("/", site.run(overview("cookie.py")).MainHandler)]))
    first = await site.get("/")
    assert first.text == "Your cookie was not set yet!"
    assert first.field("Set-Cookie") == "mycookie=myvalue; Path=/"
    second = await site.get("/")
    assert (second.text, second.field("Set-Cookie")) == ("Your cookie was set!", None)


async def test_a_signed_cookie_comes_back_and_a_changed_one_counts_as_missing(site: Site) -> None:
    site.serve(site.run(overview("secure_cookie.py"), overview("cookie_secret.py")).application)
    assert (await site.get("/")).text == "Your cookie was not set yet!"
    assert (await site.get("/")).text == "Your cookie was set!"
    genuine = site.cookies["mycookie"]
    # Value, time and signature are in it.
    assert genuine.strip('"').count("|") == 5
    site.cookies["mycookie"] = genuine.replace("|8:mycookie|", "|8:theirone|")
    assert (await site.get("/")).text == "Your cookie was not set yet!"
    site.cookies["mycookie"] = "myvalue"
    assert (await site.get("/")).text == "Your cookie was not set yet!"


async def test_a_name_is_enough_to_log_in(site: Site) -> None:
    site.serve(site.run(overview("login.py")).application)
    sent_away = await site.get("/")
    assert (sent_away.status, sent_away.field("Location")) == (302, "/login")
    assert 'Name: <input type="text" name="name">' in (await site.get("/login")).text
    back = await site.post("/login", {"name": "Ada & Bob"})
    assert (back.status, back.field("Location")) == (302, "/")
    assert (await site.get("/")).text == "Hello, Ada &amp; Bob"


async def test_authenticated_sends_to_the_login_page_with_the_way_back(site: Site) -> None:
    # The handlers of the example before, its MainHandler replaced.
    site.serve(site.run(overview("login.py"), overview("authenticated.py")).application)
    sent_away = await site.get("/?page=2")
    assert (sent_away.status, sent_away.field("Location")) == (302, "/login?next=%2F%3Fpage%3D2")
    await site.post("/login", {"name": "Ada"})
    assert (await site.get("/")).text == "Hello, Ada"


async def test_authenticated_posts_are_refused(site: Site) -> None:
    class Post(RequestHandler):
        @authenticated
        def post(self) -> None:
            self.write("posted")

    site.serve(Application([("/", Post)], login_url="/login"))
    assert (await site.post("/")).status == 403


async def test_forged_posts_puts_and_deletes_are_refused(site: Site) -> None:
    class Everything(RequestHandler):
        def post(self) -> None:
            self.write("done")

        put = delete = post

    module = site.run(overview("login.py"), overview("xsrf.py"))
    module.application.add_handlers(".*", [("/all", Everything)])
    site.serve(module.application)
    assert (await site.post("/login", {"name": "Ada"})).status == 403
    for method in ("POST", "PUT", "DELETE"):
        assert (await site.request(method, "/all")).status == 403


class NewMessage(RequestHandler):
    def get(self) -> None:
        self.render("new_message.html")

    def post(self) -> None:
        self.write("posted " + self.get_argument("message", "nothing"))

    put = delete = post


async def test_a_form_carries_the_token_and_scripts_send_it_as_a_header(site: Site) -> None:
    site.write("new_message.html", overview("new_message.html"))
    settings = site.run(overview("login.py"), overview("xsrf.py")).settings
    site.serve(Application([("/new_message", NewMessage)], template_path=str(site.folder), **settings))
    form = await site.get("/new_message")
    token = token_in(form)
    assert "_xsrf" in site.cookies
    posted = await site.post("/new_message", {"message": "hello", "_xsrf": token})
    assert (posted.status, posted.text) == (200, "posted hello")
    # The value of the cookie itself does, as the document's jQuery function sends it.
    posted = await site.post("/new_message", {"message": "hi", "_xsrf": site.cookies["_xsrf"]})
    assert posted.text == "posted hi"
    for method in ("POST", "PUT", "DELETE"):
        assert (await site.request(method, "/new_message", X_XSRFToken=token)).text == "posted nothing"
    assert (await site.post("/new_message", {"_xsrf": "2|00000000|0|0"})).status == 403
    site.cookies["_xsrf"] = "another"
    assert (await site.post("/new_message", {"_xsrf": token})).status == 403


async def test_the_form_field_can_be_had_from_the_module_and_from_the_function(site: Site) -> None:
    class Form(RequestHandler):
        def get(self, name: str) -> None:
            self.render(name)

    site.write("module.html", "{% module xsrf_form_html() %}")
    site.write("function.html", "{% raw xsrf_form_html() %}")
    site.serve(Application([("/(.*)", Form)], template_path=str(site.folder), xsrf_cookies=True))
    assert token_in(await site.get("/module.html"))
    assert token_in(await site.get("/function.html"))


async def test_reading_the_token_sets_the_cookie(site: Site) -> None:
    class Script(RequestHandler):
        def get(self) -> None:
            self.xsrf_token  # noqa: B018  # reading it is enough
            self.write("a page of scripts")

        def post(self) -> None:
            self.write("posted")

    site.serve(Application([("/", Script)], xsrf_cookies=True))
    await site.get("/")
    assert (await site.post("/", X_XSRFToken=site.cookies["_xsrf"])).text == "posted"


async def test_a_handler_may_do_without_the_check(site: Site) -> None:
    class Api(RequestHandler):
        def check_xsrf_cookie(self) -> None:
            """Its authentication is not by cookie."""

        def post(self) -> None:
            self.write("posted")

    site.serve(Application([("/", Api)], xsrf_cookies=True))
    assert (await site.post("/")).text == "posted"
