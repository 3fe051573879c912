"""What the optional build compiles. That the result answers the same is for `make test-compiled` to show."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def compiled_modules() -> list[Path]:
    """Return the modules that setup.py names."""
    return [
        ROOT / path
        for statement in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]).startswith("MODULES")
        for path in ast.literal_eval(statement.value)
    ]


def test_they_are_there() -> None:
    assert compiled_modules()
    assert [path for path in compiled_modules() if not path.exists()] == []


def test_none_of_them_has_coroutines() -> None:
    # An exception that a compiled one passes on to what it awaits is thrown in a way that Python 3.12 deprecates.
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in compiled_modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert found == []


def test_without_being_asked_for_nothing_is_compiled() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "FRAMEWORK_COMPILE"}
    code = (
        "import setuptools; setuptools.setup = lambda **given: print(sorted(given));"
        "exec(compile(open('setup.py').read(), 'setup.py', 'exec'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
