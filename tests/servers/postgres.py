"""A PostgreSQL server with a database and a user that owns nothing else."""

from __future__ import annotations

import csv
import glob
import io
import os
import shutil
import signal

from tests.servers.process import NotInstalledError, ServerProcess

__all__ = ["PostgresServer"]


class PostgresServer(ServerProcess):
    """`postgres`, made by `initdb` on first use.

    It refuses root, so where the tests run as root it gets an account of its own.
    """

    name = "postgres"
    # Its "fast" stop: open connections are ended. SIGTERM would wait for the clients' pools.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        port: int | None = None,
        *,
        user: str = "demo",
        password: str = "postgres-password",
        database: str = "demo",
        shared: bool = True,
    ) -> None:
        super().__init__(port, user="postgres", shared=shared)
        self.user, self.password, self.database = user, password, database

    @property
    def dsn(self) -> str:
        """The address as libpq takes it."""
        address = f"host={self.host} port={self.port} dbname={self.database}"
        return f"{address} user={self.user} password={self.password}"

    def prepare(self) -> None:
        """Make the data folder, the user and the database."""
        data = os.path.join(self.folder, "data")
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run(_program("initdb"), "-D", data, *options)
        with open(os.path.join(data, "pg_hba.conf"), "w") as file:
            file.write(f"local all postgres trust\nhost all {self.user} 127.0.0.1/32 scram-sha-256\n")
        # PostgreSQL without a server: statements from the standard input, one line each.
        script = os.path.join(self.folder, "first.sql")
        with open(script, "w") as file:
            file.write(f"CREATE ROLE {self.user} LOGIN PASSWORD '{self.password}'\n")
            file.write(f"CREATE DATABASE {self.database} OWNER {self.user}\n")
        single = f"{_program('postgres')} --single -F -D {data} postgres < {script}"
        self._run("/bin/sh", "-c", single)

    def command(self) -> list[str]:
        """Return the command line."""
        settings = {
            "listen_addresses": self.host,
            "port": self.port,
            "unix_socket_directories": self.folder,
            # A crash of the process loses nothing through these; only one of the machine would.
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
            "autovacuum": "off",
        }
        command = [_program("postgres"), "-D", os.path.join(self.folder, "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def answers(self) -> bool:
        """Say whether a query is answered."""
        try:
            return self.query("SELECT 1") == [["1"]]
        except RuntimeError:
            return False

    def query(self, sql: str) -> list[list[str]]:
        """Run SQL as the database's owner and return the rows as text."""
        env = {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "2", "PATH": os.environ.get("PATH", "")}
        arguments = ["-h", self.host, "-p", str(self.port), "-U", self.user, "-d", self.database]
        output = self._run(_program("psql"), *arguments, "-X", "-q", "-t", "--csv", "-c", sql, env=env)
        return list(csv.reader(io.StringIO(output)))


def _program(name: str) -> str:
    """Return the path of a program of the newest PostgreSQL; Debian keeps them apart from the PATH."""
    folders = sorted(
        glob.glob("/usr/lib/postgresql/*/bin"),
        key=lambda path: [int(part) for part in path.split("/") if part.isdigit()],
    )
    for folder in [*reversed(folders), None]:
        found = shutil.which(name, path=folder)
        if found is not None:
            return found
    raise NotInstalledError(
        "PostgreSQL", "the package postgresql (Debian, Ubuntu) or postgresql-server (others)"
    )
