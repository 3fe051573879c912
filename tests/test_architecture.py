"""The shape of the code, proved: floors, imports, public names, sizes.

Every import counts, also one inside a function and one under `TYPE_CHECKING`: to name a type of a higher
floor is to know of it. What a lower floor needs of a higher one is registered by the higher one or described
by a `Protocol`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = (
    ("_compiled", "util", "escape", "log", "options", "locale", "_locale_data", "template", "httputil"),
    ("_background", "_waiters", "concurrent", "gen", "ioloop", "locks", "queues", "platform"),
    (
        *("netutil", "iostream", "_subprocess", "process", "tcpserver", "tcpclient", "autoreload"),
        "platform.caresresolver",
    ),
    ("_http1", "httpserver", "httpclient", "http1connection", "simple_httpclient", "curl_httpclient"),
    ("_route_index", "routing", "web", "websocket", "session", "auth", "wsgi", "asgi"),
    ("testing", "pytest_plugin", "compat"),
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}

# What the ground floor does without: a loop and a network.
IMPURE = {"asyncio", "multiprocessing", "select", "selectors", "socket", "socketserver", "ssl", "uvloop"}

# Everything the framework may use beyond Python; all but the first two are extras.
THIRD_PARTY = {
    *("httptools", "uvloop", "redis", "brotli", "zstandard"),
    *("pycurl", "pycares", "twisted", "pytest", "pytest_asyncio", "jwt"),
}
# For types alone: what a class says to mypyc in the optional build.
TYPES_ONLY = {"mypy_extensions"}
# Modules that are there for one extra and say so when it is missing.
NEEDS_EXTRA = {
    "framework.curl_httpclient": "pycurl",
    "framework.httpclient.curl_transfer": "pycurl",
    "framework.platform.caresresolver": "pycares",
    "framework.platform.twisted": "twisted",
    "framework.pytest_plugin": "pytest",
}

# Each driver is named in one file, so that replacing it is one file's work.
DRIVER_FILES = {
    "motor": {"demo_app.stores.mongo"},
    "pymongo": {"demo_app.stores.mongo"},
    "bson": {"demo_app.stores.mongo"},
    "redis": {"demo_app.stores.redis"},
    "aiopg": {"demo_app.stores.postgres"},
    "psycopg2": {"demo_app.stores.postgres"},
    "sqlite3": {"demo_app.stores.sqlite"},
}


def source_files(*folders: str) -> list[Path]:
    """Return the Python files below the folders, in a fixed order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the project."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@functools.cache
def modules() -> dict[str, Path]:
    """Return every module of the two packages by name."""
    return {module_name(path): path for path in source_files("framework", "demo_app")}


class Import:
    """One imported module: by whom, in which line, whether inside a function, and whether for types only."""

    __slots__ = ("by", "inside", "line", "name", "types")

    def __init__(self, by: str, name: str, line: int, inside: bool, types: bool) -> None:
        self.by, self.name, self.line, self.inside, self.types = by, name, line, inside, types

    def __repr__(self) -> str:
        return f"{modules()[self.by].relative_to(ROOT)}:{self.line} imports {self.name}"


