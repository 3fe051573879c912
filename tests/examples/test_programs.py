"""The examples that are whole programs, each run as one."""

from __future__ import annotations

from functools import partial

import pytest

from tests.examples.reader import example
from tests.examples.site import Program
from tests.integration.client import Client

overview = partial(example, "overview")
tutorial = partial(example, "tutorial")


@pytest.mark.parametrize("document", ["overview", "beginners"])
def test_hello_world(document: str) -> None:
    with (
        Program("hello.py", files={"hello.py": example(document, "hello.py")}) as program,
        Client(program.url) as client,
    ):
        answer = client.get("/")
        assert (answer.status, answer.body) == (200, b"Hello, world")
        assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
        assert client.get("/elsewhere").status == 404
        assert client.post("/").status == 405


def test_the_factorial_service_takes_an_argument() -> None:
    with (
        Program("app.py", files={"app.py": example("mvc", "factorial.py")}) as program,
        Client(program.url) as client,
    ):
        # What the service computes is the factorial of n - 1; the second answer is from its cache.
        assert [client.get("/fact?n=6").body for _ in range(2)] == [b"120", b"120"]
        assert client.get("/fact").status == 400
        assert client.get("/fact?n=many").status == 500


def test_the_tutorials_structure_of_application_server_and_loop() -> None:
    with (
        Program(
            "app.py",
            files={"app.py": tutorial("structure.py")},
            environment={"SERVER_PORT": "{port}"},
        ) as program,
        Client(program.url) as client,
    ):
        # It has no routes yet.
        assert client.get("/").status == 404


def test_the_tutorials_application_is_given_its_database_options_and_folders() -> None:
    surroundings = """
define("port", type=int)
define("site_name", default="none", group="application")

async def connect_to_db():
    framework.options.parse_command_line()
    return {"motto": "Hello neighboor!!!"}

class ExampleHandler(RequestHandler):
    def get(self):
        self.render("page.html", db=self.settings["db"], name=self.settings["site_name"])

"""
    files = {
        "app.py": surroundings + tutorial("deployment.py") + "\nmain()\n",
        "templates/page.html": '{{ name }}: {{ db["motto"] }} {{ static_url("neighbours.txt") }}',
        "static/neighbours.txt": "Bob",
    }
    arguments = ("--port={port}", "--site-name=street")
    with LoopbackProgram("app.py", *arguments, files=files) as program, Client(program.url) as client:
        page = client.get("/").body.decode()
        assert page.startswith("street: Hello neighboor!!! /static/neighbours.txt?v=")
        assert client.get("/static/neighbours.txt").body == b"Bob"
        assert f"Listening on http://localhost:{program.port}" in program.log()


class LoopbackProgram(Program):
    """A program that takes its port from an option; only this computer may ask it."""

    def rewritten(self, name: str, text: str) -> str:
        """Name the address to listen on."""
        return super().rewritten(
            name, text.replace("listen(options.port)", 'listen(options.port, "127.0.0.1")')
        )


def test_run_sync_connects_before_the_loop_of_the_server_starts() -> None:
    surroundings = """
class aioredis:
    @staticmethod
    async def create_redis(address):
        await framework.gen.sleep(0)
        return Records(address)

class Records(dict):
    def __init__(self, address):
        self.update(address=":".join(address))

    async def get(self, name):
        return dict.get(self, name)

    async def set(self, name, value):
        self[name] = value

"""
    serving = """
Application([(r"/(.*)", RedisHandler)], redis=redis).listen(8888)
ioloop.start()
"""
    parts = (tutorial("connect.py"), tutorial("records.py"), tutorial("run_sync.py"))
    with (
        Program(
            "app.py",
            files={"app.py": "\n".join((surroundings, *parts, serving))},
            environment={"REDIS_HOST": "redis.example.org", "REDIS_PORT": "6379"},
        ) as program,
        Client(program.url) as client,
    ):
        assert client.get("/address").body == b"redis.example.org:6379"
        assert client.get("/ada").status == 404
        assert client.request("POST", "/ada", json_body=[1]).status == 204
        assert client.get("/ada").body == b"[1]"


OPTIONS = """\
import framework.options

framework.options.define("port", default=1, type=int, help="where to listen")
framework.options.define("greeting", default="Hello")
framework.options.define(
    "config", type=str, callback=lambda path: framework.options.parse_config_file(path, final=False))
framework.options.parse_command_line()

class MainHandler(framework.web.RequestHandler):
    def get(self):
        name = self.get_query_argument("name", "world")
        self.write(f"{framework.options.options.greeting}, {name}")

Application([(r"/", MainHandler)]).listen(framework.options.options.port, "127.0.0.1")
framework.ioloop.IOLoop.current().start()
"""


