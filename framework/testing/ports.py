"""Ports that nobody uses."""

from __future__ import annotations

import socket

from framework import netutil

__all__ = ["bind_unused_port"]


def bind_unused_port(reuse_port: bool = False, address: str = "127.0.0.1") -> tuple[socket.socket, int]:
    """A listening socket at a port that the system chose, and the port.

    :arg reuse_port: lets others listen at the same port.
    :arg address: an IPv4 address of this machine.
    """
    (sock,) = netutil.bind_sockets(0, address, family=socket.AF_INET, reuse_port=reuse_port)
    return sock, sock.getsockname()[1]
