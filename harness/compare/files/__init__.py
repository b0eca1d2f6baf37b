"""The files layer: are the generated files the same bytes, and if not, how much does it matter?"""

from harness.compare.files.layer import compare_files

__all__ = ["compare_files"]
