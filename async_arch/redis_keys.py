"""Every key and lifetime that the async engine uses in Redis.

All keys of one run share the hash tag `{run}`, so that a cluster keeps them on one node::

    agentfactory:{run}:info               hash    idea, created_at, status
    agentfactory:{run}:board:<section>    hash    one field for each entry of that section of the blackboard
    agentfactory:{run}:files              hash    content of every file by its path
    agentfactory:{run}:events             stream  what happened, in order; the channel of the same name wakes
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.blackboard import Section

__all__ = ["RUN_LIFETIME_S", "RunKeys"]

RUN_LIFETIME_S = 7 * 24 * 3600
"""How long the keys of a run stay after its last write."""


@dataclass(frozen=True, slots=True)
class RunKeys:
    """The keys of one run."""

    run: str

    @property
    def info(self) -> str:
        """Hash of what is known of the project from its start."""
        return f"agentfactory:{{{self.run}}}:info"

    @property
    def files(self) -> str:
        """Hash of file contents by path."""
        return f"agentfactory:{{{self.run}}}:files"

    @property
    def events(self) -> str:
        """Stream of events, and the Pub/Sub channel that announces them."""
        return f"agentfactory:{{{self.run}}}:events"

    def board(self, section: Section) -> str:
        """Hash of the entries in one section of the blackboard."""
        return f"agentfactory:{{{self.run}}}:board:{section.value}"
