"""Where this project's own templates are: inside the package where it is installed, else beside it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["TEMPLATES"]

_INSTALLED = Path(__file__).resolve().parent / "templates"
TEMPLATES = _INSTALLED if _INSTALLED.is_dir() else _INSTALLED.parents[1] / "templates"
