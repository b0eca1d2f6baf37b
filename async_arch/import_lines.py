"""Import lines put in order: sections, plain imports first, as isort and its like want them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable

from async_arch.signatures import LONGEST_LINE

__all__ = ["import_sections"]


def import_sections(lines: str, more: Iterable[str], local: Collection[str]) -> str:
    """The import lines in `lines` and `more`, a blank line before each section; '' where there are none.

    A line is `import module` or `from module import name`. `local` names the modules of the project. Raises
    ValueError where a line is something else.
    """
    plain: set[str] = set()
    members: dict[str, set[str]] = {}
    for line in [*lines.splitlines(), *more]:
        match line.split():
            case []:
                pass
            case ["import", module]:
                plain.add(module)
            case ["from", module, "import", name]:
                members.setdefault(module, set()).add(name)
            case _:
                raise ValueError(f"{line!r} is neither `import module` nor `from module import name`")
    sections: list[list[str]] = [[], [], []]
    for module in sorted(plain):
        sections[_section(module, local)].append(f"import {module}")
    for module in sorted(members):
        sections[_section(module, local)].append(_from(module, members[module]))
    return "".join("\n\n" + "\n".join(section) for section in sections if section)


def _section(module: str, local: Collection[str]) -> int:
    top = module.partition(".")[0]
    if top in local:
        return 2
    return 0 if top in sys.stdlib_module_names else 1


def _from(module: str, names: Collection[str]) -> str:
    listed = sorted(names, key=_rank)
    line = f"from {module} import {', '.join(listed)}"
    if len(line) <= LONGEST_LINE:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in listed) + ")"


def _rank(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return (0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2, name.lower())
