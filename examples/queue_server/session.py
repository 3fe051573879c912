"""What one client's commands do, and what they are answered. No I/O."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from examples.queue_server import protocol
from examples.queue_server.protocol import Bad, Command, Delete, Other, Retrieve, client_error
from examples.queue_server.queues import Full
from examples.queue_server.records import Item
from examples.queue_server.store import Store
from framework import __version__

__all__ = ["Counters", "Session"]

#: Setting this to 1 lets a connection reserve items, as Redqueue does.
RESERVING = b"config:reserv"
_CONFIG = b"config:"


@dataclass(slots=True)
class Counters:
    """What a server has done since it began."""

    started: float = field(default_factory=time.monotonic)
    connections: int = 0
    total_connections: int = 0
    gets: int = 0
    hits: int = 0
    puts: int = 0
    returned: int = 0


class Session:
    """A connection's side of the store.

    ``get`` *takes*: the item ends when its answer has gone out, which `sent` says. In a connection that reserves, it
    ends with ``delete``. What a client has when it goes, `close` gives back.

    :arg reserving: whether it reserves from the beginning.
    """

    def __init__(self, store: Store, counters: Counters, reserving: bool) -> None:
        self.ended = False
        # Whether something was changed that may not be on disk yet.
        self.changed = False
        self._store = store
        self._counters = counters
        self._reserving = reserving
        # At most one of each queue.
        self._reserved: dict[bytes, Item] = {}
        self._taken: list[Item] = []
        counters.connections += 1
        counters.total_connections += 1

    def execute(self, command: Command) -> Iterator[bytes]:
        """Carries a command out, and gives the answer in pieces: a piece is what a client may have to wait for.

        :raises LogError: the log has failed.
        """
        if isinstance(command, Retrieve):
            return self._get(command)
        return iter((self._answer(command),))

    def _answer(self, command: protocol.Store | Delete | Other | Bad) -> bytes:
        if isinstance(command, Bad):
            return command.reply
        if isinstance(command, protocol.Store):
            answer = self._put(command)
        elif isinstance(command, Delete):
            answer = self._delete(command.key)
        else:
            answer = self._other(command)
        return b"" if command.noreply else answer

    def _put(self, command: protocol.Store) -> bytes:
        if command.key.startswith(_CONFIG):
            return self._configure(command)
        self._counters.puts += 1
        # `add` wants the queue to be empty, `replace` wants it not to be; for a queue, both add an item.
        if command.verb != b"set" and self._store.queues.has(command.key) is not (command.verb == b"replace"):
            return protocol.NOT_STORED
        try:
            self._store.put(command.key, command.flags, command.expires, command.data)
        except Full as error:
            return protocol.server_error(str(error))
        self.changed = True
        return protocol.STORED

    def _configure(self, command: protocol.Store) -> bytes:
        if command.key != RESERVING:
            return client_error(f"the only setting is {RESERVING.decode()}")
        if command.data not in (b"0", b"1"):
            return client_error(f"{RESERVING.decode()} is 0 or 1")
        self._reserving = command.data == b"1"
        return protocol.STORED

    def _get(self, command: Retrieve) -> Iterator[bytes]:
        for key in command.keys:
            self._counters.gets += 1
            # Who has an item gets no other before it is done with the first.
            item = None if key in self._reserved else self._store.hold(key)
            if item is None:
                continue
            self._counters.hits += 1
            if self._reserving:
                self._reserved[key] = item
            else:
                self._taken.append(item)
            yield protocol.value(key, item.flags, item.data, item.id if command.unique else None)
        yield protocol.END

    def _delete(self, key: bytes) -> bytes:
        item = self._reserved.pop(key, None)
        if item is None or not self._store.remove(item):
            return protocol.NOT_FOUND
        self.changed = True
        return protocol.DELETED

    def _other(self, command: Other) -> bytes:
        if command.verb == b"version":
            return b"VERSION %b\r\n" % __version__.encode()
        if command.verb == b"quit":
            self.ended = True
            return b""
        if command.verb == b"stats":
            return self._stats(command.words)
        if command.verb == b"flush_all":
            if command.words not in ((), (b"0",)):
                return client_error("flush_all is done at once or not at all")
            self._store.flush()
            self.changed = True
            return protocol.OK
        if not command.words[0].isdigit():
            return protocol.BAD_FORMAT
        # The log's level is not for clients to change.
        return protocol.OK

    def _stats(self, words: tuple[bytes, ...]) -> bytes:
        store, counters = self._store, self._counters
        sizes = store.queues.sizes()
        lines: list[tuple[str, object]]
        if words == (b"queues",):
            lines = []
            for name, waiting, held in sizes:
                text = name.decode("latin-1")
                lines += [(f"{text}:waiting", waiting), (f"{text}:reserved", held)]
        elif words:
            return client_error("there are stats, and stats queues")
        else:
            lines = [
                ("pid", os.getpid()),
                ("uptime", int(time.monotonic() - counters.started)),
                ("time", int(time.time())),
                ("version", __version__),
                ("curr_connections", counters.connections),
                ("total_connections", counters.total_connections),
                ("cmd_get", counters.gets),
                ("cmd_set", counters.puts),
                ("get_hits", counters.hits),
                ("get_misses", counters.gets - counters.hits),
                ("curr_items", len(store.queues)),
                ("bytes", store.queues.bytes),
                ("limit_maxbytes", store.queues.max_bytes),
                ("queues", len(sizes)),
                ("reserved_items", sum(held for _, _, held in sizes)),
                ("returned_items", counters.returned),
                ("log_bytes", store.file.size),
                ("log_syncs", store.file.syncs),
                ("log_compactions", store.log.rewritten),
            ]
        text = "".join(f"STAT {name} {what}\r\n" for name, what in lines)
        return text.encode("latin-1") + protocol.END

    def sent(self) -> None:
        """All answers so far have gone out: what was taken is the client's.

        :raises LogError: the log has failed.
        """
        taken, self._taken = self._taken, []
        for item in taken:
            if self._store.remove(item):
                self.changed = True

    def close(self) -> None:
        """The client is gone: gives back what it was not done with."""
        self._counters.connections -= 1
        held = [*self._reserved.values(), *self._taken]
        self._reserved.clear()
        self._taken.clear()
        for item in held:
            self._counters.returned += 1
            self._store.give_back(item)
