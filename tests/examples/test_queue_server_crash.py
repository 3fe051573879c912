"""What the queue server promises, held to it by kill -9 in the middle of everything.

Four clients put, take, and reserve and confirm, each as fast as it can. When enough was acknowledged the server is
killed; what it had not answered, nobody knows of. After the next start, all that is left is taken out and compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from tests.examples.queue_server import Server

#: How many acknowledgments before the server is killed, in one life after the other.
LIVES = (1, 40, 150, 300)


class Crowd:
    """The clients of one life, and what they know for certain."""

    def __init__(self, server: Server, life: int) -> None:
        self._server = server
        self._life = life
        self._enough = threading.Semaphore(0)
        self.attempted: set[bytes] = set()
        self.stored: list[list[bytes]] = [[], []]
        # In the order of the answers; the last may have been answered by a server that didn't live to note it.
        self.taken: list[bytes] = []
        self.confirmed: set[bytes] = set()
        # Their confirmation wasn't answered.
        self.unknown: set[bytes] = set()
        self.reserved: set[bytes] = set()

    def run(self, acknowledgments: int) -> None:
        """Let them work, and kill the server."""
        works = (lambda: self._put(0), lambda: self._put(1), self._take, self._reserve)
        threads = [threading.Thread(target=self._until_the_end, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for _ in range(acknowledgments):
            self._enough.acquire()
        self._server.kill()
        for thread in threads:
            thread.join()

    def _until_the_end(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, MemcacheError):
            # The server has died.
            pass
        finally:
            self._enough.release(1000)

    def _put(self, name: int) -> None:
        with self._server.client() as client:
            number = 0
            while True:
                number += 1
                value = b"%d %d %06d" % (self._life, name, number)
                self.attempted.add(value)
                if client.set("a", value + b"." * (number % 7 * 50)):
                    self.stored[name].append(value)
                    self._enough.release()

    def _take(self) -> None:
        with self._server.client() as client:
            while True:
                if (item := client.get("a")) is not None:
                    self.taken.append(_name(item))
                    self._enough.release()

    def _reserve(self) -> None:
        with self._server.client() as client:
            client.set("config:reserv", b"1")
            while True:
                item = client.get("a")
                if item is None:
                    continue
                value = _name(item)
                self.reserved.add(value)
                self.unknown.add(value)
                assert client.delete("a") is True
                self.confirmed.add(value)
                self.unknown.discard(value)
                self._enough.release()


def _name(item: bytes) -> bytes:
    return item.rstrip(b".")


def drain(client: Client) -> list[bytes]:
    items = []
    while (item := client.get("a")) is not None:
        items.append(_name(item))
    return items


@pytest.mark.parametrize("options", [(), ("--compact-at=0",)], ids=["log", "log written anew all the time"])
def test_no_acknowledged_item_is_lost_and_none_comes_again_after_its_acknowledgment(
    options: tuple[str, ...],
) -> None:
    with Server(*options) as server:
        for life, acknowledgments in enumerate(LIVES):
            crowd = Crowd(server, life)
            crowd.run(acknowledgments)
            server.start()
            with server.client() as client:
                left = drain(client)
                server.kill()
            server.start()
            with server.client() as client:
                again = drain(client)
            check(crowd, left)
            # What the last answer had may come again, nothing else.
            assert again in ([], left[-1:])
            assert "Traceback" not in server.log()
            assert "damaged" not in server.log()


def check(crowd: Crowd, left: list[bytes]) -> None:
    stored = {value for values in crowd.stored for value in values}
    delivered = set(crowd.taken) | crowd.confirmed
    # 1. None is lost.
    assert stored <= delivered | crowd.unknown | set(left)
    # 2. None that was confirmed comes again, and of those taken at most the last.
    assert not crowd.confirmed & set(left)
    assert set(crowd.taken) & set(left) <= set(crowd.taken[-1:])
    # 3. None comes twice, to one or to two.
    assert len(left) == len(set(left))
    assert len(crowd.taken) == len(set(crowd.taken))
    assert not set(crowd.taken) & crowd.reserved
    # 4. Nothing is invented.
    assert delivered | set(left) <= crowd.attempted
    # 5. They come in the order of their coming.
    for name in (b"0", b"1"):
        mine = [value for value in left if value.split()[1] == name]
        assert mine == sorted(mine)
