"""What pyproject.toml can't say: with FRAMEWORK_COMPILE=1 the modules below are compiled by mypyc.

Without it the wheel is one of Python for every platform. See docs/compiled.md.
"""

from __future__ import annotations

import os
import sys

from setuptools import setup

COMPILER = "mypy>=2.4"

# Where a request spends its time, as far as it gains from being compiled. Modules with coroutines, and those of which
# applications derive classes or change them, are not among them.
MODULES = [
    "framework/_http1/deadlines.py",
    "framework/_http1/framing.py",
    "framework/_http1/outbox.py",
    "framework/_http1/reader.py",
    "framework/_http1/sending.py",
    "framework/_http1/server.py",
    "framework/_http1/writer.py",
    "framework/_route_index.py",
    "framework/escape.py",
    "framework/httputil/cookies.py",
    "framework/web/arguments.py",
    "framework/web/execute.py",
    "framework/web/output.py",
    "framework/web/service.py",
    "framework/web/state.py",
]
# Before, a compiled class with a base class of Python's has no `__dict__` until something is written to it.
MODULES_FROM_3_12 = ["framework/_http1/request.py"]

if os.environ.get("FRAMEWORK_COMPILE") != "1":
    setup()
elif "egg_info" in sys.argv:
    # Whoever builds asks what for first, and installs it.
    setup(setup_requires=[COMPILER])
else:
    try:
        from mypyc.build import mypycify
    except ImportError:
        sys.exit(f"FRAMEWORK_COMPILE=1 needs mypyc, which is part of {COMPILER}")
    modules = MODULES + MODULES_FROM_3_12 if sys.version_info >= (3, 12) else MODULES
    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
    setup(ext_modules=mypycify([*options, *modules], group_name="framework"))