@functools.cache
def imports_of(module: str) -> tuple[Import, ...]:
    """Return the imports of a module, `from package import submodule` resolved to the submodule."""
    found: list[Import] = []
    path = modules()[module]

    def visit(node: ast.AST, inside: bool, types: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend(Import(module, alias.name, child.lineno, inside, types) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
                    package = package[: len(package) - child.level + 1]
                    base = ".".join([*package, base] if base else package)
                for alias in child.names:
                    submodule = f"{base}.{alias.name}"
                    name = submodule if submodule in modules() else base
                    found.append(Import(module, name, child.lineno, inside, types))
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
                visit(child, inside or function, types or checking)

    visit(tree(path), False, False)
    return tuple(found)


def all_imports(package: str) -> Iterator[Import]:
    """Yield every import of every module of a package."""
    for module in modules():
        if module == package or module.startswith(package + "."):
            yield from imports_of(module)


def floor_of(module: str) -> int:
    """Return the floor of a module of the framework; the package itself is below all."""
    parts = module.split(".")
    if len(parts) == 1:
        return -1
    # A module may live above its package.
    return FLOOR_OF.get(".".join(parts[1:3]), FLOOR_OF[parts[1]])


def test_every_module_of_the_framework_has_a_floor() -> None:
    homeless = {m for m in modules() if m.startswith("framework.") and m.split(".")[1] not in FLOOR_OF}
    assert not homeless, f"not in FLOORS: {sorted(homeless)}"


def test_imports_of_the_framework_point_down() -> None:
    upward = [
        found
        for found in all_imports("framework")
        if found.name.startswith("framework.") and floor_of(found.name) > floor_of(found.by) >= 0
    ]
    assert not upward, "\n".join(map(repr, upward))


def test_the_framework_knows_nothing_of_the_demo_nor_of_the_tests() -> None:
    wrong = [
        f for f in all_imports("framework") if f.name.split(".")[0] in ("demo_app", "tests", "benchmarks")
    ]
    assert not wrong, wrong


def test_the_ground_floor_has_no_loop_and_no_network() -> None:
    impure = [f for f in all_imports("framework") if floor_of(f.by) == 0 and f.name.split(".")[0] in IMPURE]
    assert not impure, impure


def test_no_import_hides_in_a_function() -> None:
    hidden = [
        found
        for package in ("framework", "demo_app")
        for found in all_imports(package)
        if found.inside and found.name.split(".")[0] in ("framework", "demo_app")
    ]
    assert not hidden, hidden


def test_the_framework_needs_only_what_it_declares() -> None:
    known = sys.stdlib_module_names | THIRD_PARTY | {"framework"}
    foreign = [
        f
        for f in all_imports("framework")
        if f.name.split(".")[0] not in known and not (f.types and f.name in TYPES_ONLY)
    ]
    assert not foreign, foreign


def test_no_import_circles() -> None:
    graph = {
        # Two neighbours may name each other's types: nothing breaks by that.
        module: {f.name for f in imports_of(module) if f.name in modules() and not f.types} - {module}
        for module in modules()
    }
    done: set[str] = set()

    def search(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, "circle: " + " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for name in sorted(graph[module]):
                search(name, (*way, module))
            done.add(module)

    for module in graph:
        search(module, ())


def demo_floor(module: str) -> str:
    """Return the part of the demo application that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def test_the_demo_is_wired_in_one_place() -> None:
    allowed: dict[str, set[str]] = {
        "handlers": {"handlers", "services"},
        "services": {"services", "stores"},
        "stores": {"stores"},
    }
    parts = set(allowed) | {"app", "__main__"}
    wrong = [
        found
        for found in all_imports("demo_app")
        if demo_floor(found.by) in allowed
        and demo_floor(found.name) in parts - allowed[demo_floor(found.by)]
        and found.name.startswith("demo_app.")
        # What every part speaks of: the stores' protocols and errors.
        and found.name != "demo_app.stores.base"
    ]
    assert not wrong, wrong
    concrete = [
        found
        for found in all_imports("demo_app")
        if found.name.startswith("demo_app.stores.")
        and found.name != "demo_app.stores.base"
        and demo_floor(found.by) in ("handlers", "services")
    ]
    assert not concrete, concrete


def test_each_driver_is_named_in_one_file() -> None:
    wrong = [
        found
        for found in all_imports("demo_app")
        for driver, files in DRIVER_FILES.items()
        if found.name.split(".")[0] == driver
        and not any(f"{found.by}.".startswith(f"{file}.") for file in files)
    ]
    assert not wrong, wrong


# Run by a bare interpreter: a child for each module imports it first, two at a time. Modules of the ground
# floor come first; for the others the slow parts of the standard library are loaded once.
_IMPORT_EACH = """
import json, os, sys, traceback
pure, others, running, failed = *json.loads(sys.stdin.read()), {}, []
def reap():
    pid, status = os.wait()
    name = running.pop(pid)
    if status:
        failed.append(name)
def check(name):
    try:
        __import__(name)
        if name in pure and "asyncio" in sys.modules:
            raise ImportError("this module of the ground floor loads asyncio")
    except BaseException as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename}:{frame.lineno}"
        os.write(2, f"{name}: {type(error).__name__}: {error} ({where})\\n".encode())
        os._exit(1)
    os._exit(0)
for name in [*pure, "", *others]:
    if not name:
        import asyncio, email.message, http.client, ssl, sqlite3
        continue
    if len(running) >= 2:
        reap()
    pid = os.fork()
    if not pid:
        check(name)
    running[pid] = name
while running:
    reap()
print(json.dumps(failed))
"""


def test_each_module_can_be_imported_first() -> None:
    names = [name for name in modules() if not name.endswith("__main__")]
    names = [name for name in names if name not in NEEDS_EXTRA or _importable(NEEDS_EXTRA[name])]
    pure = [name for name in names if name.startswith("framework.") and floor_of(name) == 0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _IMPORT_EACH],
        input=json.dumps([pure, [name for name in names if name not in pure]]),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], done.stderr


def test_a_web_application_loads_nothing_that_it_may_not_need() -> None:
    # What each takes to load is a part of what every process takes to start.
    heavy = {
        *("csv", "email.message", "gettext", "html.entities", "http.client", "logging.handlers", "sqlite3"),
        *("framework.httpclient", "framework.session", "framework.template", "framework.testing"),
    }
    # Without what the environment itself may load at the start.
    code = "import sys; sys.path[:] = sys.argv[1:]; import framework.web; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", code, *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert not heavy & set(done.stdout.split())


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def public_modules() -> list[str]:
    """Return the modules that applications import: a package is public, what it is made of is not."""
    return [
        name
        for name in modules()
        if re.fullmatch(r"framework\.([a-z]\w*|platform\.[a-z]\w*)", name)
        and (name not in NEEDS_EXTRA or _importable(NEEDS_EXTRA[name]))
    ]


@pytest.mark.parametrize("name", public_modules())
def test_public_names_exist_and_are_explained(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    assert hasattr(module, "__all__"), f"{name} has no __all__"
    assert len(set(module.__all__)) == len(module.__all__), f"{name}.__all__ names something twice"
    missing = [public for public in module.__all__ if not hasattr(module, public)]
    assert not missing, f"{name}.__all__ names what is not there: {missing}"
    silent = [f"{name}.{public}" for public in module.__all__ for public in _unexplained(module, public)]
    assert not silent, f"without a docstring: {silent}"


METHODS = (FunctionType, classmethod, staticmethod, property)


def _unexplained(module: ModuleType, public: str) -> Iterator[str]:
    thing = getattr(module, public)
    if inspect.isroutine(thing) and not inspect.getdoc(thing):
        yield public
    if not inspect.isclass(thing) or not thing.__module__.startswith("framework."):
        return
    if not thing.__doc__:
        yield public
    for member, value in vars(thing).items():
        # A method that overrides has the explanation of what it overrides.
        if member.startswith("_") or not isinstance(value, METHODS):
            continue
        if not inspect.getdoc(getattr(thing, member)):
            yield f"{public}.{member}"


@pytest.mark.parametrize("folder", ["framework", "demo_app", "examples", "tests", "benchmarks"])
def test_no_file_is_long(folder: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in source_files(folder)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert not long, f"more than 600 lines: {long}"


def test_shipped_code_does_not_assert() -> None:
    # `python -O` removes them, so they guard nothing.
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in source_files("framework", "demo_app", "examples")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assert)
    ]
    assert not found, found


def test_shipped_code_has_no_unfinished_places() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in source_files("framework", "demo_app", "examples")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError\(?\)?$", line)
    ]
    assert not found, "\n".join(found)


def test_tornado_is_never_imported() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in source_files("framework", "demo_app", "examples", "tests")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Import) and any(a.name.split(".")[0] == "tornado" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tornado")
    ]
    assert not found, found


def test_the_project_speaks_of_itself_alone() -> None:
    # A path of one machine or the number of somebody's note means nothing to who reads this elsewhere.
    elsewhere = re.compile(
        r"(?<![\w.}-])/(?:root|work)/|/tmp/t(?:eam|ornado)|\bissue \d|\bshared/(?:design|api|doc)"
    )
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\n")
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}:{number}: {line.strip()}"
            for number, line in enumerate(lines, 1)
            if elsewhere.search(line)
        ]
    assert not found, "\n".join(found)
