"""Futures: helpers for those of asyncio and of `concurrent.futures`, and calls moved to an executor."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable
from concurrent import futures
from types import TracebackType
from typing import Any, TypeVar

from framework.log import app_log
from framework.platform.loops import create_future

__all__ = [
    "DummyExecutor",
    "Future",
    "ReturnValueIgnoredError",
    "chain_future",
    "dummy_executor",
    "future_add_done_callback",
    "future_set_exc_info",
    "future_set_exception_unless_cancelled",
    "future_set_result_unless_cancelled",
    "is_future",
    "run_on_executor",
]

T = TypeVar("T")

Future = asyncio.Future

FUTURES = (futures.Future, Future)


class ReturnValueIgnoredError(Exception):
    """A value was returned where nothing can receive it. Kept for programs that name it."""


def is_future(x: object) -> bool:
    """Whether `x` is a future, of asyncio or of `concurrent.futures`."""
    return isinstance(x, FUTURES)


class DummyExecutor(futures.Executor):
    """An executor that runs each call at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> futures.Future[T]:
        """Calls `fn` and returns a future that is already done."""
        future: futures.Future[T] = futures.Future()
        try:
            future_set_result_unless_cancelled(future, fn(*args, **kwargs))
        except Exception:
            future_set_exc_info(future, sys.exc_info())
        return future

    def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
        """Does nothing: no call is ever pending."""


dummy_executor = DummyExecutor()


def run_on_executor(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Makes a method run on an executor and return an asyncio future.

    Plain ``@run_on_executor`` takes the executor from the object's attribute ``executor``;
    ``@run_on_executor(executor="name")`` from another attribute. Pending work is not dropped when
    the returned future is cancelled.

    :raises ValueError: several positional arguments.
    """

    def decorate(fn: Callable[..., T], attribute: str = "executor") -> Callable[..., Future[T]]:
        @functools.wraps(fn)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Future[T]:
            submitted = getattr(self, attribute).submit(fn, self, *args, **kwargs)
            result: Future[Any] = create_future()
            chain_future(submitted, result)
            return result

        return wrapper

    if args and kwargs:
        raise ValueError("cannot combine positional and keyword args")
    if len(args) == 1:
        return decorate(args[0])
    if args:
        raise ValueError(f"expected 1 argument, got {len(args)}")
    return functools.partial(decorate, attribute=kwargs.get("executor", "executor"))


def chain_future(a: Future[T] | futures.Future[T], b: Future[T] | futures.Future[T]) -> None:
    """Copies the result or the exception of `a` to `b` when `a` is done, unless `b` is done by then.

    A cancelled `a` cancels `b`; cancelling `b` leaves `a` alone. Either may be a future of asyncio or
    of `concurrent.futures`: the copy is made in the thread of `b`'s loop.
    """

    def copy(done: Future[T] | futures.Future[T]) -> None:
        if b.done():
            return
        if done.cancelled():
            b.cancel()
            return
        error = done.exception()
        if error is not None:
            b.set_exception(error)
        else:
            b.set_result(done.result())

    if isinstance(a, futures.Future) and isinstance(b, Future):
        loop = b.get_loop()

        def copy_in_loop(done: futures.Future[T]) -> None:
            try:
                loop.call_soon_threadsafe(copy, done)
            except RuntimeError:
                # The loop was closed before the work was done: nobody is left to be told.
                if not loop.is_closed():
                    raise

        a.add_done_callback(copy_in_loop)
    else:
        future_add_done_callback(a, copy)


def future_set_result_unless_cancelled(future: futures.Future[T] | Future[T], value: T) -> None:
    """Sets the result of `future` unless it was cancelled.

    :raises asyncio.InvalidStateError: the future has a result or an exception already.
    """
    if not future.cancelled():
        future.set_result(value)


def future_set_exception_unless_cancelled(future: futures.Future[T] | Future[T], exc: BaseException) -> None:
    """Sets the exception of `future`; when it was cancelled, logs `exc` so that no error is lost."""
    if not future.cancelled():
        future.set_exception(exc)
    else:
        app_log.error("Exception after Future was cancelled", exc_info=exc)


def future_set_exc_info(
    future: futures.Future[T] | Future[T],
    exc_info: tuple[type | None, BaseException | None, TracebackType | None],
) -> None:
    """As `future_set_exception_unless_cancelled`, from a `sys.exc_info` triple.

    :raises Exception: the triple holds no exception.
    """
    if exc_info[1] is None:
        raise Exception("future_set_exc_info called with no exception")
    future_set_exception_unless_cancelled(future, exc_info[1])


def future_add_done_callback(future: futures.Future[T] | Future[T], callback: Callable[..., None]) -> None:
    """Calls ``callback(future)`` when `future` is done: at once if it is done already."""
    if future.done():
        callback(future)
    else:
        future.add_done_callback(callback)
