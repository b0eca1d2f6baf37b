"""Environments hold what was allowed, from wheels alone, and are made once."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from harness.behaviour import ExecuteSettings
from harness.behaviour.environment import environment_for, existing_environment
from harness.errors import BadInputError, SurroundingsError

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_wheel(folder: Path, name: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "value = 7\n")
        wheel.writestr(f"{name}-1.0.dist-info/METADATA", METADATA.format(name=name))
        wheel.writestr(f"{name}-1.0.dist-info/WHEEL", WHEEL)
        wheel.writestr(f"{name}-1.0.dist-info/RECORD", "")


def make_source(folder: Path, name: str, trace: Path) -> None:
    """A package that has to be built, and leaves a trace where that is done."""
    setup = f"open({str(trace)!r}, 'w')\nfrom setuptools import setup\nsetup(name={name!r}, version='1.0')\n"
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, text in (("setup.py", setup), ("PKG-INFO", METADATA.format(name=name))):
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of every package index."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for tool in ("UV", "PIP"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
    return folder


async def test_an_environment_holds_what_was_allowed_and_is_made_once(packages: Path, tmp_path: Path) -> None:
    make_wheel(packages, "tinything")
    settings = ExecuteSettings(store=tmp_path)

    made = await environment_for(["tinything==1.*"], settings)
    code = "import tinything, importlib.util as u; print(tinything.value, u.find_spec('flask'))"
    said = await asyncio.to_thread(subprocess.check_output, [made.python, "-c", code], text=True)
    shutil.rmtree(packages)
    again = await environment_for(["tinything==1.*"], settings)

    assert said == "7 None\n"
    assert again == made
    assert [path.name for path in (tmp_path / "environments").iterdir()] == [made.python.parts[-3]]


async def test_what_would_have_to_be_built_is_refused_as_that_executes_it(
    packages: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    make_source(packages, "sourcething", trace)
    with pytest.raises(SurroundingsError, match="sourcething"):
        await environment_for(["sourcething"], ExecuteSettings(store=tmp_path))
    assert not trace.exists()
    assert list((tmp_path / "environments").glob("*")) == []


async def test_a_folder_that_is_no_environment_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no environment of Python"):
        await existing_environment(tmp_path)
