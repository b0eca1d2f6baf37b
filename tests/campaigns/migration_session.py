"""A whole migration by command line, and what every command prints: docs/migration-session.md.

    uv run python -m tests.campaigns.migration_session > docs/migration-session.md

Everything runs in a new folder, with the simulated model; it takes some minutes. Where a command does not end
as it should, this says which, and ends with exit code 1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.phases.migration import unavailable_phases

__all__ = ["Session", "main", "migrate"]

ROOT = Path(__file__).parents[2]
COLUMNS = 80
PATIENCE_S = 600.0
# So slow that the engines' times are the model's, also on a machine that does other things.
MODEL = "--model simulated --ttft 0.1 --tokens-per-second 1000"
PACKAGES = ("agents", "async_arch", "legacy", "harness")

BUILDS = 1
"""Builds before each step of phase 4; what its gate asks for."""

SPECS = {"notes": ("Notes with tags.", {"Notes": "title, body", "Tags": "label, colour", "Folders": "name"})}
SETTINGS = '[migration]\nspecs = ["specs/"]\n' + "".join(
    f"\n[gates.{phase}]\nspecs = 1\nruns = {BUILDS}\n" for phase in (1, 2, 3, 4)
)


class Unexpected(Exception):
    """A command did not end as it should; says which, how, and what it printed."""


class Session:
    """Commands in a folder; the Markdown of what they print goes to standard output as they end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = folder / ".bin"
        programs.mkdir()
        command = programs / "harness"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness.cli "$@"\n')
        command.chmod(0o755)
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("HARNESS_FLAG_")},
            "COLUMNS": str(COLUMNS),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "MODEL": MODEL,
            # The same in every session, whoever runs it.
            "LOGNAME": "owner",
        }

    def say(self, text: str) -> None:
        """A paragraph, or a heading."""
        sys.stdout.write(f"{text}\n\n".replace(str(self.folder), "/home/owner/migration"))
        sys.stdout.flush()

    def show(self, name: str) -> None:
        """A file that is there."""
        self._fence(f"$ cat {name}\n{(self.folder / name).read_text()}")

    def run(self, command: str, *, code: int = 0, tail: int | None = None, **more: str) -> None:
        """Run `command` by a shell; of what it prints the last `tail` lines, by default all.

        Raises `Unexpected` where its exit code is not `code`. What stands on standard error is shown where
        the command says with it that something is wrong; else it is its progress, and left out.
        """
        done = self._done(command, more)
        if done.returncode != code:
            raise Unexpected(
                f"{command}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}"
            )
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        if tail is not None and len(lines) > tail:
            lines = [f"[... {len(lines) - tail} lines left out]", *lines[-tail:]]
        wrong = [line for line in done.stderr.splitlines() if line.startswith("harness: ")]
        ended = [f"[exit code {code}]"] if code else []
        self._fence("\n".join([f"$ {command}", *lines, *wrong, *ended]))

    def missing(self) -> str:
        """The command that the gate names for what is missing."""
        done = self._done("harness phase status --json", {})
        (command,) = json.loads(done.stdout)["gate"]["to_do"]
        return str(command)

    def _done(self, command: str, more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**self._environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def _fence(self, text: str) -> None:
        self.say(f"```console\n{text.rstrip()}\n```")


def migrate(session: Session) -> None:
    """From legacy to the day on which it is deleted."""
    _lay_out(session)
    session.say("## Before anything is moved")
    session.run("harness phase plan")
    session.run(f"harness build specs/notes.yaml --output out/first {_MODEL}")
    session.run("harness phase promote", code=1)
    session.say(
        "The gate is shut: nothing is passed by no data. The command that brings what is missing is pasted, "
        "with the model behind it."
    )
    _foundations(session)
    _core(session)
    if 3 not in unavailable_phases():
        _hybrid(session)
    _cutover(session)
    _end(session)


_MODEL = "$MODEL"


def _lay_out(session: Session) -> None:
    (session.folder / "specs").mkdir()
    for name, (idea, modules) in SPECS.items():
        lines = [f"name: {name}", f"idea: {idea}", "modules:"]
        for module, fields in modules.items():
            about = f"{module} with {fields}; add, list, remove."
            lines += [f"  - name: {module}", "    module_type: data", f"    description: {about}"]
        (session.folder / "specs" / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    (session.folder / "harness.toml").write_text(SETTINGS)
    session.say("# A migration from the first step to the last")
    session.say(
        "This page is what `python -m tests.campaigns.migration_session` prints: real commands, and what\n"
        "they print in a terminal of 80 columns. Left out are the progress of builds and comparisons, and\n"
        "lines where it says so; the name of the folder was replaced. What the commands are for is in\n"
        "[Carrying the migration out](migration.md)."
    )
    session.say(
        "**The model is the simulated one.** The times show how the engines differ when calls take as long\n"
        "as the simulation says, and nothing about a real model. The gates ask for one spec and one pair,\n"
        "and not for 3 and 5 or 10 as by default, so that the session takes minutes."
    )
    session.run("mkdir out; ls specs")
    session.show("specs/notes.yaml")
    session.show("harness.toml")
    session.say("In all that follows `$MODEL` is:")
    session.run("echo $MODEL")


def _compared(session: Session) -> None:
    session.run(f"{session.missing()} {_MODEL}", tail=2)


def _foundations(session: Session) -> None:
    session.say("## Phase 1: the state")
    _compared(session)
    session.run("harness phase status")
    session.run("harness phase promote")
    session.say("From now on builds mirror their blackboard to Redis, and every write is read back:")
    session.run(f"harness build specs/notes.yaml --output out/mirrored {_MODEL}")
    _compared(session)
    session.run("harness phase promote 1 --to redis")
    session.say("A step back is always allowed, and needs no evidence. What had been shown still counts:")
    session.run('harness phase rollback --reason "to see that it works"')
    session.run("harness phase promote", tail=2)


def _core(session: Session) -> None:
    session.say("## Phase 2: the calls")
    session.say("A step through a shut gate takes a reason, which stays in the log:")
    session.run("harness phase promote --force", code=2)
    session.run('harness phase promote --force --reason "threads are a stopgap; async is next"', tail=3)
    _compared(session)
    session.run("harness phase promote")


def _hybrid(session: Session) -> None:
    session.say("## Phase 3: templates")
    _compared(session)
    session.run("harness phase promote")


def _cutover(session: Session) -> None:
    session.say("## Phase 4: the cutover")
    session.say("What the phases before have shown goes into the shadow:")
    session.run("harness phase promote", tail=3)
    session.run(f"harness build specs/notes.yaml --output out/shadowed {_MODEL}")
    session.say("Legacy has served, and the build waits to be compared; `phase watch` does that:")
    _built(session, "more", BUILDS - 1)
    session.run("harness phase watch --once")
    session.run("harness phase promote", tail=3)
    session.run("harness phase promote --dry-run", code=1)
    session.say("## Something looks wrong")
    session.say(
        "Everything on legacy, for the next build of every process; then one looks, and then back again:"
    )
    session.run('harness phase kill --reason "customers complain; first off, then look"')
    session.run("harness phase status")
    session.run(f"harness build specs/notes.yaml --output out/killed {_MODEL}", tail=1)
    session.say("It was not the engine. What had been shown before still counts, up to the shadow:")
    steps = 5 if 3 in unavailable_phases() else 6
    forced = 'harness phase promote --force --reason "was shown; see entry 5" | tail -1'
    for step in range(steps):
        session.run(forced if step == 2 else "harness phase promote | tail -1")
    session.say("What builds show must be shown anew: they are to be pinned to the flags as they stand.")
    for number, share in enumerate(("5", "25", "50", "all"), start=1):
        _built(session, f"round{number}")
        session.run("harness phase watch --once", tail=2)
        if share == "25":
            session.run("harness phase status")
        session.run("harness phase promote", tail=2)
    session.run("harness phase status")


def _built(session: Session, name: str, builds: int = BUILDS) -> None:
    for number in range(1, builds + 1):
        output = f"out/{name}-{number}"
        session.run(f"harness build specs/notes.yaml --sample 1 --output {output} {_MODEL}", tail=1)


def _end(session: Session) -> None:
    session.say("## The end of legacy")
    session.run("harness phase finalize", code=2)
    session.run('harness phase finalize --reason "a month without a fallback"')
    session.run("harness phase plan")
    session.say("The folder `legacy/` is deleted in a copy of the project, and builds go on:")
    project = session.folder / "project"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, project / package, ignore=shutil.ignore_patterns("__pycache__"))
    session.run("ls project && rm -r project/legacy && ls project")
    build = f"harness build specs/notes.yaml --sample 0 --output out/last {_MODEL}"
    session.run(f"PYTHONPATH=project {build}")
    session.say("## Who moved what, when and why")
    session.run("harness phase history --verify")
    session.say("An entry that somebody makes better than it was is found:")
    session.run("sed -i 's/customers complain/a drill/' flags.audit/*.json")
    session.run("harness phase history --verify", code=1)
    session.run("harness phase status | head -1")


def main() -> int:
    """Print the session; 1 where a command did not end as it should."""
    with tempfile.TemporaryDirectory(prefix="hm", dir="/tmp") as folder:
        session = Session(Path(folder))
        try:
            migrate(session)
        except Unexpected as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
