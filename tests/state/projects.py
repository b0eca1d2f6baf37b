"""Projects as an engine leaves them, and a Redis to mirror them to."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from async_arch.document_mirror import DocumentMirror
from async_arch.redis_client import RedisConnection
from harness.state.board import board_text
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project
from harness.state.stored_board import read_stored

BOARD: dict[str, Any] = {
    "project_info": {"idea": "a shop", "created_at": "2026-01-01T00:00:00", "status": "building"},
    "architecture": {"modules": [{"name": "Cart"}, {"name": "Users"}]},
    "modules": {
        "Cart": {"filename": "cart.py", "spec": "items", "module_type": "backend"},
        "Users": {"filename": "users.py", "spec": "Größe 店", "module_type": "backend"},
    },
    "files_created": ["cart.py", "users.py"],
    "agent_attempts": [
        {"agent": "developer", "module": "Cart", "attempt_number": number, "output": f"x = {number}\n" * 50}
        for number in range(12)
    ],
    "logs": [{"level": "info", "message": "begun"}],
    "frontend_files": [],
}


def board(**sections: object) -> dict[str, Any]:
    """A blackboard of its own, with other `sections` than usual."""
    return {**copy.deepcopy(BOARD), **sections}


def with_status(status: str) -> dict[str, Any]:
    """A blackboard with this status."""
    return board(project_info={**BOARD["project_info"], "status": status})


def write(folder: Path, document: object = BOARD, place: str = "blackboard.json") -> Path:
    """A project in `folder`; returns its file. Written in place, as engines do."""
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(document, dict):
        path.write_bytes(board_text(document))
    else:
        path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


@asynccontextmanager
async def opened(store: Path) -> AsyncIterator[MirrorRedis]:
    """The embedded Redis of `store`."""
    async with MirrorRedis.open("embedded", store) as redis:
        yield redis


async def stored(redis: MirrorRedis, run: str) -> dict[str, object] | None:
    """The document that Redis has of `run`."""
    return await redis.ask(lambda connection: read_stored(connection, run))


async def spoil(redis: MirrorRedis, project: Project, document: dict[str, object]) -> None:
    """Make a drift: write another document where the mirror of `project` is."""

    async def save(connection: RedisConnection) -> None:
        async with DocumentMirror.on(connection, project.run) as mirror:
            await mirror.save(document)

    await redis.ask(save)
