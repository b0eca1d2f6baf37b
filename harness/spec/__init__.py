"""A spec: what both engines are asked to build, and what the comparison expects."""

from harness.spec.reading import find_spec, find_specs
from harness.spec.spec import Expectations, ModuleSpec, Spec

__all__ = ["Expectations", "ModuleSpec", "Spec", "find_spec", "find_specs"]
