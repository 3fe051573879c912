"""`gen.coroutine`: how it starts, waits, returns and fails."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent import futures
from typing import Any

from tests.differential.programs.run import Api


async def runs_to_its_first_wait_at_once(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def inner() -> Any:
        api.say("begun")
        yield api.gen.moment
        api.say("ended")

    future = inner()
    api.say("called", future.done())
    await future
    api.say("awaited", future.done())


async def returns_a_value(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def by_return() -> Any:
        yield api.gen.moment
        return 1

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def by_raise() -> Any:
        yield api.gen.moment
        raise api.gen.Return(2)

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def at_once() -> Any:
        raise api.gen.Return(3)
        yield

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def plain() -> Any:
        return 4

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def nothing() -> Any:
        yield None

    for function in (by_return, by_raise, at_once, plain, nothing):
        await api.attempt(function.__name__, function)


async def return_has_a_value(api: Api) -> None:
    api.say(api.gen.Return().value, api.gen.Return(3).value, api.gen.Return(3).args)
    api.say([base.__name__ for base in api.gen.Return.__mro__[:2]])


async def errors_come_with_the_future(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def early() -> Any:
        raise KeyError("early")
        yield

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def late() -> Any:
        yield api.gen.moment
        raise KeyError("late")

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def plain() -> Any:
        raise KeyError("plain")

    for function in (early, late, plain):
        await api.attempt(function.__name__, function)


async def errors_are_raised_at_the_yield(api: Api) -> None:
    async def fail() -> None:
        raise ValueError("inner")

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def outer() -> Any:
        try:
            yield fail()
        except ValueError as error:
            api.say("caught", str(error))
        return (yield asyncio.sleep(0, "went on"))

    await api.attempt("outer", outer)


async def what_can_be_yielded(api: Api) -> None:
    async def native() -> str:
        return "native"

    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    done.set_result("future")
    task = asyncio.ensure_future(native())
    threads = futures.Future[str]()
    threads.set_result("concurrent")
    things: dict[str, Any] = {
        "none": None,
        "moment": api.gen.moment,
        "coroutine": native(),
        "future": done,
        "task": task,
        "concurrent": threads,
        "list": [native(), None],
        "dict": {"a": native()},
        "nested": [[native()], {"b": [None]}],
        "empty list": [],
        "empty dict": {},
    }

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        for name, thing in things.items():
            api.say(name, (yield thing))

    await main()


async def what_cannot_be_yielded(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        for thing in (5, "text", object, (1, 2), [5], {"a": 5}, 0, False, {1}):
            try:
                yield thing
            except Exception as error:
                api.say(type(error).__name__, type(thing).__name__)

    await api.attempt("main", main)
    api.call("message", api.gen.convert_yielded, 5)


async def convert_yielded_gives_futures(api: Api) -> None:
    async def native() -> int:
        return 1

    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    api.say(api.gen.convert_yielded(done) is done)
    done.cancel()
    api.say(asyncio.isfuture(api.gen.convert_yielded(native())))
    await api.attempt("list", api.gen.convert_yielded([native(), native()]))
    await api.attempt("dict", api.gen.convert_yielded({"a": native()}))
    api.say(api.gen.convert_yielded(None) is api.gen.moment)
    api.say(api.gen.convert_yielded(api.gen.moment) is api.gen.moment)
    await api.rounds()


async def the_order_of_two_coroutines(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def count(name: str) -> Any:
        for number in range(3):
            api.say(name, number)
            yield api.gen.moment

    await api.gen.multi([count("a"), count("b")])


async def ready_futures_do_not_go_round(api: Api) -> None:
    loop = asyncio.get_running_loop()
    loop.call_soon(api.say, "the loop went round")

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        for number in range(3):
            done: asyncio.Future[int] = loop.create_future()
            done.set_result(number)
            api.say((yield done))

    future = main()
    api.say("done", future.done())
    await future
    await api.rounds()


async def moment_lets_others_run(api: Api) -> None:
    loop = asyncio.get_running_loop()

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        loop.call_soon(api.say, "other")
        api.say("before")
        yield api.gen.moment
        api.say("after")

    await main()
    api.say(api.gen.moment.done(), api.gen.moment.result())


async def none_lets_others_run(api: Api) -> None:
    loop = asyncio.get_running_loop()

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        loop.call_soon(api.say, "other")
        yield
        api.say("after")

    await main()


async def a_cancelled_future_is_raised_in_the_generator(api: Api) -> None:
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        try:
            yield waiting
        except BaseException as error:
            api.say("raised", type(error).__name__)
            raise

    future = main()
    waiting.cancel()
    await api.attempt("main", future)
    api.say(future.cancelled())


async def cancelling_the_result_leaves_the_generator_alone(api: Api) -> None:
    waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        api.say("got", (yield waiting))
        raise KeyError("after it was cancelled")

    future = main()
    api.say(future.cancel())
    await api.attempt("main", future)
    waiting.set_result("value")
    await api.rounds()


async def context_variables(api: Api) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="default")

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def inner() -> Any:
        api.say("inner", variable.get())
        variable.set("inner")
        yield api.gen.moment
        api.say("inner still", variable.get())

    variable.set("outer")
    await inner()
    api.say("outer", variable.get())


async def is_coroutine_function(api: Api) -> None:
    async def native() -> None:
        pass

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def generator() -> Any:
        yield

    for thing in (native, generator, print, 5, None):
        api.say(api.gen.is_coroutine_function(thing))


async def names_and_docstrings_are_kept(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def documented() -> Any:
        """Explained."""
        yield

    api.say(documented.__name__, documented.__doc__, hasattr(documented, "__wrapped__"))


async def maybe_future(api: Api) -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    api.say(api.gen.maybe_future(future) is future)
    await api.attempt("value", api.gen.maybe_future(5))
    await api.attempt("none", api.gen.maybe_future(None))
    future.cancel()


async def arguments_and_methods(api: Api) -> None:
    class Thing:
        @api.gen.coroutine  # type: ignore[untyped-decorator]
        def method(self, *args: int, **kwargs: int) -> Any:
            yield api.gen.moment
            return args, kwargs

    await api.attempt("method", Thing().method(1, 2, a=3))
    await api.attempt("too few", lambda: Thing.method())


async def native_and_generator_await_each_other(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def generator(depth: int) -> Any:
        if not depth:
            return ["bottom"]
        return ["generator", *(yield native(depth - 1))]

    async def native(depth: int) -> list[str]:
        return ["native", *await generator(depth)]

    await api.attempt("nested", generator(3))


async def a_generator_that_goes_on_after_an_error(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        for thing in ([1], None, 5, api.gen.sleep(0)):
            try:
                api.say("value", (yield thing))
            except Exception as error:
                api.say("error", type(error).__name__)
        try:
            yield asyncio.sleep(0)
        finally:
            api.say("finally")

    await main()


async def system_exit_in_a_plain_callback(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        raise StopIteration("not an end")
        yield

    await api.attempt("StopIteration", main)


async def async_generators(api: Api) -> None:
    async def numbers() -> Any:
        for number in range(3):
            yield number
            await api.gen.sleep(0)

    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        found = []
        iterator = numbers()
        while True:
            try:
                found.append((yield iterator.__anext__()))
            except StopAsyncIteration:
                break
        return found

    await api.attempt("numbers", main)


async def errors_of_futures_nobody_awaits(api: Api) -> None:
    @api.gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        yield api.gen.moment
        raise KeyError("nobody")

    api.ioloop.IOLoop.current().spawn_callback(main)
    await api.rounds()


async def the_runner_s_old_errors(api: Api) -> None:
    for name in (
        "BadYieldError",
        "KeyReuseError",
        "LeakedCallbackError",
        "UnknownKeyError",
        "ReturnValueIgnoredError",
    ):
        error = getattr(api.gen, name)
        api.say(name, issubclass(error, Exception), str(error("x")))
