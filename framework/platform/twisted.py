"""Twisted and this framework in one process, on one event loop.

Call `install` before anything imports ``twisted.internet.reactor``::

    import framework.platform.twisted
    framework.platform.twisted.install()
    from twisted.internet import reactor

    IOLoop.current().start()

Either ``IOLoop.start`` or ``reactor.run`` starts both, and ``reactor.stop`` ends both. In a program that asyncio
starts, `install` belongs to the beginning of the main coroutine.

Once this module is imported, coroutines of `framework.gen` can yield a ``Deferred``, and
`framework.gen.convert_yielded` makes a future of one, for ``await``. The other way there is Twisted's own
``Deferred.fromFuture``.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.internet.main import installReactor

from framework.gen import convert_yielded
from framework.platform.loops import current_loop

__all__ = ["install"]


def install() -> None:
    """Makes Twisted's reactor one that runs on this thread's event loop.

    The reactor starts with the loop: whatever Twisted offers works then, threads included. Signals are left
    to the program, unless it is ``reactor.run`` that starts the loop.

    :raises twisted.internet.error.ReactorAlreadyInstalledError: a reactor is installed, most likely because
        ``twisted.internet.reactor`` was imported before.
    """
    loop = current_loop()
    reactor = AsyncioSelectorReactor(loop)
    installReactor(reactor)  # type: ignore[no-untyped-call]
    # With the loop's first round, so that `reactor.run` can still be the one that starts it.
    loop.call_soon(_start, reactor)


def _start(reactor: AsyncioSelectorReactor) -> None:
    # Nobody may ever stop the reactor, and a program must be able to end without.
    threads: Any = reactor.getThreadPool()
    threads.threadFactory = functools.partial(threading.Thread, daemon=True)
    if not reactor.running:
        reactor.startRunning(installSignalHandlers=False)


@convert_yielded.register(Deferred)
def _future(deferred: Deferred[Any]) -> asyncio.Future[Any]:
    """A future that follows the Deferred, and cancels it when it is cancelled itself."""
    return deferred.asFuture(current_loop())
