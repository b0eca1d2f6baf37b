"""The command line is written so that no name of a module gets in its way."""

from __future__ import annotations

from harness.gateway.simulated.command_line import command_line_entry_point
from harness.gateway.simulated.offer import read_offer


def test_modules_may_be_called_like_anything_in_it() -> None:
    """A module called as a variable of the entry point is imported under another name."""
    names = ["parser", "line", "result", "orders", "list"]
    offers = tuple(read_offer(name, name, {"functions": [f"get_{name}() -> dict"]}) for name in names)

    source = command_line_entry_point({"project": "Tools"}, offers, "0")

    imports = [line for line in source.splitlines() if line.startswith("import ") and "module" in line]
    assert imports == [f"import {name} as {name}_module" for name in ("line", "list", "parser", "result")]
    assert '"get_line": line_module.get_line,' in source
    assert "import orders\n" in source
    compile(source, "main.py", "exec")
