"""A stack in containers: what `docker compose` does to it, and what nginx tells of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.integration.client import Client, eventually

__all__ = ["SERVERS", "STORES", "Compose"]

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"app0": 8000, "app1": 8001, "app2": 8002, "app3": 8003}
STORES = ("mongo", "redis", "postgres")


def run(*command: str, check: bool = True) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Compose:
    """The containers of one project.

    Args:
        command: how to call Compose, such as `["docker", "compose"]`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.base_url = f"http://{self('port', 'nginx', '8080').strip()}"

    def __call__(self, *arguments: str) -> str:
        """Call Compose."""
        return run(*self.command, *arguments)

    def container(self, service: str) -> str:
        """Return the id of the first container of a service, running or not."""
        found = run("docker", "ps", "-aq", *self._labels(service)).split()
        if not found:
            raise LookupError(f"{service} has no container")
        return found[-1]

    def address(self, service: str) -> str:
        """Return the address of a service's container towards nginx."""
        networks = json.loads(run("docker", "inspect", self.container(service)))[0]["NetworkSettings"][
            "Networks"
        ]
        return next(str(value["IPAddress"]) for name, value in networks.items() if name.endswith("_front"))

    def kill(self, service: str) -> None:
        """End a container at once; it stays so."""
        run("docker", "kill", self.container(service))

    def stop(self, service: str) -> None:
        """Ask a container to end, and wait."""
        run("docker", "stop", "--time", "20", self.container(service))

    def start(self, service: str) -> None:
        """Start a container that was ended."""
        run("docker", "start", self.container(service))

    def pause(self, service: str) -> None:
        """Freeze a container: its connections stay open and nothing is answered."""
        run("docker", "pause", self.container(service))

    def healthy(self, service: str) -> bool:
        """Say whether a service's health check is content."""
        state = run("docker", "inspect", "--format", "{{ .State.Health.Status }}", self.container(service))
        return state.strip() == "healthy"

    def heal(self) -> None:
        """Start what was ended, thaw what was frozen, and wait until all is well."""
        services = [*STORES, *SERVERS, "provider", "nginx"]
        for service in services:
            state = run(
                "docker", "inspect", "--format", "{{ .State.Status }}", self.container(service)
            ).strip()
            if state == "paused":
                run("docker", "unpause", self.container(service))
            elif state != "running":
                self.start(service)
        for service in services:
            eventually(lambda service=service: self.healthy(service), 60)
        with Client(self.base_url) as client:
            eventually(lambda: client.get("/health/ready").json["status"] == "ready", 30)

    def access_log(self, since: datetime) -> list[dict[str, Any]]:
        """Return nginx's lines since a moment."""
        lines = run("docker", "logs", "--since", since.isoformat(), self.container("nginx")).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def upstreams(self, since: datetime) -> Counter[str]:
        """Return how many requests each server (address and port) got since a moment, retries included."""
        counts: Counter[str] = Counter()
        for line in self.access_log(since):
            counts.update(part for part in line["upstream"].split(", ") if part and part != "frontends")
        return counts

    def ports(self, since: datetime) -> Counter[int]:
        """Return how many requests each port got since a moment."""
        counts: Counter[int] = Counter()
        for server, count in self.upstreams(since).items():
            counts[int(server.rpartition(":")[2])] += count
        return counts

    @staticmethod
    def now() -> datetime:
        """Return the moment for `since`."""
        return datetime.now(UTC)

    def _labels(self, service: str) -> list[str]:
        project = os.environ.get("COMPOSE_PROJECT_NAME", ROOT.name)
        labels = {"project": project, "service": service, "oneoff": "False"}
        return [
            part
            for name, value in labels.items()
            for part in ("--filter", f"label=com.docker.compose.{name}={value}")
        ]