def test_options_come_from_the_command_line_and_a_config_file_and_logging_can_be_turned_off() -> None:
    files = {"app.py": OPTIONS, "server.conf": 'greeting = "Good day"\nport = 2\n'}
    arguments = ("--config={folder}/server.conf", "--port={port}")
    with Program("app.py", *arguments, files=files) as loud, Client(loud.url) as client:
        assert client.get("/?name=Ada").body == b"Good day, Ada"
        assert "200 GET /?name=Ada (127.0.0.1)" in loud.log()
    with Program("app.py", *arguments, "--logging=none", files=files) as silent, Client(silent.url) as client:
        assert client.get("/").body == b"Good day, world"
        assert silent.log() == ""


def test_help_explains_the_options_and_ends_the_program() -> None:
    program = Program("app.py", "--help", files={"app.py": OPTIONS})
    try:
        program.start(wait=False)
        assert program.wait() == 0
        said = program.log()
        assert "--port" in said
        assert "where to listen (default 1)" in said
        assert "--logging=debug|info|warning|error|none" in said
    finally:
        program.close()


def test_an_option_of_the_wrong_type_or_an_unknown_one_ends_the_program_with_its_name() -> None:
    for argument, name in (("--port=many", "port"), ("--colour=red", "colour")):
        program = Program("app.py", argument, files={"app.py": OPTIONS})
        try:
            program.start(wait=False)
            assert program.wait() == 1
            assert name in program.log()
        finally:
            program.close()


def test_translations_are_loaded_by_main_and_the_browsers_language_chooses() -> None:
    start_server = """
class MainHandler(framework.web.RequestHandler):
    def get(self):
        self.render("sign_in.html")

class CountHandler(framework.web.RequestHandler):
    def get(self, count):
        self.render("singular.html", people=["somebody"] * int(count))

class LocaleHandler(framework.web.RequestHandler):
    def get(self):
        supported = sorted(framework.locale.get_supported_locales())
        self.write({"code": self.locale.code, "name": self.locale.name, "supported": supported})

def start_server():
    Application([
        ("/", MainHandler), ("/count/([0-9]+)", CountHandler), ("/locale", LocaleHandler)
    ], xsrf_cookies=True).listen(8888)
    framework.ioloop.IOLoop.current().start()

"""
    files = {
        "app.py": start_server + overview("load_translations.py") + "\nmain()\n",
        "sign_in.html": overview("sign_in.html"),
        "singular.html": overview("singular.html"),
        "translations/es.csv": (
            '"Sign in","Entrar"\n"Username","Usuario"\n"Password","Contraseña"\n'
            '"Translate this string","Traduce esto"\n'
            '"A person liked this","A una persona le gustó","singular"\n'
            '"%(num)d people liked this","A %(num)d personas les gustó","plural"\n'
        ),
        "translations/fr_CA.csv": '"Sign in","Se connecter"\n',
    }
    with Program("app.py", files=files) as program, Client(program.url) as client:
        page = client.get("/", Accept_Language="es-GT,es;q=0.8").body.decode()
        assert "<title>FriendFeed - Entrar</title>" in page
        assert '<form action="/" method="post">' in page
        assert 'Usuario <input type="text"' in page
        assert "Contraseña" in page
        assert '<input type="hidden" name="_xsrf" value="' in page
        assert "FriendFeed - Se connecter" in client.get("/", Accept_Language="fr-CA").body.decode()
        assert "FriendFeed - Sign in" in client.get("/", Accept_Language="pl").body.decode()

        one = client.get("/count/1", Accept_Language="es").body.decode().split("\n")
        assert one[:2] == ["Traduce esto", "A una persona le gustó"]
        many = client.get("/count/7", Accept_Language="es").body.decode().split("\n")
        assert many[1] == "A 7 personas les gustó"

        closest = client.get("/locale", Accept_Language="es-GT").json
        assert (closest["code"], closest["supported"]) == ("es", ["en_US", "es", "fr_CA"])
        assert client.get("/locale", Accept_Language="fr-CA").json["name"] == "Français (Canada)"
        # Without a language that is there, and without any.
        assert client.get("/locale", Accept_Language="pl").json["code"] == "en_US"
        assert client.get("/locale").json["name"] == "English (US)"
