"""The modules that the calls of an external engine were about, where they do not say it themselves.

Who reviews a module is often shown its code and not told its name. The code is an earlier answer, and that
call did say what it was about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.compare.quotes import quoted_calls, quoted_whole
from harness.gateway.calls import CallRecord
from harness.gateway.lane import OF_THE_PROJECT

__all__ = ["with_quoted_modules"]

_NO_LETTER = re.compile(r"[\W_]")


def with_quoted_modules(calls: Sequence[CallRecord]) -> tuple[CallRecord, ...]:
    """`calls`, in the order of their arrival, each about the one module that it names or else quotes whole.

    A module that is spelled in several ways (`NewsService`, `news_service`) is called by the first. Who
    quotes several modules is about none, and so are those whose work is the project.
    """
    spellings: dict[str, str] = {}
    told: list[CallRecord] = []
    for call, quoted in zip(calls, quoted_calls(calls), strict=True):
        module = call.module
        if module is None and call.role not in OF_THE_PROJECT:
            # Modules have lines in common: only what is quoted as a whole tells one from another.
            whole = quoted_whole(call, (told[place] for place in quoted if told[place].module))
            found = {one.module for one in whole}
            module = found.pop() if len(found) == 1 else None
        if module is not None:
            module = spellings.setdefault(_NO_LETTER.sub("", module).casefold(), module)
        told.append(call if call.module == module else call.model_copy(update={"module": module}))
    return tuple(told)
