"""An environment for generated applications: a Python with what was allowed, and nothing else.

It is made outside of the sandbox, as packages come from a network; only wheels are taken, so that nothing of
a package is executed by its installation. Each set of requirements has one, which is kept in the store.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.behaviour.settings import ExecuteSettings
from harness.errors import BadInputError, SurroundingsError

__all__ = ["Environment", "environment_for", "existing_environment"]

_ASK_TIMEOUT_S = 30.0
_BASE = "import sys; print(sys.base_prefix)"


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python with its packages."""

    python: Path
    shown: tuple[Path, ...]
    """The folders that it needs to run."""


async def environment_for(requirements: Sequence[str], settings: ExecuteSettings) -> Environment:
    """The environment with `requirements`, made where there is none yet; else `SurroundingsError`."""
    wanted = "\n".join([sys.version, sys.base_prefix, *sorted(requirements)])
    folder = settings.store.absolute() / "environments" / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
        try:
            await _make(making, requirements, settings.install_s)
            # Of two who make the same the first has it; moved, it is as good.
            await asyncio.to_thread(_settle, making, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, making, ignore_errors=True)
    return Environment(folder / "bin" / "python", (folder, Path(sys.base_prefix)))


async def existing_environment(folder: Path) -> Environment:
    """The environment in `folder`, which a person made; `BadInputError` where there is none."""
    python = await asyncio.to_thread(_python_in, folder)
    # Without what is in it: only where its Python comes from is to be known.
    said = await _run([str(python), "-I", "-S", "-c", _BASE], _ASK_TIMEOUT_S)
    return Environment(python, (python.parent.parent, Path(said.strip())))


def _python_in(folder: Path) -> Path:
    python = folder.absolute() / "bin" / "python"
    if not python.exists():
        raise BadInputError(f"{folder} is no environment of Python: it has no bin/python")
    return python


async def _make(folder: Path, requirements: Sequence[str], patience_s: float) -> None:
    uv = shutil.which("uv")
    python = str(folder / "bin" / "python")
    if uv is not None:
        await _run(
            [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)], patience_s
        )
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
        # A link would lead out of what is shown.
        install += ["--link-mode", "copy"]
    else:
        pip = [] if requirements else ["--without-pip"]
        await _run([sys.executable, "-m", "venv", *pip, str(folder)], patience_s)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if requirements:
        await _run([*install, "--only-binary", ":all:", *requirements], patience_s)


def _settle(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


async def _run(command: Sequence[str], patience_s: float) -> str:
    """What a command says; `SurroundingsError` with its last words where it fails."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")
    }
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=inherited, start_new_session=True
        )
    except OSError as error:
        raise SurroundingsError(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(patience_s):
            said, words = await process.communicate()
    except TimeoutError:
        raise SurroundingsError(f"{' '.join(command)} took more than {patience_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = words.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise SurroundingsError(f"{' '.join(command)} failed: {last[-1].strip()}")
    return said.decode(errors="replace")
