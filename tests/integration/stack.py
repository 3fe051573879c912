"""The whole system in the shape of the deployment: nginx, four server processes, three stores.

Locally all of them are processes of the test run. With `BASE_URL` set it is a running deployment that tests
can only talk to; what needs a hand on a process is then left out, saying so.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.servers import MongoServer, NginxServer, PostgresServer, RedisServer, ServerProcess, free_port

__all__ = ["DemoServer", "LocalStack", "RemoteStack", "Stores", "server_environment"]

ROOT = Path(__file__).resolve().parents[2]


class Stores(Protocol):
    """The three stores."""

    @property
    def redis(self) -> RedisServer:
        """Sessions, limits, waiting events."""

    @property
    def mongo(self) -> MongoServer:
        """Accounts."""

    @property
    def postgres(self) -> PostgresServer:
        """Events."""


def server_environment(stores: Stores, **more: str) -> dict[str, str]:
    """Return the settings of a server process that uses the stores; a name of `more` replaces."""
    redis, mongo, postgres = stores.redis, stores.mongo, stores.postgres
    settings = {
        "STORES": "servers",
        "TORNADO_SERVER_ADDRESS": "127.0.0.1",
        "TORNADO_SERVER_NUMPROCS": "1",
        # Only nginx: clients of the tests have other loopback addresses.
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "LOGGING_FORMAT": "json",
        "LOGGING_LOGGER_LEVEL": "INFO",
        "MONGODB_HOST": mongo.host,
        "MONGODB_PORT": str(mongo.port),
        "MONGODB_NAME": "demo",
        "REDIS_HOST": redis.host,
        "REDIS_PORT": str(redis.port),
        "REDIS_PASSWORD": redis.password,
        "POSTGRES_HOST": postgres.host,
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_DB": postgres.database,
        "POSTGRES_USER": postgres.user,
        "POSTGRES_PASSWORD": postgres.password,
    }
    settings.update(more)
    return settings


class DemoServer(ServerProcess):
    """`python -m demo_app`, with the settings of the environment and nothing else of this one's."""

    name = "demo_app"

    def __init__(
        self,
        settings: Mapping[str, str],
        arguments: Sequence[str] = (),
        *,
        port: int | None = None,
        shared: bool = False,
    ) -> None:
        super().__init__(port, shared=shared)
        self.settings = {"PATH_DATA": self.folder, "TORNADO_SERVER_PORT": str(self.port), **settings}
        self.arguments = list(arguments)

    @property
    def url(self) -> str:
        """The address of the server itself, past nginx."""
        return f"http://{self.host}:{self.port}"

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-W", "error", "-m", "demo_app", *self.arguments]

    def working_folder(self) -> str:
        """Return the checkout, where `demo_app` is found."""
        return str(ROOT)

    def environment(self) -> dict[str, str]:
        """Return the whole environment: settings of the person who runs the tests don't leak in."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "FRAMEWORK_LOOP")
            if name in os.environ
        }
        return {**kept, "PYTHONUNBUFFERED": "1", **self.settings}

    def answers(self) -> bool:
        """Say whether /health/live is answered with 200."""
        with socket.create_connection((self.host, self.port), timeout=2) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            with connection.makefile("rb") as answer:
                return answer.readline().startswith(b"HTTP/1.1 200")

    def log_records(self) -> list[dict[str, Any]]:
        """Return the lines of the log that are JSON."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]


class LocalStack:
    """Everything as processes of this run."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.secret = secrets.token_urlsafe(48)
        settings = server_environment(stores, SESSION_COOKIE_SECRET=self.secret)
        self.servers = [DemoServer(settings, shared=True) for _ in range(4)]
        port = free_port()
        self.nginx = NginxServer(port=port)
        self.nginx.http = self._nginx_http(port)
        self.base_url = f"http://127.0.0.1:{port}"

    def _nginx_http(self, port: int) -> str:
        # nginx runs as nobody, who may not be let into the checkout.
        folder = self.nginx.folder
        for name in ("http.conf", "locations.conf"):
            shutil.copy(ROOT / "nginx" / name, folder)
        static = ROOT / "demo_app" / "static"
        if static.is_dir():
            shutil.copytree(static, os.path.join(folder, "static"))
        servers = "\n".join(
            f"        server 127.0.0.1:{server.port} max_fails=2 fail_timeout=2s;" for server in self.servers
        )
        return f"""
    include {folder}/http.conf;
    access_log {folder}/access.json json;
    upstream frontends {{
        zone frontends 256k;
{servers}
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        include {folder}/locations.conf;
    }}
"""

    def start(self) -> None:
        """Start all, the servers at the same time."""
        try:
            migrate = DemoServer(self.servers[0].settings, ["migrate"])
            migrate.start(wait=False)
            if migrate.wait(60) != 0:
                raise RuntimeError(f"migrate failed:\n{migrate.log()}")
            migrate.close()
            for server in self.servers:
                server.start(wait=False)
            for server in self.servers:
                server.wait_until_answers()
            self.nginx.start()
        except BaseException:
            self.close()
            raise

    def heal(self) -> None:
        """Bring back whatever a test has left stopped."""
        _ = self.stores.redis, self.stores.mongo, self.stores.postgres
        for server in self.servers:
            server.ensure()
        self.nginx.ensure()

    def close(self) -> None:
        """End nginx and the servers; the stores are the run's."""
        self.nginx.close()
        for server in self.servers:
            server.close()

    def tails(self) -> str:
        """Return the ends of the servers' logs without the questions for health, for a failure."""
        lines = []
        for server in self.servers:
            log = [line for line in server.log().splitlines() if "/health/" not in line]
            lines += [f"--- the end of the log of the server on port {server.port} ---", *log[-8:]]
        return "\n".join(lines)

    def access_log(self) -> list[dict[str, Any]]:
        """Return nginx's lines so far."""
        with open(os.path.join(self.nginx.folder, "access.json")) as file:
            return [json.loads(line) for line in file]

    def client_address(self) -> str:
        """Return a loopback address that no other test uses: limits per address then don't add up."""
        return f"127.{secrets.randbelow(200) + 10}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"


class RemoteStack:
    """A deployment that runs already, at `base_url`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def tails(self) -> str:
        """Return nothing: the logs are elsewhere."""
        return ""

    def client_address(self) -> str:
        """Return the address that this machine has towards the deployment."""
        parts = urlsplit(self.base_url)
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=5) as connection:
            return str(connection.getsockname()[0])
