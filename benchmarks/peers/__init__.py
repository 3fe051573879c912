"""The frameworks that are compared: one module each, found by being here.

A module says at its top, as literals (it is read before what it imports is installed):

- `NAME`: what tables call it,
- `REQUIREMENTS`: what to install,
- `WORKLOADS`: which workloads it takes part in,
- `WITHOUT`, if something is amiss: why it does not take part in others, by their names,
- `NATIVE = True`, if its server is compiled from another language than Python,
- `IMPORTS`, which module an application imports first, if how long that takes is to be measured,
- `REMARK`, if its figures are to be read with something in mind,

and, run with `python -m`, serves them on `options().port` of 127.0.0.1 in one process, without an access log.
"""

from __future__ import annotations

import argparse
import ast
import os
from dataclasses import dataclass, field

__all__ = ["Peer", "find_peers", "options"]


@dataclass(frozen=True, slots=True)
class Peer:
    """A framework that takes part."""

    key: str
    module: str
    name: str
    requirements: tuple[str, ...]
    workloads: frozenset[str]
    without: dict[str, str] = field(default_factory=dict)
    native: bool = False
    remark: str = ""
    imports: str = ""


def find_peers() -> list[Peer]:
    """Return all peers, this project first."""
    folder = os.path.dirname(__file__)
    keys = [file[:-3] for file in os.listdir(folder) if file.endswith(".py") and file != "__init__.py"]
    return [_read(folder, key) for key in sorted(keys, key=lambda key: (key != "framework", key))]


def _read(folder: str, key: str) -> Peer:
    with open(os.path.join(folder, f"{key}.py"), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    facts = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name in ("NAME", "REQUIREMENTS", "WORKLOADS", "WITHOUT", "NATIVE", "REMARK", "IMPORTS"):
                facts[name] = ast.literal_eval(statement.value)
    return Peer(
        key,
        f"{__name__}.{key}",
        facts["NAME"],
        tuple(facts["REQUIREMENTS"]),
        frozenset(facts["WORKLOADS"]),
        facts.get("WITHOUT", {}),
        facts.get("NATIVE", False),
        facts.get("REMARK", ""),
        facts.get("IMPORTS", ""),
    )


def options() -> argparse.Namespace:
    """Read a peer's command line.

    `port` and `workload`; `static`, a folder of files; where the workload needs them, `redis`, the URL of a
    server, and the paths of a `certificate` and its `key`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workload", default="")
    parser.add_argument("--static", default=".")
    parser.add_argument("--redis", default="")
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    return parser.parse_args()
