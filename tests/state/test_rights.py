"""A user with the rights that docs/redis.md names can do everything with mirrors."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from async_arch.redis_keys import RunKeys
from harness.state.backfill import BackfillOutcome, backfill
from harness.state.export import export
from harness.state.mirror_index import mirrored_projects
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import project_at
from harness.state.repair import Side, repair
from harness.state.replaced import Replaced
from harness.state.verify import Standing, verify
from tests.state.following import following
from tests.state.projects import board, spoil, with_status, write
from tests.state.test_backfill import Told

DOCS = Path(__file__).parents[2] / "docs"
RIGHTS = re.findall(
    r"\+[a-z|]+", (DOCS / "redis.md").read_text().partition("ACL SETUSER")[2].partition("\n\n")[0]
)
MORE = re.findall(r"\+[a-z]+", (DOCS / "mirror.md").read_text())


async def test_the_rights_that_are_named_are_enough(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    project = project_at(tmp_path / "shop")
    replaced = Replaced(tmp_path)
    async with embedded_redis() as server, open_redis(server.url) as admin:
        rights = ["reset", "on", ">secret", "~agentfactory:*", *RIGHTS]
        await admin.command("ACL", "SETUSER", "mirror", *rights)
        url = f"unix://mirror:secret@{unquote(server.url[len('unix://') :])}"
        async with MirrorRedis.open(url, tmp_path) as redis:
            for lifetime_s in (0, 1000, 0):
                [found] = await backfill([project], redis, Told(), lifetime_s=lifetime_s)
                assert found.outcome is BackfillOutcome.MIRRORED, found
            async with following(redis, [tmp_path / "shop"]) as told:
                write(tmp_path / "shop", with_status("complete"))
                await told.has(with_status("complete"))
            assert told.summary.caught_up
            for source in Side:
                await spoil(redis, project, board(logs=["spoilt"]))
                [found_drift] = await verify([project], redis, settle_s=0.0)
                assert found_drift.standing is Standing.DRIFT
                assert (await repair(project, redis, source, replaced)).exit_code == 0
            await export(project.run, tmp_path / "out.json", redis, replaced)
            assert [each.run for each in await redis.ask(mirrored_projects)] == [project.run]

            assert MORE == ["+scan", "+dump"]
            await admin.command("ACL", "SETUSER", "mirror", *MORE)
            await admin.command("SET", RunKeys(project.run)["sections"], "a string")
            assert (await repair(project, redis, Side.JSON, replaced)).exit_code == 0
