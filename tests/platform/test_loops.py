from __future__ import annotations

import asyncio
import datetime
import importlib.util
import os
import subprocess
import sys
import time
from concurrent import futures
from typing import Any

import pytest

from framework.platform import loops

has_uvloop = importlib.util.find_spec("uvloop") is not None


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_(value: str | None) -> None:
        if value is None:
            monkeypatch.delenv(loops.LOOP_VARIABLE, raising=False)
        else:
            monkeypatch.setenv(loops.LOOP_VARIABLE, value)

    return set_


def module_of_new_loop() -> str:
    loop = loops.new_asyncio_loop()
    loop.close()
    return type(loop).__module__.partition(".")[0]


@pytest.mark.parametrize("value", [None, "", "uvloop"])
@pytest.mark.skipif(not has_uvloop, reason="uvloop is not installed")
def test_uvloop_is_used_where_it_is_installed(wanted: Any, value: str | None) -> None:
    wanted(value)
    assert module_of_new_loop() == "uvloop"


def test_asyncios_own_loop_can_be_chosen(wanted: Any) -> None:
    wanted("asyncio")
    assert module_of_new_loop() == "asyncio"


def test_without_uvloop(wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    wanted(None)
    assert module_of_new_loop() == "asyncio"
    wanted("uvloop")
    with pytest.raises(ImportError):
        loops.new_asyncio_loop()


def test_other_values_are_refused(wanted: Any) -> None:
    wanted("twisted")
    with pytest.raises(ValueError, match="FRAMEWORK_LOOP is 'twisted'; it may be"):
        loops.new_asyncio_loop()


def in_thread(function: Any) -> None:
    with futures.ThreadPoolExecutor(1) as threads:
        threads.submit(function).result(timeout=10)


def test_the_threads_loop() -> None:
    def check() -> None:
        assert loops.thread_loop() is None
        loop = loops.current_loop()
        assert loops.thread_loop() is loop
        assert loops.current_loop() is loop
        assert loops.create_future().get_loop() is loop

        async def main() -> None:
            assert loops.thread_loop() is asyncio.get_running_loop()

        loop.run_until_complete(main())
        asyncio.run(main())
        loop.close()
        assert loops.thread_loop() is None

    in_thread(check)


def test_a_closed_loop_is_replaced() -> None:
    def check() -> None:
        loop = loops.current_loop()
        loop.close()
        other = loops.current_loop()
        assert other is not loop
        other.close()

    in_thread(check)


def test_the_main_threads_loop_is_found_without_a_warning() -> None:
    script = """if True:
        import asyncio
        from framework.platform import loops
        assert loops.thread_loop() is None
        loop = loops.current_loop()
        assert loops.current_loop() is loop
        loop.close()
        assert loops.thread_loop() is None
    """
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, env=os.environ.copy())


def test_seconds_until() -> None:
    assert loops.seconds_until(datetime.timedelta(milliseconds=1500)) == 1.5
    assert 9 < loops.seconds_until(time.time() + 10) <= 10
    assert loops.seconds_until(0) < 0
    with pytest.raises(TypeError, match="Unsupported deadline None"):
        loops.seconds_until(None)  # type: ignore[arg-type]
