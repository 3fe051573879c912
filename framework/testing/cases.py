"""`AsyncTestCase`: a test case with an event loop of its own, and `gen_test` for coroutine tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import unittest
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractContextManager
from typing import Any, TypeVar, overload

from framework.gen import convert_yielded, coroutine
from framework.ioloop import IOLoop
from framework.platform.asyncio import AsyncIOMainLoop
from framework.util import TimeoutError  # noqa: A004

__all__ = ["AsyncTestCase", "gen_test", "get_async_test_timeout", "setup_with_context_manager"]

T = TypeVar("T")

DEFAULT_TIMEOUT = 5.0
TIMEOUT_VARIABLE = "ASYNC_TEST_TIMEOUT"


def get_async_test_timeout() -> float:
    """How long tests wait, in seconds: the environment variable ``ASYNC_TEST_TIMEOUT``, or 5."""
    try:
        return float(os.environ.get(TIMEOUT_VARIABLE, ""))
    except ValueError:
        return DEFAULT_TIMEOUT


def setup_with_context_manager(testcase: unittest.TestCase, cm: AbstractContextManager[T]) -> T:
    """Enters a context manager, to be left after the test, and returns what it gives: for ``setUp``."""
    return testcase.enterContext(cm)


class AsyncTestCase(unittest.TestCase):
    """A test case with an event loop, ``self.io_loop``, that is the thread's current one during the test.

    Coroutine tests are decorated with `gen_test`. Tests with callbacks call `wait`, and their callbacks
    `stop`::

        def test_callback(self):
            start_something(callback=self.stop)
            self.assertEqual(self.wait(), "its result")

    After the test the loop is closed: tasks that are left are cancelled, and descriptors that the loop
    watches are closed. An exception in a callback is logged, as it is outside of tests.
    """

    io_loop: IOLoop

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        # Of `stop` and `wait`. The names are mangled because those of a test are anybody's.
        self.__stopped = False
        self.__running = False
        self.__stop_args: Any = None

    def setUp(self) -> None:
        """Makes the loop; a test's own ``setUp`` calls this first."""
        super().setUp()
        self.io_loop = self.get_new_ioloop()
        # Also when a later part of setUp fails, after which there is no tearDown.
        self.addCleanup(self.__close_loop, self.io_loop)
        self.io_loop._set_current()

    def tearDown(self) -> None:
        """Closes the loop; a test's own ``tearDown`` calls this last."""
        self.__close_loop(self.io_loop)
        super().tearDown()

    @staticmethod
    def __close_loop(loop: IOLoop) -> None:
        # The other kind is around a loop that somebody else has made, and will close.
        if not isinstance(loop, AsyncIOMainLoop):
            loop.close(all_fds=True)

    def get_new_ioloop(self) -> IOLoop:
        """The loop for a test; to be overridden where another is wanted."""
        loop: IOLoop = IOLoop(make_current=False)
        return loop

    def _callTestMethod(self, method: Callable[[], Any]) -> None:
        result = method()
        if inspect.isgenerator(result) or inspect.iscoroutine(result):
            # Nothing of it has run: it must not look as though it had passed.
            result.close()
            raise TypeError(
                "Generator and coroutine test methods should be decorated with framework.testing.gen_test"
            )
        if result is not None:
            raise ValueError(f"Return value from test method ignored: {result!r}")

    def stop(self, _arg: Any = None, **kwargs: Any) -> None:
        """Ends `wait`, the one that waits or else the next, which returns the argument.

        :arg kwargs: instead of one argument: `wait` returns them as a dict.
        """
        if _arg is not None and kwargs:
            raise TypeError("stop() takes one value or keywords, not both")
        self.__stop_args = kwargs or _arg
        self.__stopped = True
        if self.__running:
            self.io_loop.stop()

    def wait(self, condition: Callable[..., bool] | None = None, timeout: float | None = None) -> Any:
        """Runs the loop until `stop` is called, and returns what it was called with.

        :arg condition: a function without arguments; while it is false, `wait` goes on.
        :arg timeout: seconds, `get_async_test_timeout` if it is None.
        :raises AssertionError: the time is over.
        """
        if timeout is None:
            timeout = get_async_test_timeout()
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self.io_loop.stop()

        timer = self.io_loop.call_later(timeout, expire)
        self.__running = True
        try:
            while True:
                if not self.__stopped:
                    self.io_loop.start()
                if expired and not self.__stopped:
                    raise self.failureException(f"Async operation timed out after {timeout} seconds")
                self.__stopped = False
                if condition is None or condition():
                    break
        finally:
            self.__running = False
            self.io_loop.remove_timeout(timer)
        result, self.__stop_args = self.__stop_args, None
        return result


@overload
def gen_test(
    func: None = None, timeout: float | None = None
) -> Callable[[Callable[..., Any]], Callable[..., None]]: ...


@overload
def gen_test(func: Callable[..., Any], timeout: float | None = None) -> Callable[..., None]: ...


def gen_test(
    func: Callable[..., Generator[Any, Any, Any] | Coroutine[Any, Any, Any]] | None = None,
    timeout: float | None = None,
) -> Callable[..., None] | Callable[[Callable[..., Any]], Callable[..., None]]:
    """Makes a test of a method that is a coroutine, with ``async def`` or ``yield``.

    It runs in the loop of its `AsyncTestCase`. One that takes too long fails with `TimeoutError`, and the
    traceback shows where it waited. ``@gen_test(timeout=10)`` allows more time.

    :arg timeout: seconds, `get_async_test_timeout` if it is None.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., None]:
        as_coroutine = method if inspect.iscoroutinefunction(method) else coroutine(_keeping(method))

        @functools.wraps(method)
        def wrapper(self: AsyncTestCase, *args: Any, **kwargs: Any) -> None:
            seconds = get_async_test_timeout() if timeout is None else timeout
            try:
                # What a test returns is complained of by AsyncTestCase.
                return run_showing_where(  # type: ignore[no-any-return]
                    self.io_loop, functools.partial(as_coroutine, self, *args, **kwargs), seconds
                )
            except TimeoutError as error:
                generator = getattr(self, _GENERATOR, None)
                if generator is not None and generator.gi_frame is not None:
                    # Raised again in the generator, the error shows the line.
                    generator.throw(error)
                raise
            finally:
                self.__dict__.pop(_GENERATOR, None)

        return wrapper

    return decorate if func is None else decorate(func)


_GENERATOR = "_generator_of_the_test"


def _keeping(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which leaves the generator it returns in the test case: `coroutine` does not show it."""

    @functools.wraps(method)
    def keep(self: AsyncTestCase, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        if inspect.isgenerator(result):
            setattr(self, _GENERATOR, result)
        return result

    return keep


def run_showing_where(io_loop: IOLoop, function: Callable[[], Any], seconds: float | None) -> Any:
    """As `IOLoop.run_sync`; the error of a coroutine that takes too long is shown with where it waited."""
    started: asyncio.Future[Any] | None = None

    def start() -> asyncio.Future[Any]:
        nonlocal started
        started = convert_yielded(function())
        return started

    try:
        return io_loop.run_sync(start, seconds)
    except TimeoutError as error:
        if started is not None and started.cancelled():
            raise error from _cancellation(started)
        raise
    finally:
        # An error's traceback holds this frame, and the task holds the error.
        started = None


def _cancellation(future: asyncio.Future[Any]) -> BaseException | None:
    try:
        future.result()
    except asyncio.CancelledError as error:
        return error
    return None
