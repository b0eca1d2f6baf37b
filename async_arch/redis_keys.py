"""Every key and lifetime that the async engine uses in Redis.

All keys of one run share the hash tag `{run}`, so that a cluster keeps them on one node and one script can
write them together::

    agentfactory:{run}:meta                     hash    version, lifetime, fence, last write of each writer
    agentfactory:{run}:versions                 hash    how often each section of the blackboard was written
    agentfactory:{run}:sections                 hash    kind and place of each top-level key of the document
    agentfactory:{run}:section:<name>           hash    a mapping: one field for each of its members
                                                stream  a list: one entry for each of its items
    agentfactory:{run}:member:<section>:<name>  hash    a member that is itself a mapping, such as a module
    agentfactory:{run}:files                    hash    content of every file by its path
    agentfactory:{run}:tasks                    hash    what became of every task: the checkpoints
    agentfactory:{run}:brief                    hash    what workers are told of a build that they work on
    agentfactory:{run}:events                   stream  what happened; the channel of that name wakes
    agentfactory:{run}:lease                    string  who works on the run; lapses unless it is renewed

Some keys belong to no run, and are written beside the others, never together with them::

    agentfactory:mirrors                        hash    the path of the file that each mirrored run mirrors
    agentfactory:workers                        zset    when each worker last said that it lives
    agentfactory:workers:facts                  hash    what each of them said of itself
    agentfactory:queue:<queue>:<code>:*         the tasks that workers of this code do, as docket keeps them
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "FOR_EVER",
    "LEASE_LIFETIME_S",
    "MIRRORS",
    "RUN_LIFETIME_S",
    "SUFFIXES",
    "WORKERS",
    "RunKeys",
    "member",
    "section",
]

RUN_LIFETIME_S = 7 * 24 * 3600
"""How long the keys of a run stay after its last write, unless the run says otherwise."""

FOR_EVER = 0
"""The lifetime of a run whose keys stay until somebody deletes them."""

LEASE_LIFETIME_S = 10.0
"""How long a lease holds without being renewed."""

MIRRORS = "agentfactory:mirrors"
"""The index of what `harness mirror` keeps: the path of a file by the run that mirrors it."""

WORKERS = "agentfactory:workers"
"""When each worker last said that it lives; see `workers.roster`."""

SUFFIXES = ("meta", "versions", "sections", "files", "tasks", "brief", "events", "lease")
"""The keys that every run may have, whatever is in its blackboard; each follows `RunKeys.prefix`."""


def section(name: str) -> str:
    """The suffix of what is in the section `name`."""
    return f"section:{name}"


def member(section_name: str, name: str) -> str:
    """The suffix of the member `name` of a section; no two members share one, whatever they are called."""
    escaped = section_name.replace("%", "%25").replace(":", "%3A")
    return f"member:{escaped}:{name}"


@dataclass(frozen=True, slots=True)
class RunKeys:
    """The keys of one run."""

    run: str

    @property
    def prefix(self) -> str:
        """What every key of the run begins with."""
        return f"agentfactory:{{{self.run}}}:"

    def __getitem__(self, suffix: str) -> str:
        """The key with this suffix."""
        return self.prefix + suffix
