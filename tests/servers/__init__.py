"""Real servers for tests: PostgreSQL, Redis, MongoDB, nginx, tinyproxy, a provider, as processes of the test run.

Each listens on a free port of 127.0.0.1 with its data in a folder of its own, and can be stopped, killed,
paused and started again, so that a test can show what an outage does. They end with the test run, however it
ends.
"""

from tests.servers.mongo import MongoServer
from tests.servers.nginx import NginxServer
from tests.servers.postgres import PostgresServer
from tests.servers.process import NotInstalledError, ServerProcess, free_port
from tests.servers.provider import ProviderServer
from tests.servers.redis import RedisServer
from tests.servers.tinyproxy import TinyproxyServer

__all__ = [
    "MongoServer",
    "NginxServer",
    "NotInstalledError",
    "PostgresServer",
    "ProviderServer",
    "RedisServer",
    "ServerProcess",
    "TinyproxyServer",
    "free_port",
]
