"""What some workloads need beside the peers: Redis, a certificate, nginx. Each as arguments for the peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.cores import LOAD_CORE
from benchmarks.errors import BenchmarkError
from benchmarks.nginx import nginx
from benchmarks.server import Server, free_port
from benchmarks.setup import static_files

__all__ = ["certificate", "nginx_files", "nothing", "redis_server"]


@contextmanager
def nothing() -> Iterator[Sequence[str]]:
    """Give no further arguments."""
    yield ()


@contextmanager
def redis_server() -> Iterator[Sequence[str]]:
    """Run a Redis server that keeps nothing on disk, on a core of the load: `--redis URL`."""
    program = shutil.which("redis-server")
    if program is None:
        raise BenchmarkError("this needs Redis, which is not installed: apt-get install redis-server")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with Server(command, port, core=LOAD_CORE):
        yield ("--redis", f"redis://127.0.0.1:{port}/0")


@contextmanager
def certificate() -> Iterator[Sequence[str]]:
    """Make a certificate that lasts a day, signed by itself: `--certificate PATH --key PATH`."""
    program = shutil.which("openssl")
    if program is None:
        raise BenchmarkError(
            "the certificate comes from openssl, which is not installed: apt-get install openssl"
        )
    with tempfile.TemporaryDirectory(prefix="bench-tls-") as folder:
        certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
        command = [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-nodes", "-days", "1", "-subj", "/CN=localhost"]
        command += [
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-out",
            certificate,
            "-keyout",
            key,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"openssl made no certificate: {done.stderr}")
        yield ("--certificate", certificate, "--key", key)


@contextmanager
def nginx_files() -> Iterator[Sequence[str]]:
    """Run nginx with a file of 1 kB, on a core of the load: `--url URL`."""
    port = free_port()
    http = f"""
    open_file_cache max=10;
    keepalive_requests 100000000;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port};
        root {static_files()};
    }}
"""
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder, nginx(folder, port, http, LOAD_CORE):
        yield ("--url", f"http://127.0.0.1:{port}/1k.txt")
