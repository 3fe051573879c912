"""Generator coroutines, and waiting for several things or for a limited time.

``@gen.coroutine`` is the older spelling of ``async def``: it waits by ``yield``. Both can wait for each
other. The rest (`multi`, `with_timeout`, `sleep`, `WaitIterator`) serves native coroutines as well.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import datetime
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from concurrent import futures
from types import TracebackType
from typing import Any, Protocol, TypeAlias, TypeVar, Union

from framework.concurrent import (
    Future,
    ReturnValueIgnoredError,
    chain_future,
    future_add_done_callback,
    future_set_exc_info,
    future_set_exception_unless_cancelled,
    future_set_result_unless_cancelled,
    is_future,
)
from framework.log import app_log
from framework.platform.loops import create_future, current_loop, seconds_until
from framework.util import TimeoutError  # noqa: A004

__all__ = [
    "BadYieldError",
    "KeyReuseError",
    "LeakedCallbackError",
    "Multi",
    "Return",
    "ReturnValueIgnoredError",
    "Runner",
    "TimeoutError",
    "UnknownKeyError",
    "WaitIterator",
    "convert_yielded",
    "coroutine",
    "is_coroutine_function",
    "maybe_future",
    "moment",
    "multi",
    "multi_future",
    "sleep",
    "with_timeout",
]

T = TypeVar("T")

# What a generator coroutine may yield; mypy has no recursive form that callers could read.
Yieldable: TypeAlias = Union[Awaitable[Any], list[Any], dict[Any, Any], "futures.Future[Any]", "Moment", None]


class KeyReuseError(Exception):
    """A key was used twice. Kept for programs that name it."""


class UnknownKeyError(Exception):
    """A key is unknown. Kept for programs that name it."""


class LeakedCallbackError(Exception):
    """A callback was never called. Kept for programs that name it."""


class BadYieldError(Exception):
    """A coroutine yielded something that cannot be waited for."""


class Return(Exception):
    """Raised in a generator coroutine to end it with a value; ``return value`` does the same."""

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value


class Waitable(Protocol):
    """What `Runner` needs of a thing to wait for: asyncio's and `concurrent.futures`' futures, `moment`."""

    def done(self) -> bool: ...

    def cancelled(self) -> bool: ...

    def exception(self) -> BaseException | None: ...

    def result(self) -> Any: ...


class Moment:
    """What `moment` is: always done, yet waiting for it lets the loop go round once."""

    __slots__ = ()

    def done(self) -> bool:
        """True."""
        return True

    def cancelled(self) -> bool:
        """False."""
        return False

    def exception(self) -> None:
        """None."""

    def result(self) -> None:
        """None."""

    def __await__(self) -> Generator[None, None, None]:
        # A bare yield is how asyncio's tasks ask for one round of the loop.
        yield


moment = Moment()


def coroutine(func: Callable[..., Generator[Any, Any, T]] | Callable[..., T]) -> Callable[..., Future[T]]:
    """Makes a generator function a coroutine: calling it runs it to its first wait and returns a future.

    The function yields what it waits for (`convert_yielded` says what that may be) and ends by
    ``return value`` or ``raise Return(value)``. A function that is no generator is just called. It runs in
    a copy of the caller's context variables. Cancelling the future does not interrupt the generator;
    a cancelled future that the generator waits for raises `asyncio.CancelledError` in it.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Future[T]:
        future: Future[Any] | None = create_future()
        ctx_run = contextvars.copy_context().run
        try:
            try:
                result = ctx_run(func, *args, **kwargs)
                if isinstance(result, Generator):
                    Runner(ctx_run, result, future, ctx_run(next, result))  # type: ignore[arg-type]
                else:
                    future_set_result_unless_cancelled(future, result)  # type: ignore[arg-type]
            except (Return, StopIteration) as stop:
                future_set_result_unless_cancelled(future, stop.value)  # type: ignore[arg-type]
            except asyncio.CancelledError:
                future.cancel()  # type: ignore[union-attr]
            except Exception as error:
                future_set_exception_unless_cancelled(future, error)  # type: ignore[arg-type]
            return future  # type: ignore[return-value]
        finally:
            # The error's traceback holds this frame: without this the future would hold itself.
            future = result = None

    wrapper.__framework_coroutine__ = True  # type: ignore[attr-defined]
    return wrapper


def is_coroutine_function(func: Any) -> bool:
    """Whether `func` was made by `coroutine`. False for ``async def``."""
    return getattr(func, "__framework_coroutine__", False)


