"""The thing that a module keeps, as the architect sees it before there is an API."""

from __future__ import annotations

from dataclasses import dataclass

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.links import designed_links, is_mentioned
from harness.gateway.simulated.offer import Parameter
from harness.gateway.simulated.vocabulary import GATHERINGS, MAKING_VERBS, VERBS, Archetype, field_type
from harness.gateway.simulated.words import a, plural, singular, words

__all__ = ["Thing", "thing_of"]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is kept: what it is made with, and whose it is ('' for nobody's)."""

    name: str
    links: tuple[Parameter, ...]
    fields: tuple[Parameter, ...]
    owner: str
    whose: str
    """The owner as people say it: ` of a customer`."""
    maker: str
    """The verb that makes one."""
    subject: str
    """What it is about: the notes of an export."""

    @property
    def id(self) -> Parameter:
        """The parameter by which one is named."""
        return Parameter(f"{self.name}_id", "int")

    @property
    def many(self) -> str:
        """Its name for many."""
        return plural(self.name)

    @property
    def creator_name(self) -> str:
        """The name of the function that makes one: `add_item`, but `pay` for a payment."""
        if self.maker == self.name:
            return f"{self.maker}_{plural(self.subject)}" if self._gathers else f"make_{self.name}"
        return self.maker if _is_root(self.maker, self.name) else f"{self.maker}_{self.name}"

    @property
    def making(self) -> str:
        """The making of one, in words; nobody says `pay a payment`."""
        verb = "make" if _is_root(self.maker, self.name) or self.maker == self.name else self.maker
        return f"{verb.capitalize()} {a(self.name)}{self.whose}."

    @property
    def _gathers(self) -> bool:
        return self.name in GATHERINGS and bool(self.subject)

    def field(self, name: str) -> Parameter | None:
        """The field that people call `name`."""
        called = singular(name)
        return next((f for f in self.fields if called in (singular(f.name), f.name.rpartition("_")[2])), None)

    def number(self) -> Parameter | None:
        """The field that says how much of it there is."""
        return next((f for f in self.fields if f.annotation == "int"), None)


def thing_of(assignment: Assignment) -> Thing:
    """The thing that the module of `assignment` keeps."""
    description = assignment.description
    name = description.entity or _named_after(assignment.module.name)
    links = [link for link in designed_links(assignment, name) if link.parameter]
    fields = [Parameter(field, field_type(field)) for field in description.fields]
    parameters = {link.parameter: Parameter(link.parameter, "int") for link in links}
    owner = next((link.parameter for link in links if is_mentioned(link.offer, description.mentioned)), "")
    free = tuple(field for field in fields if field.name not in {*parameters, f"{name}_id"})
    if not free and not parameters:
        free = (Parameter("name", "str"), Parameter("notes", "str"))
    subject = next(iter(description.subjects), "")
    return Thing(
        name=name,
        links=tuple(parameters.values()),
        fields=free,
        owner=owner,
        whose=f" of {a(subject)}" if subject and subject != name else "",
        maker=_maker(assignment, name),
        subject=subject,
    )


def _named_after(module: str) -> str:
    """What a module that does not say keeps: the last word of its name."""
    spaced = "".join(f" {c}" if c.isupper() else c for c in module).replace("_", " ")
    return singular([*words(spaced), "entry"][max(0, len(words(spaced)) - 1)])


def _maker(assignment: Assignment, name: str) -> str:
    verbs = [action.verb for action in assignment.description.actions]
    making = [verb for verb in verbs if VERBS.get(verb) is Archetype.CREATE]
    rooted = [verb for verb in verbs if VERBS.get(verb) in _ROOTS and (verb == name or _is_root(verb, name))]
    likely = [verb for verb in verbs if verb in MAKING_VERBS]
    return next(iter([*making, *rooted, *likely]), "add")


_ROOTS = frozenset({Archetype.CREATE, Archetype.CHANGE_STATE, Archetype.TAKE, Archetype.EXPORT})


def _is_root(verb: str, noun: str) -> bool:
    """Whether `noun` is made of `verb`, as payment is of pay and prescription of prescribe."""
    is_derived = noun.endswith(("ment", "tion", "sion", "ing", "al", "ance", "ence"))
    return is_derived and len(verb) >= 3 and noun.startswith(verb[: max(3, len(verb) - 2)])
