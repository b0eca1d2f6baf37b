"""The planner: the modules of an application, for any idea and whatever modules are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agents.plan import ModuleHint, ModulePlan, ModuleType, Plan, default_filename, requirement_problems
from harness.gateway.simulated.features import FEATURES, Feature
from harness.gateway.simulated.idea import Idea, plain_thing, read_idea, thing_description
from harness.gateway.simulated.mark import digest
from harness.gateway.simulated.words import (
    camel,
    enumeration,
    is_taken,
    plural,
    printable,
    singular,
    spoken,
    word_set,
    words,
)

__all__ = ["planned", "unused"]

_MOST_MODULES = 8
_LEAST_MODULES = 3
_MOST_SHOWN = 6
_FILLERS = ("search", "export", "report")
_HASTY_EVERY = 6
"""One first plan in so many forgets something that the audit then finds."""


def planned(idea_text: str, hints: Sequence[ModuleHint], *, again: bool) -> Plan:
    """The plan for an idea; planned `again` after an audit it leaves nothing unused."""
    idea = read_idea(idea_text)
    modules = _completed(idea, hints) if hints else _derived(idea, hasty=not again and _is_hasty(idea_text))
    plan = Plan(idea.project, idea.summary, tuple(modules))
    return _all_used(plan) if again else plan


def unused(plan: Plan) -> list[ModulePlan]:
    """The modules that only others could use, and that nothing uses although something could."""
    needed = {name for module in plan.modules for name in module.requires}
    inner = (ModuleType.DATA, ModuleType.UTILITY)
    idle = [m for m in plan.modules if m.name not in needed and m.module_type in inner]
    return [module for module in idle if _possible_users(plan, module)]


def _possible_users(plan: Plan, module: ModulePlan) -> list[ModulePlan]:
    """Those that could require `module` without a circle, pages first."""
    reached = {module.name}
    for later in reversed(plan.in_build_order()):
        if later.name in reached:
            reached.update(later.requires)
    able = [m for m in plan.modules if m.name not in reached]
    pages = [m for m in able if m.module_type is ModuleType.WEB_INTERFACE]
    return pages + [m for m in able if m.module_type is ModuleType.SERVICE]


def _all_used(plan: Plan) -> Plan:
    """`plan` with a user for each module that has none; each new requirement may rule out others."""
    while idle := unused(plan):
        user, needed = _possible_users(plan, idle[0])[0].name, idle[0].name
        modules = [replace(m, requires=(*m.requires, needed)) if m.name == user else m for m in plan.modules]
        plan = replace(plan, modules=tuple(modules))
    return plan


def _is_hasty(idea_text: str) -> bool:
    return digest(idea_text) % _HASTY_EVERY == 0


def _derived(idea: Idea, *, hasty: bool) -> list[ModulePlan]:
    """The modules for an idea of which nothing else is known."""
    modules = {name: _thing_module(name, idea) for name in idea.things}
    if idea.formats:
        modules["converter"] = _converter(idea.formats)
    room = _MOST_MODULES - len(modules) - (not idea.on_command_line)
    asked = [f for f in FEATURES if f.key in idea.features][:room]
    pages = [f for f in asked if f.module_type is ModuleType.WEB_INTERFACE]
    inner = [f for f in asked if f not in pages]
    known = {module.name for module in modules.values()}
    lacking = _LEAST_MODULES - len(modules) - len(inner) - (not idea.on_command_line)
    spare = [f for key in _FILLERS for f in FEATURES if f.key == key and f not in inner]
    for feature in [*inner, *spare[: max(0, lacking)]]:
        if feature.name not in known:
            modules[feature.key] = _feature_module(feature, idea, modules)
    if not idea.on_command_line:
        shown = list(modules.values())[:_MOST_SHOWN]
        if hasty and len(idea.things) > 1:
            shown.remove(modules[list(idea.things)[-1]])
        modules["pages"] = _pages("Website" if "Pages" in {m.name for m in shown} else "Pages", shown)
        for feature in pages:
            modules[feature.key] = _feature_module(feature, idea, modules)
    return list(modules.values())


def _thing_module(name: str, idea: Idea) -> ModulePlan:
    description = thing_description(name, idea.things[name])
    return _module(camel(plural(name)), ModuleType.DATA, description)


def _converter(formats: tuple[str, ...]) -> ModulePlan:
    source, target = (name.upper() for name in formats)
    described = f"Conversions of texts from {source} to {target} and back; convert."
    return _module("Converter", ModuleType.SERVICE, described)


def _feature_module(feature: Feature, idea: Idea, modules: dict[str, ModulePlan]) -> ModulePlan:
    things = list(idea.things) or ["account"]
    first = feature.needs[0] if feature.needs else ""
    has_first = first in ("", "core", "things") or first in modules
    form = feature.description if has_first or not feature.otherwise else feature.otherwise
    needs = list(feature.needs if form == feature.description else ("core", *feature.needs))
    keys = [key for need in needs for key in {"core": things[:1], "things": things}.get(need, [need])]
    requires = [modules[key].name for key in dict.fromkeys(keys) if key in modules]
    cores = enumeration([spoken(plural(thing)) for thing in things])
    description = form.format(core=spoken(things[0]), cores=cores)
    return _module(feature.name, feature.module_type, description, requires)


def _pages(name: str, shown: Iterable[ModulePlan]) -> ModulePlan:
    names = [module.name for module in shown]
    described = f"The pages of the application, with {enumeration([name.lower() for name in names])}."
    return _module(name, ModuleType.WEB_INTERFACE, described, names)


def _module(name: str, module_type: ModuleType, description: str, requires: Iterable[str] = ()) -> ModulePlan:
    filename = default_filename(name)
    # In a file that imports list.py, nothing else could be called list.
    if is_taken(filename.removesuffix(".py")):
        filename = filename.replace(".py", "_module.py")
    return ModulePlan(name, filename, module_type, description, tuple(requires))


def _completed(idea: Idea, hints: Sequence[ModuleHint]) -> list[ModulePlan]:
    """The modules that were asked for, with what was left open, and what they require beyond each other."""
    named = {hint.name for hint in hints}
    missing = dict.fromkeys(name for hint in hints for name in hint.requires if name not in named)
    asked = [*hints, *(ModuleHint(name, ModuleType.DATA) for name in missing)]
    kept = [hint.name for hint in asked if hint.module_type is ModuleType.DATA]
    core = (_name_words([*kept, asked[0].name][0])[-1:] or ["entry"])[0]
    modules = {hint.name: _from_hint(hint, core) for hint in asked}
    # Where some requirements are given, they are meant to be all; but a page has to show something.
    is_open = not any(hint.requires for hint in hints)
    for name, module in modules.items():
        if not module.requires and (is_open or module.module_type is ModuleType.WEB_INTERFACE):
            for needed in _likely_requirements(module, modules):
                requires = (*modules[name].requires, needed)
                graph = {m.name: requires if m.name == name else m.requires for m in modules.values()}
                if not requirement_problems(graph):
                    modules[name] = replace(module, requires=requires)
    return list(modules.values())


def _from_hint(hint: ModuleHint, core: str) -> ModulePlan:
    module_type = hint.module_type or _likely_type(hint)
    description = printable(hint.description) or _likely_description(hint, module_type, core)
    return _module(hint.name, module_type, description, dict.fromkeys(hint.requires))


def _name_words(name: str) -> list[str]:
    return [singular(word) for word in words(default_filename(name).removesuffix(".py").replace("_", " "))]


def _feature_called(name: str) -> Feature | None:
    called = set(_name_words(name))
    return next((feature for feature in FEATURES if feature.calls & called), None)


_PAGE_WORDS = word_set("page frontend portal ui website web site desk dashboard view interface")


def _likely_type(hint: ModuleHint) -> ModuleType:
    feature = _feature_called(hint.name)
    if _PAGE_WORDS & set(_name_words(hint.name)):
        return ModuleType.WEB_INTERFACE
    if feature is not None:
        return feature.module_type
    return ModuleType.SERVICE if hint.requires else ModuleType.DATA


def _likely_description(hint: ModuleHint, module_type: ModuleType, core: str) -> str:
    if module_type is ModuleType.WEB_INTERFACE:
        return "The pages of the application, with everything it keeps."
    feature = _feature_called(hint.name)
    if feature is not None and feature.module_type is not ModuleType.WEB_INTERFACE:
        return (feature.otherwise or feature.description).format(core=core, cores=plural(core))
    name = _name_words(hint.name)[-1:] or ["entry"]
    return thing_description(name[0], plain_thing(name[0]))


def _likely_requirements(module: ModulePlan, modules: dict[str, ModulePlan]) -> list[str]:
    """What a module for which nothing is said could require: pages show, services use what they mention."""
    others = [m for m in modules.values() if m.name != module.name]
    if module.module_type is ModuleType.WEB_INTERFACE:
        return [m.name for m in others if m.module_type is not ModuleType.WEB_INTERFACE][:_MOST_SHOWN]
    if module.module_type is not ModuleType.SERVICE:
        return []
    said = {singular(word) for word in words(module.description)}
    return [m.name for m in others if m.module_type is ModuleType.DATA and set(_name_words(m.name)) & said]
