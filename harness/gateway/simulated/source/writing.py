"""A module being written: what it offers, what it may use and by which names, and the columns of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from agents.plan import ModulePlan
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.links import Link, LinkKind, read_links
from harness.gateway.simulated.offer import Function, Offer, Parameter
from harness.gateway.simulated.source.manner import Manner
from harness.gateway.simulated.vocabulary import AFTER, FINAL_STATES, MONEY_FIELDS, ROOM_FIELDS, Archetype
from harness.gateway.simulated.words import is_taken, plural, quoted, spoken, state, word_set

__all__ = ["RENDERED_STORE", "Writing"]

RENDERED_STORE = "_rows"
"""The dictionary that rendered modules keep things in."""

_NAMES_IN_USE = word_set(
    "blueprint body changes content copy count counts csv flask found given groups heading io items "
    "itertools json jsonify key limit name problem quantity request row rows scored shown status text "
    "threading total value wanted render_template"
)
_PRIVATE_NAMES_IN_USE = frozenset({"_ids", "_texts", "_hits", "_holds"})
_QUANTITIES = ROOM_FIELDS | {"quantity", "count", "amount", "number"}
_REPEATABLE = word_set("renew water feed clean check play read visit remind repair grade")


@dataclass(frozen=True)
class Writing:
    """One module on its way to source code."""

    assignment: Assignment
    manner: Manner

    @property
    def module(self) -> ModulePlan:
        """The module as it was planned."""
        return self.assignment.module

    @property
    def own(self) -> Offer:
        """What it has to offer."""
        return self.assignment.api

    @property
    def required(self) -> tuple[Offer, ...]:
        """What it may use."""
        return self.assignment.required

    @property
    def keeps_things(self) -> bool:
        """Whether it has a store of its own."""
        return bool(self.own.entity)

    @property
    def id_name(self) -> str:
        """The name of the parameter by which a thing is named."""
        return self.own.id_name

    @property
    def store(self) -> str:
        """The dictionary that things are kept in."""
        if self.manner.rendered:
            return RENDERED_STORE
        name = f"_{plural(self.own.entity)}"
        return f"_kept{name}" if name in _PRIVATE_NAMES_IN_USE else name

    @cached_property
    def aliases(self) -> dict[str, str]:
        """The names of required modules in this file, by stem: their own, unless that is in use here."""
        used = {p.name for f in self.own.functions for p in f.parameters}
        used |= {f.name for f in self.own.functions} | _NAMES_IN_USE
        used |= {offer.entity for offer in self.required}
        stems = [offer.stem for offer in self.required]
        return {s: f"{s}_module" if s in used or is_taken(s) else s for s in stems}

    def calling(self, offer: Offer, function: Function, arguments: str = "") -> str:
        """The call of a function of a required module."""
        return f"{self.named(offer, function)}({arguments})"

    def named(self, offer: Offer, function: Function) -> str:
        """The name by which a function of a required module is called.

        A rendered module imports others by their own names alone: where that of one is in use in its
        functions, they share another name for what they call.
        """
        stem, alias = offer.stem, self.aliases[offer.stem]
        if self.manner.rendered and alias != stem:
            return f"_{stem}_{function.name}"
        return f"{alias}.{function.name}"

    def using(self, link: Link, arguments: str = "") -> str:
        """The call that a link stands for."""
        return self.calling(link.offer, link.function, arguments)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """How things are linked to what is required."""
        return read_links(self.assignment)

    def linked(self, kind: LinkKind) -> tuple[Link, ...]:
        """The links of one kind."""
        return tuple(link for link in self.links if link.kind is kind)

    @cached_property
    def plain_fields(self) -> tuple[Parameter, ...]:
        """What a thing is made with besides its links."""
        linked = {link.parameter for link in self.links}
        return tuple(field for field in self.own.fields if field.name not in linked)

    @cached_property
    def quantity(self) -> Parameter | None:
        """The field that says how many."""
        return next((f for f in self.plain_fields if f.annotation == "int" and f.name in _QUANTITIES), None)

    @cached_property
    def priced(self) -> tuple[Link, str] | None:
        """The link whose price a thing takes over, and the name of that price."""
        if self.quantity is None or any(f.name in MONEY_FIELDS for f in self.plain_fields):
            return None
        return self._numbered(MONEY_FIELDS, "float")

    @cached_property
    def bounded(self) -> tuple[Link, str] | None:
        """The link that has only so much room, and the name of that number."""
        return self._numbered(ROOM_FIELDS, "int") if self.quantity else None

    def _numbered(self, names: frozenset[str], annotation: str) -> tuple[Link, str] | None:
        for link in self.linked(LinkKind.ONE):
            for field in link.offer.fields:
                if field.name in names and field.annotation == annotation:
                    return link, field.name
        return None

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold a text."""
        return tuple(f.name for f in self.plain_fields if f.plain_type == "str")

    @property
    def holding(self) -> str:
        """The expression for whether a text of a row, or any value if it has none, holds what is wanted."""
        if not self.texts:
            return "any(wanted in str(value).lower() for value in row.values())"
        listed = ", ".join(quoted(name) for name in self.texts)
        columns = f"({listed}{',' if len(self.texts) == 1 else ''})"
        return f"any(wanted in row[name].lower() for name in {columns})"

    @cached_property
    def changes(self) -> tuple[Function, ...]:
        """The functions that change the status of a thing."""
        return tuple(f for f in self.own.functions if f.archetype is Archetype.CHANGE_STATE)

    @property
    def has_history(self) -> bool:
        """Whether earlier states are kept."""
        return self.own.first(Archetype.TRACK) is not None

    @property
    def first_state(self) -> str:
        """The status of a new thing; '' where things have none."""
        if not self.changes and not self.has_history:
            return ""
        return state(self.own.creator.verb) if self.own.creator else "active"

    @cached_property
    def states_before(self) -> dict[str, tuple[str, ...]]:
        """By status, those that a thing may have before it."""
        verbs = [function.verb for function in self.changes]
        states = dict.fromkeys([self.first_state, *map(state, verbs)])
        going_on = [s for s in states if s == self.first_state or s not in FINAL_STATES]
        before = {}
        for verb in verbs:
            follows = state(AFTER[verb]) if verb in AFTER else ""
            others = [s for s in going_on if s != state(verb) or verb in _REPEATABLE]
            before[state(verb)] = (follows,) if follows in states else tuple(others or [self.first_state])
        return before

    @property
    def keeps_text(self) -> bool:
        """Whether what is gathered is kept as text, and not as counts."""
        return self.own.entity in ("export", "backup", "digest")

    @property
    def has_lists(self) -> bool:
        """Whether a row holds lists, which a caller must not share."""
        gathers = self.linked(LinkKind.ALL_OF) or (self.linked(LinkKind.EVERYTHING) and not self.keeps_text)
        return self.has_history or bool(gathers) or any(f.plain_type == "list" for f in self.plain_fields)

    def copied(self, row: str) -> str:
        """The expression for a copy of a row."""
        return f"copy.deepcopy({row})" if self.has_lists else f"dict({row})"

    @property
    def everything(self) -> str:
        """The expression for all rows there are: its own, or those of what it requires."""
        if self.keeps_things:
            return f"{self.own.lister.name}()" if self.own.lister else "_all()"
        listed = [listing for _, listing in self.listings]
        return listed[0] if len(listed) == 1 else f"[{', '.join(f'*{one}' for one in listed)}]"

    @cached_property
    def listings(self) -> list[tuple[str, str]]:
        """What a module without a store speaks for, things by name and the calls that list them.

        That is what its functions name, or whatever there is.
        """
        listed = [
            (plural(offer.entity or offer.stem), self.calling(offer, offer.lister))
            for offer in self.required
            if offer.lister
        ]
        said = " ".join(f"{f.purpose} {spoken(f.name)}" for f in self.own.functions).lower()
        return [(many, listing) for many, listing in listed if spoken(many) in said] or listed
