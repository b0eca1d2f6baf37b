"""The evidence for and against the steps of the migration: what was shown, and for which code."""

from harness.evidence.evidence import Evidence, EvidenceKind, evidence_of
from harness.evidence.evidence_store import EvidenceStore

__all__ = ["Evidence", "EvidenceKind", "EvidenceStore", "evidence_of"]
