"""Who may read what was generated."""

from __future__ import annotations

from harness.compare.files.permissions import compare_permissions
from harness.record import FileFacts


def facts(mode: int | None) -> FileFacts:
    return FileFacts(sha256="1", size=1, mode=mode)


def test_files_that_others_may_not_read_any_more_are_one_mismatch() -> None:
    ours = {path: facts(0o644) for path in ("a.py", "b.py", "c.py")}
    (found,) = compare_permissions(ours, {**ours, "a.py": facts(0o600), "b.py": facts(0o600)})
    assert found.sentence == "a.py has the permissions 600 instead of 644, and 1 more have others too"


def test_records_that_do_not_say_differ_in_nothing() -> None:
    assert not list(compare_permissions({"a.py": facts(None)}, {"a.py": facts(0o600)}))
    assert not list(compare_permissions({"a.py": facts(0o644)}, {"b.py": facts(0o600)}))
