"""Which proxies are believed, and what they say about the client."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

__all__ = ["DEFAULT_TRUSTED_PROXIES", "ProxyTrust"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Loopback, private (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291) networks.
DEFAULT_TRUSTED_PROXIES = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return found if mapped is None else mapped


class ProxyTrust:
    """The rules by which forwarding headers are read.

    ``enabled`` is the server's ``xheaders``. ``trusted_proxies`` are addresses or CIDR ranges that a
    direct peer must lie in for its headers to be believed; a peer on a Unix socket always is.
    ``trusted_downstream`` are further proxies on the way, passed over in ``X-Forwarded-For``.
    Raises `ValueError` for an entry that is neither address nor range.
    """

    __slots__ = ("_known", "_networks", "downstream", "enabled")

    def __init__(
        self,
        enabled: bool = False,
        trusted_proxies: Iterable[str] | None = None,
        trusted_downstream: Iterable[str] | None = None,
    ) -> None:
        self.enabled = enabled
        ranges = DEFAULT_TRUSTED_PROXIES if trusted_proxies is None else tuple(trusted_proxies)
        self._networks = [self._network(entry) for entry in ranges]
        # Proxies further down, to be passed over.
        self.downstream = frozenset(trusted_downstream or ())
        # Peers judged so far. The addresses are those of proxies, few; bounded all the same.
        self._known: dict[str, bool] = {}

    @staticmethod
    def _network(entry: str) -> Network:
        try:
            return ipaddress.ip_network(entry, strict=False)
        except ValueError as error:
            raise ValueError(
                f"trusted_proxies takes addresses and CIDR ranges such as 10.0.0.0/8, not {entry!r}"
            ) from error

    def believes(self, peer: str) -> bool:
        """Whether the headers of a direct peer count; an empty address is a Unix socket's."""
        if not self.enabled:
            return False
        if not peer:
            return True
        known = self._known.get(peer)
        if known is None:
            address = _address(peer.partition("%")[0])
            known = address is not None and any(
                address in network for network in self._networks if network.version == address.version
            )
            if len(self._known) >= 1024:
                self._known.clear()
            self._known[peer] = known
        return known

    def client_address(self, peer: str, real_ip: str | None, forwarded_for: str | None) -> str:
        """The client's address as a believed peer tells it; the peer's own where it tells none."""
        candidate = peer
        if forwarded_for:
            for entry in reversed(forwarded_for.split(",")):
                candidate = entry.strip()
                if candidate not in self.downstream:
                    break
        if real_ip:
            candidate = real_ip.strip()
        return candidate if candidate and _address(candidate) is not None else peer

    @staticmethod
    def scheme(direct: str, x_scheme: str | None, forwarded_proto: str | None) -> str:
        """The scheme the client used as a believed peer tells it; ``direct`` where it tells none."""
        told = x_scheme or forwarded_proto
        if told:
            # Several proxies may have added theirs: the last is the one that the peer itself saw.
            told = told.rpartition(",")[2].strip().lower()
            if told in ("http", "https"):
                return told
        return direct
