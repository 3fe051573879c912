"""The files of the deployment agree with each other; what they do together is tests/integration's matter."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
SCRIPTS = sorted([*(ROOT / "scripts").glob("*.sh"), *(ROOT / "deploy").glob("*/*.sh"), ROOT / ".ci" / "run"])
# For the runs of `make test-containers`, which sets them itself.
NOT_FOR_PEOPLE = {"DEMO_IMAGE", "DEMO_TEST_IMAGE", "PROVIDER_IMAGE", "TESTS_USER"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pinned(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def required(requirements: list[str]) -> set[str]:
    names = {re.split(r"[^A-Za-z0-9.-]", requirement)[0] for requirement in requirements}
    return names - {"framework"}


def test_each_setting_of_the_stack_is_explained_with_its_default() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", read("docker-compose.yml")))
    explained = dict(re.findall(r"^#([A-Z_]+)=(.*)$", read(".env.example"), re.MULTILINE))
    assert set(used) - set(explained) == NOT_FOR_PEOPLE
    assert set(explained) - set(used) == {"COMPOSE_PROJECT_NAME"}
    # An empty default leaves the application's own.
    assert {name: explained[name] for name, value in used.items() if value and name in explained} == {
        name: value for name, value in used.items() if value and name in explained
    }


def test_each_secret_of_the_stack_is_made_once_and_kept(tmp_path: Path) -> None:
    wanted = set(re.findall(r"file: \./secrets/(\w+)", read("docker-compose.yml")))
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(ROOT / "scripts" / "make-secrets.sh", tmp_path / "scripts")
    subprocess.run(["/bin/sh", script], check=True, capture_output=True)
    folder = tmp_path / "secrets"
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == wanted
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in made.values())
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    (folder / "redis_password").unlink()
    subprocess.run(["/bin/sh", script], check=True, capture_output=True)
    again = {path.name: path.read_text() for path in folder.iterdir()}
    assert {name for name in made if made[name] != again[name]} == {"redis_password"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    for block in re.split(r"\n(?=[a-z])", text):
        if not block.startswith("#"):
            assert "--hash=sha256:" in block, block


def test_the_locks_have_all_that_the_project_asks_for_in_one_version_each() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    locks = {lock.stem: pinned(lock) for lock in LOCKS}
    assert required(project["dependencies"] + extras["redis"] + extras["demo"]) <= set(locks["demo"])
    assert required(extras["compress"] + extras["dev"]) | set(locks["demo"]) <= set(locks["dev"])
    assert required(extras["testservers"]) <= set(locks["testservers"])
    assert required(extras["auth"]) <= set(locks["demo"])
    assert required(extras["provider"]) <= set(locks["provider"])
    # Of another Python.
    del locks["autobahn"]
    for lock in locks.values():
        assert {name: locks["dev"].get(name, version) for name, version in lock.items()} == lock


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_a_script_can_be_started_and_read_by_its_shell(script: Path) -> None:
    first = script.read_text(encoding="utf-8").splitlines()[0]
    assert first in ("#!/bin/sh", "#!/usr/bin/env bash")
    assert os.access(script, os.X_OK)
    shell = "sh" if first.endswith("/sh") else "bash"
    subprocess.run([shell, "-n", script], check=True)


def test_make_alone_explains_every_target() -> None:
    targets = set(re.findall(r"^\.PHONY: (\S+)", read("Makefile"), re.MULTILINE))
    done = subprocess.run(
        ["make"], cwd=ROOT, check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )
    assert set(re.findall(r"^  make (\S+)", done.stdout, re.MULTILINE)) == targets


@contextmanager
def server(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/live" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield httpd.server_port
        httpd.shutdown()
        thread.join()


def healthcheck(port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(ROOT / "deploy" / "healthcheck.py")]
    environment = {"TORNADO_SERVER_PORT": str(port)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_health_check_tells_a_healthy_server_from_a_sick_and_a_missing_one() -> None:
    with server(200) as port:
        assert healthcheck(port).returncode == 0
    missing = healthcheck(port)
    assert (missing.returncode, f"no answer on port {port}" in missing.stderr) == (1, True)
    with server(503) as port:
        sick = healthcheck(port)
    assert (sick.returncode, sick.stderr.strip()) == (1, "/health/live answered 503")
