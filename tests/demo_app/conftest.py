"""What the application's tests share."""

from __future__ import annotations

import threading

import pytest
from motor.frameworks import asyncio as motor_threads


@pytest.fixture(scope="session", autouse=True)
def driver_threads() -> None:
    """Start the threads that motor keeps as long as the process, before a test could seem to leak them."""
    executor = motor_threads._EXECUTOR
    everyone = threading.Barrier(executor._max_workers + 1)
    for _ in range(executor._max_workers):
        executor.submit(everyone.wait)
    everyone.wait()
