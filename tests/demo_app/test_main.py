"""The command line, and whole processes with embedded stores."""

from __future__ import annotations

import asyncio
import signal
import socket
import stat
from pathlib import Path

import pytest

from demo_app import __main__ as program
from demo_app.config import PUBLISHED_SECRET
from tests.demo_app.client import Client
from tests.demo_app.conftest import SECRET
from tests.demo_app.processes import Process, run

ADA = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_a_start_without_a_secret_is_refused_with_status_2() -> None:
    ended = run()
    assert ended.returncode == 2
    assert "SESSION_COOKIE_SECRET" in ended.stderr
    assert "secrets.token_urlsafe" in ended.stderr
    assert all(line.startswith("demo_app: ") for line in ended.stderr.splitlines())


def test_settings_can_be_checked() -> None:
    assert run("check-config", SESSION_COOKIE_SECRET=SECRET).returncode == 0
    ended = run("check-config", SESSION_COOKIE_SECRET=SECRET, REDIS_PORT="many", STORES="clay")
    assert ended.returncode == 2
    assert ended.stderr.count("demo_app: ") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "unknown command 'dance'"),
        (["serve", "demo"], "what is 'demo'"),
        (["--colour=red"], "colour"),
        (["--port=many"], "many"),
    ],
)
def test_a_wrong_command_line_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(arguments, {"SESSION_COOKIE_SECRET": SECRET}) == 2
    assert message in capsys.readouterr().err


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run(f"--port={port}", SESSION_COOKIE_SECRET=SECRET, TORNADO_SERVER_ADDRESS="127.0.0.1")
    assert ended.returncode == 1
    assert "in use" in ended.stderr


def test_the_options_of_the_command_line_go_before_the_environment(tmp_path: Path) -> None:
    environ = {"SESSION_COOKIE_SECRET": SECRET, "TORNADO_SERVER_PORT": "1", "STORES": "servers"}
    settings = program._settings("serve", ["--port=9", "--stores=embedded"], environ)
    assert (settings.server_port, settings.stores) == (9, "embedded")


def test_the_demo_needs_no_settings_and_makes_its_secret_once(tmp_path: Path) -> None:
    environ = {"PATH_DATA": str(tmp_path / "data"), "STORES": ""}
    one = program._settings("demo", [], environ)
    assert (one.stores, one.server_numprocs, one.server_port) == ("embedded", 4, 8080)
    assert one.server_address == "127.0.0.1"
    assert program._settings("demo", [], environ) == one
    assert one.cookie_secret not in ("", PUBLISHED_SECRET)
    kept = tmp_path / "data" / "cookie_secret"
    assert kept.read_text() == one.cookie_secret
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["cookie_secret"]
    assert program._settings("demo", [], environ | {"PORT": "8123"}).server_port == 8123
    assert program._settings("demo", [], environ | {"SESSION_COOKIE_SECRET": SECRET}).cookie_secret == SECRET


def test_a_demo_without_a_place_for_its_data_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert program.main(["demo"], {"PATH_DATA": str(tmp_path / "file")}) == 2
    assert "PATH_DATA" in capsys.readouterr().err


def test_migrate_makes_the_embedded_file(tmp_path: Path) -> None:
    environ = {"SESSION_COOKIE_SECRET": SECRET, "STORES": "embedded", "PATH_DATA": str(tmp_path)}
    assert run("migrate", **environ).returncode == 0
    assert (tmp_path / "demo.sqlite3").exists()


async def test_the_demo_serves_with_four_processes_and_its_data_outlive_a_restart(
    tmp_path: Path, processes: list[Process]
) -> None:
    process = Process(tmp_path, "demo")
    processes.append(process)
    client = await process.started(4)
    answers = await asyncio.gather(*[Client(process.port).post("/register", **ADA) for _ in range(50)])
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49
    assert (await client.post("/login", username="ada", password=ADA["password"])).status == 200
    for _ in range(20):
        assert (await client.get("/isLogined")).json["logined"] is True
    assert process.stop() == 0
    process = Process(tmp_path, "demo")
    processes.append(process)
    await process.started(4)
    client.port = process.port
    info = await client.get("/account/info")
    assert [event["kind"] for event in info.json["events"]] == ["logged_in", "registered"]
    assert process.stop() == 0
    log = process.log.read_text()
    assert log.count(" stopped") == 8
    assert "Traceback" not in log
    assert "Warning" not in log


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_lets_what_has_begun_be_finished(
    tmp_path: Path, processes: list[Process], signum: signal.Signals
) -> None:
    process = Process(
        tmp_path, "serve", SESSION_COOKIE_SECRET=SECRET, STORES="embedded", TORNADO_SERVER_NUMPROCS="1"
    )
    processes.append(process)
    await process.started()
    idle = await asyncio.open_connection("127.0.0.1", process.port)
    requests = [
        asyncio.create_task(
            Client(process.port).post(
                "/register", **ADA | {"username": f"ada{n}", "email": f"{n}@example.org"}
            )
        )
        for n in range(20)
    ]
    # All are hashed one after the other; when the first is answered, the others have long begun.
    await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    process.popen.send_signal(signum)
    answers = await asyncio.gather(*requests)
    assert [answer.status for answer in answers] == [201] * 20
    assert await idle[0].read() == b""
    idle[1].close()
    assert await asyncio.to_thread(process.popen.wait, 20) == 0
    assert "Traceback" not in process.log.read_text()
    with pytest.raises(ConnectionRefusedError):
        await Client(process.port).get("/health/live")


async def test_in_debug_there_is_one_process_with_the_published_secret(
    tmp_path: Path, processes: list[Process]
) -> None:
    process = Process(tmp_path, DEBUG="true", STORES="embedded", TORNADO_SERVER_NUMPROCS="4")
    processes.append(process)
    client = await process.started()
    assert b"\n    " in (await client.get("/isLogined")).body
    assert "published secret" in process.log.read_text()
    assert process.log.read_text().count("serving on port") == 1