class Runner:
    """Drives one generator of `coroutine` to its end and puts the outcome into `result_future`.

    :arg ctx_run: the `run` method of the context that the generator runs in.
    :arg gen: the generator, stopped at its first yield.
    :arg first_yielded: what that yield gave.
    """

    __slots__ = ("ctx_run", "finished", "future", "gen", "result_future", "running")

    def __init__(
        self,
        ctx_run: Callable[..., Any],
        gen: Generator[Any, Any, T],
        result_future: Future[T],
        first_yielded: Yieldable,
    ) -> None:
        self.ctx_run = ctx_run
        self.gen: Generator[Any, Any, Any] = gen
        self.result_future: Future[Any] | None = result_future
        self.future: Waitable | None = None
        self.running = False
        self.finished = False
        if self.handle_yield(first_yielded):
            self.ctx_run(self.run)

    def run(self) -> None:
        """Goes on with the generator as long as what it waits for is done."""
        if self.running or self.finished:
            return
        self.running = True
        try:
            while self.future is not None and self.future.done():
                future: Any = self.future
                self.future = None
                try:
                    try:
                        value = future.result()
                    except BaseException as error:
                        yielded = self.gen.throw(error)
                    else:
                        yielded = self.gen.send(value)
                except BaseException as error:
                    self._finish(error)
                    return
                finally:
                    # An error's traceback holds this frame; the frame must not hold what holds the error.
                    future = value = None
                if not self.handle_yield(yielded):
                    return
                yielded = None
        finally:
            self.running = False

    def handle_yield(self, yielded: Yieldable) -> bool:
        """Starts to wait for `yielded`; True if it is done already, so that `run` may go on."""
        future: Any
        if isinstance(yielded, Future):
            future = yielded
        else:
            try:
                future = convert_yielded(yielded)
            except Exception as error:
                future = create_future()
                future.set_exception(error)
        self.future = future
        if future is moment:
            current_loop().call_soon(self._wake)
            return False
        if future.done():
            return True
        self.future = future = _as_asyncio(future)
        future.add_done_callback(self._wake)
        return False

    def handle_exception(self, typ: type[Exception], value: Exception, tb: TracebackType) -> bool:
        """Raises `value` where the generator waits; False if it runs just now or is at its end."""
        if self.running or self.finished:
            return False
        self.future = future = create_future()
        future_set_exc_info(future, (typ, value, tb))
        self.ctx_run(self.run)
        return True

    def _wake(self, done: object = None) -> None:
        # The frame of `run` keeps this one, and an error's traceback keeps that of `run`.
        del done
        self.ctx_run(self.run)

    def _finish(self, outcome: BaseException) -> None:
        result_future, self.result_future = self.result_future, None
        self.finished = True
        if result_future is None:
            return
        if isinstance(outcome, (StopIteration, Return)):
            future_set_result_unless_cancelled(result_future, outcome.value)
        elif isinstance(outcome, asyncio.CancelledError):
            result_future.cancel()
        else:
            future_set_exception_unless_cancelled(result_future, outcome)
            if not isinstance(outcome, Exception):
                # SystemExit and KeyboardInterrupt end the loop, as they do out of asyncio's tasks.
                raise outcome


@functools.singledispatch
def convert_yielded(yielded: Any) -> Future[Any]:
    """Makes a future of what a coroutine yielded: an awaitable, a future, a list or dict of these, None.

    None and `moment` give `moment`. Further types can be taught by ``convert_yielded.register(type)``.

    :raises BadYieldError: it is none of these.
    """
    if yielded is None or yielded is moment:
        return moment  # type: ignore[return-value]
    if isinstance(yielded, (list, dict)):
        return multi(yielded)
    if is_future(yielded):
        return yielded  # type: ignore[no-any-return]
    if inspect.isawaitable(yielded):
        return asyncio.ensure_future(yielded, loop=current_loop())
    raise BadYieldError(f"yielded unknown object {yielded!r}")


def multi(
    children: Sequence[Any] | Mapping[Any, Any] | Iterable[Any],
    quiet_exceptions: type[Exception] | tuple[type[Exception], ...] = (),
) -> Future[Any]:
    """Waits for several things at once.

    The future's result is a list in the order of `children`, or for a mapping a dict with its keys. It is
    done when all children are. Of several errors the one of the first child is raised, the others are
    logged but for those in `quiet_exceptions`. Cancelling the future does not cancel the children.

    :arg children: whatever `convert_yielded` takes.
    """
    keys: list[Any] | None = None
    if isinstance(children, Mapping):
        keys = list(children)
        children = children.values()
    waits: list[Waitable] = [_as_asyncio(convert_yielded(child)) for child in children]
    unfinished = sum(not wait.done() for wait in waits)
    future: Future[Any] = create_future()

    def child_done(_: object) -> None:
        nonlocal unfinished
        unfinished -= 1
        if not unfinished:
            settle()

    def settle() -> None:
        # The errors are passed on without being raised here: a traceback through this frame would make a
        # cycle of the future, its error and the frame.
        failed = False
        for wait in waits:
            error = asyncio.CancelledError() if wait.cancelled() else wait.exception()
            if error is None:
                continue
            if failed:
                if not isinstance(error, quiet_exceptions):
                    app_log.error("Multiple exceptions in yield list", exc_info=error)
            elif not future.done():
                if wait.cancelled():
                    future.cancel()
                else:
                    future.set_exception(error)
            failed = True
        if not failed and not future.done():
            results = [wait.result() for wait in waits]
            future.set_result(results if keys is None else dict(zip(keys, results, strict=True)))

    if unfinished:
        for wait in waits:
            if not wait.done():
                wait.add_done_callback(child_done)  # type: ignore[attr-defined]
    else:
        settle()
    return future


