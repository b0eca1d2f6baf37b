"""The answers of those who work on the whole application: integrator and debugger."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from agents.plan import ModuleType
from harness.gateway.simulated.assignment import UnknownPrompt, read_yaml
from harness.gateway.simulated.chat import Chat
from harness.gateway.simulated.command_line import command_line_entry_point
from harness.gateway.simulated.entry_point import REQUIREMENTS, web_entry_point
from harness.gateway.simulated.mending import findings_in, mended
from harness.gateway.simulated.offer import read_offer
from harness.gateway.simulated.words import quoted

__all__ = ["debugger", "integrator"]

_PROJECT, _MODULES, _FINDINGS, _SOURCE_OF = "Project", "Modules", "Findings", "Source of "


def integrator(chat: Chat) -> str:
    """The entry point, and what has to be installed."""
    project = read_yaml(chat.task.get(_PROJECT, ""))
    offers = tuple(
        read_offer(name, str(api.get("import") or name), api)
        for name, api in read_yaml(chat.task.get(_MODULES, "")).items()
        if isinstance(api, dict)
    )
    if not offers:
        raise UnknownPrompt("no modules are named")
    types = project.get("modules")
    has_pages = isinstance(types, dict) and ModuleType.WEB_INTERFACE in types.values()
    write = web_entry_point if has_pages else command_line_entry_point
    source = write(project, offers, chat.mark.revision)
    needed = f"{REQUIREMENTS}\n" if has_pages else ""
    answer = f"```python\n{source}```\n\n```text\n{needed}```"
    return chat.mark.around(answer, ["main.py and requirements.txt:"], ["Start it with `python main.py`."])


def debugger(chat: Chat) -> str:
    """The files that had to be mended, or that all is well."""
    findings = re.findall(r"^- (.+)$", chat.task.get(_FINDINGS, ""), re.MULTILINE)
    if not findings:
        return _status("ok", "nothing needs mending", chat)
    files = {
        title.removeprefix(_SOURCE_OF): _bare(body)
        for title, body in chat.task.items()
        if title.startswith(_SOURCE_OF)
    }
    more = [finding for refusal in chat.refusals for finding in findings_in(refusal)]
    changed = mended([*findings, *more], files)
    if not changed:
        return _status("broken", "what was found cannot be mended in the files shown", chat)
    blocks = [_block(path, source) for path, source in changed.items()]
    return "\n\n".join([f"Mended (revision {chat.mark.revision}):", *blocks])


def _status(status: str, remark: str, chat: Chat) -> str:
    return f"```yaml\nstatus: {status}\nremarks: {quoted(f'{remark} (revision {chat.mark.revision})')}\n```"


def _bare(body: str) -> str:
    return re.sub(r"\A`{3,}\w*\n|`{3,}\s*\Z", "", body)


_COMMENTS = {".html": "<!-- {} -->", ".css": "/* {} */", ".js": "// {}"}
_LANGUAGES = {".py": "python", ".html": "html", ".css": "css", ".js": "js"}


def _block(path: str, source: str) -> str:
    suffix = PurePosixPath(path).suffix
    named = _COMMENTS.get(suffix, "# {}").format(f"file: {path}")
    fence = "````" if "```" in source else "```"
    return f"{fence}{_LANGUAGES.get(suffix, 'text')}\n{named}\n{source.rstrip()}\n{fence}"
