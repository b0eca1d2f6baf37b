"""What is looked at of the Redis that a comparison would keep its state in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from async_arch.embedded_redis import RedisUnavailable, embedded_redis
from async_arch.redis_client import RedisConnection, open_redis, redacted
from async_arch.state_store import StateUnavailable
from harness.doctor.finding import Finding, Level
from harness.errors import BadInputError

__all__ = ["check_redis"]

_EMBEDDED = "embedded"
_OLDEST = 7
"""Nothing is asked for that a Redis of this major version does not have."""


async def check_redis(choice: str) -> Finding:
    """The server that `choice`, a URL or `embedded`, means; `BadInputError` where it is neither."""
    if choice == _EMBEDDED:
        return await _embedded()
    if not choice.startswith(("redis://", "rediss://", "unix://")):
        raise BadInputError(
            f"--redis: {choice!r} is neither 'embedded' nor a URL such as redis://localhost:6379/0"
        )
    public = redacted(choice)
    try:
        async with open_redis(choice, patience_s=0.0) as connection:
            return await _server(connection, public)
    except ValueError as error:
        raise BadInputError(f"--redis: {public!r} is not usable: {error}") from error
    except StateUnavailable as error:
        return Finding(
            name="Redis",
            level=Level.PROBLEM,
            sentence=str(error),
            help="start it, or use --redis embedded",
        )


async def _embedded() -> Finding:
    try:
        async with embedded_redis() as server:
            return Finding(
                name="Redis",
                level=Level.OK,
                sentence=f"embedded {server.server} starts; it writes every change to an append-only file",
            )
    except RedisUnavailable as error:
        return Finding(name="Redis", level=Level.PROBLEM, sentence=str(error))


async def _server(connection: RedisConnection, public: str) -> Finding:
    try:
        info = await connection.ask(connection.client.info)
    except StateUnavailable:
        # A user with the least that is needed may not ask.
        return Finding(
            name="Redis",
            level=Level.OK,
            sentence=f"{public} answers; version and persistence are not told to this user",
        )
    return _judged(info, public)


def _judged(info: Mapping[str, Any], public: str) -> Finding:
    kind = "valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    appends = bool(info.get("aof_enabled"))
    policy = str(info.get("maxmemory_policy", "noeviction"))
    described = f"{kind} {version} at {public}"
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < _OLDEST:
        return Finding(
            name="Redis",
            level=Level.WARNING,
            sentence=f"{described}: older than {_OLDEST}, which nothing is tried with",
            help=f"use Redis {_OLDEST} or Valkey",
        )
    if info.get("maxmemory") and policy != "noeviction":
        return Finding(
            name="Redis",
            level=Level.PROBLEM,
            sentence=f"{described}: with maxmemory-policy {policy} it drops state of runs when it is full",
            help="CONFIG SET maxmemory-policy noeviction",
        )
    if not appends:
        return Finding(
            name="Redis",
            level=Level.WARNING,
            sentence=f"{described}: no append-only file, so that a run that is cut off with the server may "
            "not be resumed",
            help="CONFIG SET appendonly yes",
        )
    return Finding(name="Redis", level=Level.OK, sentence=f"{described}, with an append-only file")