Multi = multi
multi_future = multi


def _as_asyncio(future: Any) -> Any:
    """`future`, or for one of `concurrent.futures` an asyncio future that follows it."""
    if not isinstance(future, futures.Future):
        return future
    mirror = create_future()
    chain_future(future, mirror)
    return mirror


def maybe_future(x: Any) -> Future[Any]:
    """`x` itself if it is a future, else a future whose result is `x`."""
    if is_future(x):
        return x  # type: ignore[no-any-return]
    future = create_future()
    future.set_result(x)
    return future


def with_timeout(
    timeout: float | datetime.timedelta,
    future: Yieldable,
    quiet_exceptions: type[Exception] | tuple[type[Exception], ...] = (),
    *,
    message: str | Callable[[], str] | None = None,
) -> Future[Any]:
    """Waits for `future`, but no longer than until `timeout`; then `TimeoutError` is raised.

    What was waited for is not cancelled: it goes on, and an error it raises later is logged unless it is
    one of `quiet_exceptions`. `asyncio.wait_for` cancels.

    :arg timeout: a deadline as `IOLoop.time` counts, or a `datetime.timedelta` from now.
    :arg future: whatever `convert_yielded` takes.
    :arg message: the error's text, or a function that makes it when it is needed.
    """
    delay = seconds_until(timeout)
    waited = _as_asyncio(convert_yielded(future))
    result: Future[Any] = create_future()
    chain_future(waited, result)
    if result.done():
        return result

    def log_late_error(late: Future[Any]) -> None:
        if late.cancelled():
            return
        error = late.exception()
        if error is not None and not isinstance(error, quiet_exceptions):
            app_log.error("Exception in Future %r after timeout", late, exc_info=error)

    def expire() -> None:
        if not result.done():
            text = message() if callable(message) else message
            result.set_exception(TimeoutError("Timeout" if text is None else text))
        future_add_done_callback(waited, log_late_error)

    timer = result.get_loop().call_later(max(0, delay), expire)
    waited.add_done_callback(lambda _: timer.cancel())
    return result


def sleep(duration: float) -> Future[None]:
    """A future that is done after `duration` seconds."""
    future: Future[Any] = create_future()
    future.get_loop().call_later(duration, future_set_result_unless_cancelled, future, None)
    return future


class WaitIterator:
    """Gives the results of several futures in the order in which they get done.

    ::

        async for result in gen.WaitIterator(a=first(), b=second()):
            print(iterator.current_index, result)

    After each result `current_index` tells which it was (a position, or the keyword) and
    `current_future` is the future. An error is raised by the step that meets it; the iteration can go on.

    :arg args: whatever `convert_yielded` takes; alternatively give `kwargs`.
    :raises ValueError: both positional and keyword arguments.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("You must provide args or kwargs, not both")
        named: Iterable[tuple[Any, Any]] = kwargs.items() if kwargs else enumerate(args)
        # A future given twice keeps its last name and counts once.
        self._unfinished: dict[Any, Any] = {_as_asyncio(convert_yielded(item)): name for name, item in named}
        self._finished: collections.deque[Any] = collections.deque()
        self._running_future: Future[Any] | None = None
        self.current_index: str | int | None = None
        self.current_future: Future[Any] | None = None
        for future in list(self._unfinished):
            future_add_done_callback(future, self._child_done)

    def done(self) -> bool:
        """Whether every result has been given."""
        if self._finished or self._unfinished:
            return False
        self.current_index = self.current_future = None
        return True

    def next(self) -> Future[Any]:
        """A future of the next result."""
        self._running_future = running = create_future()
        if self._finished:
            self._give(self._finished.popleft(), running)
        return running

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    def __anext__(self) -> Future[Any]:
        if self.done():
            raise StopAsyncIteration
        return self.next()

    def _child_done(self, future: Any) -> None:
        running = self._running_future
        # A step that its caller gave up takes no result.
        if running is not None and not running.done():
            self._give(future, running)
        else:
            self._finished.append(future)

    def _give(self, future: Any, running: Future[Any]) -> None:
        chain_future(future, running)
        self.current_future = future
        self.current_index = self._unfinished.pop(future)
