"""Environments of the peers; nothing is installed from elsewhere here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.environment import Environment, _name, _reason
from benchmarks.errors import BenchmarkError
from benchmarks.peers import Peer
from benchmarks.setup import Setup


def package(folder: Path, version: str, name: str = "bench-sample") -> str:
    """Write the sources of a package, as small as one can be, and return the requirement."""
    source = folder / f"{name}-{version}"
    source.mkdir()
    (source / "backend.py").write_text(
        _BACKEND.format(module=name.replace("-", "_"), name=name, version=version)
    )
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return f"{name} @ file://{source}"


_BACKEND = """
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    wheel = "{module}-{version}-py3-none-any.whl"
    about = "{module}-{version}.dist-info/"
    with zipfile.ZipFile(folder + "/" + wheel, "w") as file:
        file.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        file.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr(about + "RECORD", "")
    return wheel
"""


def test_what_is_missing_is_installed_once_and_its_version_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = Environment("sample", str(tmp_path / "environments"))
    requirement = package(tmp_path, "1.5")
    environment.install([requirement])
    assert environment.versions(["bench-sample>=1", "absent"]) == {"bench-sample": "1.5"}
    assert "installing bench-sample" in capfd.readouterr().err
    environment.install([requirement])
    assert capfd.readouterr().err == ""


def test_an_upgrade_replaces_what_is_there(tmp_path: Path) -> None:
    environment = Environment("sample", str(tmp_path / "environments"))
    environment.install([package(tmp_path, "1.5")])
    environment.install([package(tmp_path, "2.0")])
    assert environment.versions(["bench-sample"]) == {"bench-sample": "1.5"}
    environment.install([f"bench-sample @ file://{tmp_path}/bench-sample-2.0"], upgrade=True)
    assert environment.versions(["bench-sample"]) == {"bench-sample": "2.0"}


def test_a_peer_that_cannot_be_installed_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Environment, requirements: object, upgrade: bool = False) -> None:
        if self.name != "framework":
            raise BenchmarkError("installing it failed: there is no version for this Python")

    monkeypatch.setattr(Environment, "install", fail)
    ours = Peer("framework", "benchmarks.peers.framework", "framework", (), frozenset(["hello"]))
    other = Peer("other", "benchmarks.peers.other", "Other", ("other",), frozenset(["hello", "json"]))
    some = Peer("some", "benchmarks.peers.some", "Some", (), frozenset(), {"json": "it cannot"})
    setup = Setup.install([ours, other], 1, 1)
    assert setup.peers == [ours]
    for workload in ("hello", "json"):
        assert setup.left_out(workload) == {
            "Other": "installing it failed: there is no version for this Python"
        }
    assert setup.left_out("form") == {}
    assert Setup([ours, some], 1, 1).left_out("json") == {"Some": "it cannot"}


def test_the_reason_is_the_error_without_what_is_around_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    environment = Environment("sample", str(tmp_path / "environments"))
    with pytest.raises(BenchmarkError, match=r"installing broken @ .* failed: ERROR: "):
        environment.install([f"broken @ file://{broken}"])
    assert _reason("Collecting\nERROR: none fits\n  at a line\nerror: nor does this\n") == (
        "ERROR: none fits error: nor does this"
    )
    assert _reason("one\ntwo\n\nthree\nfour\n") == "two three four"
    assert _reason("") == "it gave no reason"


def test_a_requirement_is_known_by_its_name() -> None:
    names = [_name(text) for text in ("a", "a-b[extra]>=1", "a==1; python_version > '3'", "a @ file:///b")]
    assert names == ["a", "a-b", "a", "a"]


def test_an_environment_is_of_the_interpreter_that_runs_this(tmp_path: Path) -> None:
    environment = Environment("empty", str(tmp_path))
    environment.install([])
    same = [environment.python, os.path.realpath("/proc/self/exe")]
    versions = [subprocess.check_output([python, "-VV"]) for python in same]
    assert versions[0] == versions[1]
