"""Cassettes: what a model said, kept in a file, so that every engine gets the same answers."""

from harness.gateway.cassette.cassette_file import (
    Cassette,
    CassetteError,
    append_entry,
    cassette_path,
    read_cassette,
)
from harness.gateway.cassette.continuing import ContinuingUpstream
from harness.gateway.cassette.entry import Entry, LaneName
from harness.gateway.cassette.record import RecordingUpstream
from harness.gateway.cassette.replay import ReplayUpstream

__all__ = [
    "Cassette",
    "CassetteError",
    "ContinuingUpstream",
    "Entry",
    "LaneName",
    "RecordingUpstream",
    "ReplayUpstream",
    "append_entry",
    "cassette_path",
    "read_cassette",
]
