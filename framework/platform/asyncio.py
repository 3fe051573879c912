"""`IOLoop` on asyncio: the event loop as this API offers it, around a loop of asyncio or uvloop.

Both views of one loop can be used together: `asyncio.get_running_loop` inside callbacks, `IOLoop.current`
inside a program started by `asyncio.run`. `framework.ioloop` is where programs import `IOLoop` from.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from concurrent import futures
from typing import Any, Protocol, TypeVar, overload

from framework.concurrent import Future, is_future
from framework.gen import BadYieldError, Moment, convert_yielded
from framework.log import app_log
from framework.platform.closing import end_tasks
from framework.platform.loops import current_loop, new_asyncio_loop, seconds_until, thread_loop
from framework.platform.selector_thread import AddThreadSelectorEventLoop, SelectorThread
from framework.util import Configurable

__all__ = [
    "AddThreadSelectorEventLoop",
    "AnyThreadEventLoopPolicy",  # noqa: F822 (made by __getattr__)
    "AsyncIOLoop",
    "AsyncIOMainLoop",
    "BaseAsyncIOLoop",
    "SelectorThread",
    "to_asyncio_future",
    "to_tornado_future",
]

T = TypeVar("T")


class Selectable(Protocol):
    """What a handler can be added for besides a number: a socket, a file."""

    def fileno(self) -> int: ...

    def close(self) -> None: ...


class IOLoop(Configurable):
    """An event loop: callbacks, timeouts, file descriptors and coroutines of one thread.

    ``IOLoop.current()`` is this thread's loop. ``IOLoop()`` makes another and makes it current;
    ``IOLoop(make_current=False)`` only makes it. Only `add_callback` may be called from other threads
    (and `add_callback_from_signal` from signal handlers).

    The asyncio loop is the attribute `asyncio_loop`.
    """

    NONE = 0
    READ = 1
    WRITE = 4
    ERROR = 0x18

    asyncio_loop: asyncio.AbstractEventLoop
    closing: bool
    # Something was put in that no `start` has looked at yet.
    _filled: bool
    # Called when `start` ends, for those who put something off to the end of a turn of the loop.
    at_stop: list[Callable[[], None]]
    _signals: set[int]

    _of_asyncio_loop: dict[asyncio.AbstractEventLoop, IOLoop] = {}  # noqa: RUF012

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """`IOLoop`."""
        return IOLoop

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """`AsyncIOLoop`."""
        return AsyncIOLoop

    def initialize(self, make_current: bool = True) -> None:
        """Called instead of a constructor; a new loop becomes this thread's own unless told otherwise."""
        if make_current:
            self._set_current()

    # Whose loop

    @overload
    @staticmethod
    def current() -> IOLoop: ...

    @overload
    @staticmethod
    def current(instance: bool = True) -> IOLoop | None: ...

    @staticmethod
    def current(instance: bool = True) -> IOLoop | None:
        """This thread's loop: the one that runs, else the one set for the thread, else a new one.

        :arg instance: False asks only: None where no `IOLoop` is current.
        """
        loop = asyncio._get_running_loop() or (current_loop() if instance else thread_loop())
        found = None if loop is None else IOLoop._of_asyncio_loop.get(loop)
        if found is None and instance:
            made: IOLoop = AsyncIOMainLoop(make_current=False)
            return made
        return found

    @staticmethod
    def instance() -> IOLoop:
        """The same as `current`; the older name."""
        return IOLoop.current()

    def install(self) -> None:
        """The same as `make_current`; the older name."""
        self.make_current()

    @staticmethod
    def clear_instance() -> None:
        """The same as `clear_current`; the older name."""
        IOLoop.clear_current()

    def make_current(self) -> None:
        """Makes this the loop of the calling thread. Deprecated: a loop is current while it runs."""
        warnings.warn(
            "make_current is deprecated; start the event loop first", DeprecationWarning, stacklevel=2
        )
        self._set_current()

    @staticmethod
    def clear_current() -> None:
        """Leaves the calling thread without a current loop. Deprecated, as `make_current` is."""
        warnings.warn("clear_current is deprecated", DeprecationWarning, stacklevel=2)
        found = IOLoop.current(instance=False)
        if found is not None:
            found._unset_current()

    def _set_current(self) -> None:
        asyncio.set_event_loop(self.asyncio_loop)

    def _unset_current(self) -> None:
        asyncio.set_event_loop(None)

    # Start and stop

    def start(self) -> None:
        """Runs the loop until `stop` is called.

        :raises RuntimeError: this loop, or another one of this thread, runs already.
        """
        self._filled = False
        self.asyncio_loop.run_forever()
        for callback in self.at_stop:
            callback()

    def stop(self) -> None:
        """Ends `start` after the current round of callbacks; before `start`, makes it return at once.

        From other threads: ``loop.add_callback(loop.stop)``.
        """
        self.asyncio_loop.stop()

    def run_sync(self, func: Callable[..., Any], timeout: float | None = None) -> Any:
        """Runs the loop until ``func()`` and what it returns are done, and returns the result.

        :arg func: a coroutine function, or one that returns None or something `convert_yielded` takes.
        :arg timeout: seconds after which the coroutine is cancelled.
        :raises TimeoutError: it was cancelled for that reason.
        :raises RuntimeError: the loop was stopped before, or the coroutine ended by cancellation.
        """
        if self.asyncio_loop.is_running():
            raise RuntimeError("This event loop is already running")
        future: Future[Any] | None = None
        timed_out = False
        # What is done only after this run must not stop a later one.
        ended = False

        def run() -> None:
            nonlocal future
            try:
                result = func()
                future = self.asyncio_loop.create_future() if result is None else convert_yielded(result)
                if result is None:
                    future.set_result(None)
            except Exception as error:
                future = self.asyncio_loop.create_future()
                future.set_exception(error)
            self.add_future(future, lambda _: None if ended else self.stop())

        def expire() -> None:
            nonlocal timed_out
            timed_out = True
            # The end of a cancelled future stops the loop; one that cannot be cancelled is left.
            if future is None or not future.cancel():
                self.stop()

        first = self.asyncio_loop.call_soon(run)
        timer = None if timeout is None else self.asyncio_loop.call_later(timeout, expire)
        try:
            self.start()
        finally:
            ended = True
            first.cancel()
            if timer is not None:
                timer.cancel()
        try:
            if future is None or future.cancelled() or not future.done():
                if timed_out:
                    raise TimeoutError(f"Operation timed out after {timeout} seconds")
                raise RuntimeError("Event loop stopped before Future completed.")
            return future.result()
        finally:
            # The error's traceback holds this frame, and the frame would hold the error.
            future = None

    def close(self, all_fds: bool = False) -> None:
        """Closes the loop, which must not run. What its tasks hold is released: they are cancelled first.

        :arg all_fds: closes the descriptors and objects that handlers are registered for, too.
        """
        if self.closing:
            return
        self.closing = True
        for fd, (fileobj, _) in list(self.handlers.items()):
            self.remove_handler(fd)
            if all_fds:
                self.close_fd(fileobj)
        for signum in list(self._signals):
            self.remove_signal(signum)
        loop = self.asyncio_loop
        if not loop.is_closed() and asyncio._get_running_loop() is None:
            end_tasks(loop)
        self._unset_current_if_set()
        IOLoop._of_asyncio_loop.pop(loop, None)
        if self.selector_loop is not loop:
            self.selector_loop.close()
        loop.close()

    def _unset_current_if_set(self) -> None:
        if thread_loop() is self.asyncio_loop:
            self._unset_current()

    # Callbacks

    def add_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Calls ``callback(*args, **kwargs)`` in the loop's next round. Safe from every thread.

        What the callback returns is waited for if it can be; its error is logged. On a closed loop
        nothing happens.
        """
        loop = self.asyncio_loop
        # Waking the loop through its pipe costs several times what the call itself does.
        here = asyncio._get_running_loop() is loop
        call_soon = loop.call_soon if here else loop.call_soon_threadsafe
        if not here:
            self._filled = True
        try:
            call_soon(self._run_callback, callback, args, kwargs)
        except RuntimeError:
            if not loop.is_closed():
                raise

    def add_callback_from_signal(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """As `add_callback`, safe in a handler of `signal.signal`. `add_signal` is the better way."""
        try:
            self.asyncio_loop.call_soon_threadsafe(self._run_callback, callback, args, kwargs)
        except RuntimeError:
            if not self.asyncio_loop.is_closed():
                raise

    def spawn_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Calls ``callback(*args, **kwargs)`` in the loop's next round, on its own: nobody waits for it."""
        self.add_callback(callback, *args, **kwargs)

    def add_signal(self, signum: int, callback: Callable[..., Any], *args: Any) -> None:
        """Calls ``callback(*args)`` in the loop, as `add_callback` does, whenever the signal arrives.

        One that arrives before `start` is kept: `asyncio.loop.add_signal_handler` on uvloop would lose it.

        :raises ValueError: not called in the main thread, or there is no such signal.
        :raises OSError: the signal cannot be caught.
        """
        signal.signal(signum, lambda *_: self.add_callback_from_signal(callback, *args))
        self._signals.add(signum)

    def remove_signal(self, signum: int) -> bool:
        """Undoes `add_signal`, as `close` does; False if it had not been called."""
        if signum not in self._signals:
            return False
        self._signals.remove(signum)
        signal.signal(signum, signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL)
        return True

    def add_future(
        self, future: Future[T] | futures.Future[T] | Moment, callback: Callable[[Any], Any]
    ) -> None:
        """Calls ``callback(future)`` in this loop when `future`, of whichever kind and loop, is done.

        :raises TypeError: `future` is no future.
        """
        if isinstance(future, Future) and future.get_loop() is self.asyncio_loop:
            future.add_done_callback(lambda done: self._run_callback(callback, (done,), {}))
        elif isinstance(future, Moment):
            self.add_callback(callback, future)
        elif is_future(future):
            future.add_done_callback(lambda done: self.add_callback(callback, done))
        else:
            raise TypeError(f"a future is needed, not {future!r}")

    def run_in_executor(
        self, executor: futures.Executor | None, func: Callable[..., T], *args: Any
    ) -> Future[T]:
        """Runs ``func(*args)`` in `executor`, or in the loop's threads if that is None."""
        return self.asyncio_loop.run_in_executor(executor, func, *args)

    def set_default_executor(self, executor: futures.Executor) -> None:
        """Sets what `run_in_executor` uses for None."""
        self.asyncio_loop.set_default_executor(executor)

    def _run_callback(
        self, callback: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            result = callback(*args, **kwargs)
            if result is not None:
                self._watch(callback, result)
        except asyncio.CancelledError:
            pass
        except Exception:
            app_log.error("Exception in callback %r", callback, exc_info=True)

    def _watch(self, callback: Callable[..., Any], result: Any) -> None:
        try:
            future = convert_yielded(result)
        except BadYieldError:
            # A plain value: nobody asked for it.
            return

        def log_error(done: Future[Any]) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                app_log.error("Exception in callback %r", callback, exc_info=error)

        if not future.done():
            future.add_done_callback(log_error)
        else:
            log_error(future)

    # Timeouts

    def time(self) -> float:
        """The clock of deadlines: `time.time`."""
        return time.time()

    def add_timeout(
        self, deadline: float | datetime.timedelta, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> object:
        """Calls ``callback(*args, **kwargs)`` once at `deadline`; returns a handle for `remove_timeout`.

        :arg deadline: as `time` counts, or a `datetime.timedelta` from now.
        :raises TypeError: it is neither.
        """
        return self._call_in(seconds_until(deadline), callback, args, kwargs)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> object:
        """Calls ``callback(*args, **kwargs)`` after `delay` seconds; returns a handle, see `add_timeout`."""
        return self._call_in(delay, callback, args, kwargs)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> object:
        """Calls ``callback(*args, **kwargs)`` at `when`, a deadline as `time` counts; see `add_timeout`."""
        return self._call_in(when - self.time(), callback, args, kwargs)

    def remove_timeout(self, timeout: object) -> None:
        """Cancels a timeout, also one that is over."""
        timeout.cancel()  # type: ignore[attr-defined]

    def _call_in(
        self, delay: float, callback: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        if asyncio._get_running_loop() is None:
            self._filled = True
        return self.asyncio_loop.call_later(max(0, delay), self._run_callback, callback, args, kwargs)

    # File descriptors

    handlers: dict[int, tuple[int | Selectable, Callable[..., None]]]
    readers: set[int]
    writers: set[int]
    # The loop that can watch descriptors: the asyncio loop itself, except for the proactor of Windows.
    selector_loop: asyncio.AbstractEventLoop

    def add_handler(self, fd: int | Selectable, handler: Callable[..., Any], events: int) -> None:
        """Calls ``handler(fd, events)`` whenever `fd` is ready.

        :arg fd: a number, or an object with `fileno` and `close`; the handler gets what was given.
        :arg events: `READ`, `WRITE` or both (``READ | WRITE``); errors show as readiness.
        :raises ValueError: `fd` has a handler already.
        """
        fileno, fileobj = self.split_fd(fd)
        if fileno in self.handlers:
            raise ValueError(f"fd {fileno} added twice")
        self.handlers[fileno] = (fileobj, handler)
        try:
            self._watch_fd(fileno, events)
        except BaseException:
            del self.handlers[fileno]
            raise

    def update_handler(self, fd: int | Selectable, events: int) -> None:
        """Changes the events that the handler of `fd` is called for.

        :raises ValueError: `fd` has no handler.
        """
        fileno, _ = self.split_fd(fd)
        if fileno not in self.handlers:
            raise ValueError(f"fd {fileno} has no handler to update")
        self._watch_fd(fileno, events)

    def remove_handler(self, fd: int | Selectable) -> None:
        """Stops watching `fd`, also when its object is closed by now; nothing if it has no handler."""
        fileno, _ = self.split_fd(fd)
        if fileno < 0:
            fileno = next((n for n, (fileobj, _) in self.handlers.items() if fileobj is fd), fileno)
        if self.handlers.pop(fileno, None) is not None:
            self._watch_fd(fileno, self.NONE)

    def split_fd(self, fd: int | Selectable) -> tuple[int, int | Selectable]:
        """The descriptor's number, and what it was given as."""
        if isinstance(fd, int):
            return fd, fd
        return fd.fileno(), fd

    def close_fd(self, fd: int | Selectable) -> None:
        """Closes a number or an object; nothing if it is closed already."""
        try:
            if isinstance(fd, int):
                os.close(fd)
            else:
                fd.close()
        except OSError:
            pass

    def _watch_fd(self, fileno: int, events: int) -> None:
        loop = self.selector_loop
        if events & self.READ:
            if fileno not in self.readers:
                loop.add_reader(fileno, self._handle_event, fileno, self.READ)
                self.readers.add(fileno)
        elif fileno in self.readers:
            self.readers.remove(fileno)
            loop.remove_reader(fileno)
        if events & self.WRITE:
            if fileno not in self.writers:
                loop.add_writer(fileno, self._handle_event, fileno, self.WRITE)
                self.writers.add(fileno)
        elif fileno in self.writers:
            self.writers.remove(fileno)
            loop.remove_writer(fileno)

    def _handle_event(self, fileno: int, events: int) -> None:
        # The first of two handlers called in one round may have removed the second.
        entry = self.handlers.get(fileno)
        if entry is not None:
            fileobj, handler = entry
            self._run_callback(handler, (fileobj, events), {})


class BaseAsyncIOLoop(IOLoop):
    """What `AsyncIOLoop` and `AsyncIOMainLoop` share."""

    def initialize(self, asyncio_loop: asyncio.AbstractEventLoop, **kwargs: Any) -> None:  # type: ignore[override]
        """:raises RuntimeError: the asyncio loop has an `IOLoop` already."""
        known = IOLoop._of_asyncio_loop
        for loop in list(known):
            if loop.is_closed():
                known.pop(loop, None)
        if asyncio_loop in known:
            raise RuntimeError(
                f"IOLoop {known[asyncio_loop]} already associated with asyncio loop {asyncio_loop}"
            )
        self.asyncio_loop = asyncio_loop
        self.selector_loop = asyncio_loop
        if sys.platform == "win32" and isinstance(asyncio_loop, asyncio.ProactorEventLoop):
            self.selector_loop = AddThreadSelectorEventLoop(asyncio_loop)
        self.handlers = {}
        self.readers = set()
        self.writers = set()
        self.closing = False
        self._filled = False
        self.at_stop = []
        self._signals = set()
        super().initialize(**kwargs)
        known[asyncio_loop] = self


class AsyncIOMainLoop(BaseAsyncIOLoop):
    """The `IOLoop` of the asyncio loop that this thread has already, running or set.

    `IOLoop.current` makes it where it is needed; ``AsyncIOMainLoop().install()`` does so by hand.
    """

    def initialize(self, **kwargs: Any) -> None:  # type: ignore[override]
        """Takes the thread's loop; one is made if it has none."""
        super().initialize(current_loop(), **kwargs)

    def make_current(self) -> None:
        """Makes this the loop of the calling thread."""
        self._set_current()


class AsyncIOLoop(BaseAsyncIOLoop):
    """An `IOLoop` with an asyncio loop of its own. This is what ``IOLoop()`` makes.

    While it is current it is asyncio's loop of the thread, too; the one before comes back afterwards.
    """

    def initialize(self, **kwargs: Any) -> None:  # type: ignore[override]
        """:arg asyncio_loop: the loop to use; a new one without it."""
        self.is_current = False
        self.old_asyncio: asyncio.AbstractEventLoop | None = None
        given = kwargs.pop("asyncio_loop", None)
        loop = given or new_asyncio_loop()
        try:
            super().initialize(loop, **kwargs)
        except Exception:
            if given is None:
                loop.close()
            raise

    def _set_current(self) -> None:
        if not self.is_current:
            self.old_asyncio = thread_loop()
            self.is_current = True
        super()._set_current()

    def _unset_current(self) -> None:
        if self.is_current:
            old, self.old_asyncio = self.old_asyncio, None
            self.is_current = False
            asyncio.set_event_loop(None if old is None or old.is_closed() else old)


def to_asyncio_future(tornado_future: Any) -> Future[Any]:
    """The same as `framework.gen.convert_yielded`; the older name."""
    return convert_yielded(tornado_future)


def to_tornado_future(asyncio_future: Future[T]) -> Future[T]:
    """`asyncio_future` itself: there is but one kind of future."""
    return asyncio_future


def _any_thread_policy() -> type[Any]:
    with warnings.catch_warnings():
        # Python 3.14 warns of policies as such.
        warnings.simplefilter("ignore", DeprecationWarning)
        base: Any = asyncio.DefaultEventLoopPolicy

    class AnyThreadEventLoopPolicy(base):  # type: ignore[misc]
        """An event loop policy under which `asyncio.get_event_loop` makes a loop in every thread.

        Deprecated with asyncio's policies: ``asyncio.set_event_loop_policy(AnyThreadEventLoopPolicy())``.
        """

        def get_event_loop(self) -> asyncio.AbstractEventLoop:
            """This thread's loop; a new one if it has none."""
            return current_loop()

    return AnyThreadEventLoopPolicy


def __getattr__(name: str) -> Any:
    # Made only for those who ask: a policy class cannot be named without a warning on Python 3.14.
    if name == "AnyThreadEventLoopPolicy":
        globals()[name] = _any_thread_policy()
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
