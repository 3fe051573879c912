"""The examples of the loop, coroutines, locks, queues, streams, servers, options and autoreload, each as a program."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.examples.reader import example
from tests.examples.site import ROOT, Program, Site
from tests.integration.client import Client

WORKING_ON_A_QUEUE = """\
Put 0
Put 1
Doing work on 0
Put 2
Doing work on 1
Put 3
Doing work on 2
Put 4
Doing work on 3
Doing work on 4
Done
"""

PRINTED = {
    "queue.py": WORKING_ON_A_QUEUE,
    "queue_decorated.py": WORKING_ON_A_QUEUE,
    "queue_orders.py": """\
(0, 'high-priority item')
(1, 'medium-priority item')
(10, 'low-priority item')
1
2
3
""",
    "condition.py": "I'll wait right here\nAbout to notify\nDone notifying\nI'm done waiting\n",
    "condition_timeout.py": "False\nFalse\n",
    "event.py": "Waiting for event\nAbout to set the event\nNot waiting this time\nDone\n",
    "semaphore.py": """\
Worker 0 is working
Worker 1 is working
Worker 0 is done
Worker 2 is working
Worker 1 is done
Worker 2 is done
""",
    "lock.py": "holds 1\nholds 2\none of two 1\none of two 2\none of two 3\n",
    "wait_iterator.py": """\
Result fast received at 1
Error broken from 2
Result slow received at 0
Result B received from b
Result A received from a
""",
    "parallel.py": """\
['body of url1', 'body of url2', 'body of url3', 'body of url4']
['body of a', 'body of b']
{'c': 'body of c', 'd': 'body of d'}
""",
    "divide.py": "raised: division by zero\ngoes on\n",
    "patterns.py": "('args', False)\n2\nsomething\nsomething\nsomething\nTrue\ntimed out\nticked\n",
}


def reference(name: str, port: int = 0) -> str:
    """An example, on a port of 127.0.0.1 in place of 8888."""
    text = example("reference", name)
    for written in ("listen(8888)", "bind(8888)", "bind_sockets(8888)"):
        text = text.replace(written, written.replace("8888", f'{port}, "127.0.0.1"'))
    return text.replace('("", 8888)', f'("127.0.0.1", {port})').replace(" 8888)", f" {port})")


def run(*command: str, folder: str | Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", PRINTED)
def test_it_prints_what_the_documentation_says(name: str) -> None:
    done = run("-c", reference(name))
    assert (done.stdout, done.returncode) == (PRINTED[name], 0), done.stderr
    # One of them shows that the loop logs what a callback raises, and goes on.
    assert ("ZeroDivisionError" in done.stderr) == (name == "divide.py")
    assert name == "divide.py" or not done.stderr


def wait_for(program: Program, words: str) -> None:
    """Return when the program has said so."""
    while words not in program.log():
        assert program.running, program.log()
        time.sleep(0.01)


class Served(Program):
    """An example that serves, as `example.py`."""

    def __init__(self, name: str) -> None:
        super().__init__("example.py", files={"example.py": ""})
        self._files = {"example.py": reference(name, self.port)}

    def ask(self, data: bytes) -> bytes:
        """Send, say that there is no more, and receive all."""
        with socket.create_connection((self.host, self.port), timeout=60) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            received = b""
            while piece := client.recv(65536):
                received += piece
            return received


def test_the_loop_watches_a_listening_socket() -> None:
    with Served("add_handler.py") as program:
        assert program.ask(b"hello, loop\n") == b""
        wait_for(program, "message from client: hello, loop\n")


def test_a_stream_fetches_a_page() -> None:
    with Program("hello.py", files={"hello.py": example("overview", "hello.py")}) as site:
        done = run("-c", reference("stream_client.py", site.port))
    assert (done.stdout, done.stderr) == ("b'Hello, world'\n", "")


def test_a_server_of_lines_and_its_client() -> None:
    with Served("echo.py") as program:
        assert program.ask(b"one\ntwo\nthe rest") == b"one\ntwo\n"
        done = run("-c", reference("tcpclient.py", program.port))
        assert (done.stdout, done.stderr) == ("Response from server: ping\n", "")
        assert "Traceback" not in program.log()


def test_bind_and_start_serve_from_several_processes() -> None:
    with Served("echo_bind_start.py") as program:
        children = {int(program.ask(b"")) for _ in range(5)}
        assert program.pid not in children
        assert 1 <= len(children) <= 2


def test_sockets_are_bound_before_the_fork_and_served_after_it() -> None:
    with Served("echo_add_sockets.py") as program:
        _, child = program.ask(b"").split()
        # Whoever has died is replaced, under its number.
        os.kill(int(child), signal.SIGKILL)
        answers = [program.ask(b"").split() for _ in range(5)]
        assert {number for number, _ in answers} <= {b"0", b"1"}
        assert child not in {pid for _, pid in answers}


def test_options_of_several_modules_are_set_from_one_file_and_the_command_line(tmp_path: Path) -> None:
    for name in ("myapp/db.py", "myapp/server.py"):
        (tmp_path / Path(name).name).write_text(reference(name))
    (tmp_path / "server.conf").write_text(reference("server.conf"))
    done = run("server.py", "--port=1", folder=tmp_path)
    caches = "['cache1.example.com:11011', 'cache2.example.com:11011']"
    said = f"db at mydb.example.com:3306, cache at {caches} port 8000\n"
    assert (done.stdout, done.stderr) == (said, "")
    done = run("server.py", "--help", folder=tmp_path)
    assert "Main user memcache servers" in done.stdout + done.stderr
    assert done.returncode == 0


def test_autoreload_runs_a_server_through_a_syntax_error_and_a_change() -> None:
    # `debug=True` looks for changes while the program runs, the module around it while it can't.
    hello = example("overview", "hello.py").replace("])\n", "], debug=True)\n")
    program = Program("-m", "framework.autoreload", "hello.py", files={"hello.py": hello})
    with program:
        path = Path(program.folder, "hello.py")
        served = path.read_text(encoding="utf-8")

        def save(text: str) -> None:
            fresh = path.with_suffix(".new")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)

        def page() -> bytes:
            program.wait_until_answers()
            with Client(program.url) as client:
                return client.get("/").body

        assert page() == b"Hello, world"
        save(served + "\nthis is no Python\n")
        wait_for(program, "SyntaxError")
        save(served.replace("Hello, world", "Hello, again"))
        assert page() == b"Hello, again"


WEATHER = {"query": {"results": {"channel": {"item": {"condition": {"temp": 7, "text": "rain"}}}}}}


async def test_the_tutorials_handler_asks_another_server(site: Site) -> None:
    catalogue = """
class WeatherHandler(framework.web.RequestHandler):
    def get(self):
        self.write(self.settings["weather"])

"""
    module = site.run("import framework.httpclient", catalogue, example("tutorial", "weather.py"))
    settings: dict[str, object] = {"weather": WEATHER}
    application = module.Application(
        [("/weather", module.WeatherHandler), ("/", module.MyClassHandler)], **settings
    )
    site.serve(application)
    application.settings["weather_uri"] = f"http://127.0.0.1:{site.port}/weather"
    assert (await site.get("/")).text == "Currently 7 degrees and rain in Berlin, DE"
