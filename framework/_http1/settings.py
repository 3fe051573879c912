"""Every limit of the HTTP server, by name, with its default."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from framework._http1.proxies import ProxyTrust

__all__ = ["ServerSettings"]


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class ServerSettings:
    """Sizes are bytes, times are seconds."""

    keep_alive: bool = True
    # The scheme that requests are said to have come by; None: by whether the transport has TLS.
    protocol: str | None = None
    proxies: ProxyTrust = field(default_factory=ProxyTrust)
    decompress_request: bool = False

    max_header_size: int = 65536
    max_header_count: int = 128
    max_body_size: int = 104857600
    max_connections: int = 65536
    # Requests read ahead while an earlier one is being answered.
    max_pipelined_requests: int = 1000
    # Output that a client has not taken before handlers are asked to wait.
    write_high_water: int = 65536

    # From the first byte of a request, or from the connection's start, to the end of its header.
    header_timeout: float = 20.0
    # From a response to the next request.
    idle_timeout: float = 75.0
    # The whole of a body; None: as long as it keeps coming.
    body_timeout: float | None = None
    # Between two pieces of a body.
    body_stall_timeout: float = 30.0
    # A client that takes nothing of what is written to it.
    write_timeout: float = 60.0
    # A connection that is to be closed goes on being read this long, so that the client sees the answer.
    linger_timeout: float = 2.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value <= 0:
                raise ValueError(f"{one.name} must be more than 0, not {value!r}")
