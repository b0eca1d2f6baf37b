"""The function that makes a thing, with its links to the required modules."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gateway.simulated.links import Link, LinkKind
from harness.gateway.simulated.offer import Function
from harness.gateway.simulated.source.checks import checked
from harness.gateway.simulated.source.layout import all_of, call, definition, mapping
from harness.gateway.simulated.source.writing import Writing
from harness.gateway.simulated.vocabulary import BASKETS, Archetype
from harness.gateway.simulated.words import is_taken, plural, spoken

__all__ = ["fits", "made", "returned", "variable"]


def made(writing: Writing, function: Function) -> str:
    """The definition of `function`, which makes a thing and keeps it."""
    own_id, store = writing.id_name, writing.store
    kept = f'{store}[{own_id}] = {{"id": {own_id}, **row}}'
    after = list(_noted(writing, function))
    result = returned(function, writing.copied(f"{store}[{own_id}]"), own_id)
    inside = [f"{own_id} = next(_ids)", kept]
    outside = [f"made = {writing.copied(f'{store}[{own_id}]')}"] if after else [f"return {result}"]
    body = [
        *_looked_up(writing),
        _row(writing),
        *_bounded(writing),
        *_covered(writing),
        *_emptied(writing),
        "with _lock:",
        *(f"    {line}" for line in [*inside, *outside]),
        *after,
        *([f"return {returned(function, 'made', own_id)}"] if after else []),
    ]
    return definition(function.signature, function.purpose, body)


def returned(function: Function, row: str, own_id: str) -> str:
    """What `function` has to give back, of a row and its id."""
    match function.returns.partition("[")[0]:
        case "int":
            return own_id
        case "str":
            return f"str({own_id})"
        case "bool":
            return "True"
        case "list":
            return f"[{row}]"
        case "None":
            return "None"
    return row


def variable(writing: Writing, name: str) -> str:
    """The name of a local variable for something called `name`."""
    modules = writing.aliases if writing.manner.rendered else writing.aliases.values()
    taken = {p.name for p in writing.own.fields} | set(modules) | {"row", "made"}
    return f"this_{name}" if name in taken or is_taken(name) else name


def _looked_up(writing: Writing) -> Iterator[str]:
    if writing.linked(LinkKind.ONE):
        yield "# What is linked must be there: this raises LookupError where it is not."
    for link in writing.links:
        if link.kind is LinkKind.ONE:
            yield _one(writing, link)
        elif link.kind is LinkKind.ALL_OF:
            yield from _all_of(writing, link)
    gathered = {plural(k.offer.entity): writing.using(k) for k in writing.linked(LinkKind.EVERYTHING)}
    if gathered and writing.keeps_text:
        yield from all_of("rows", list(gathered.values()))
    elif gathered:
        counts = [(name, f"len({listing})") for name, listing in gathered.items()]
        yield mapping("counts =", counts, compact=writing.manner.rendered)


def _one(writing: Writing, link: Link) -> str:
    asked = writing.using(link, link.parameter)
    needed = [found[0] for found in (writing.priced, writing.bounded) if found]
    if link in needed or link is _payment(writing):
        return f"{variable(writing, link.offer.entity)} = {asked}"
    return asked


def _all_of(writing: Writing, link: Link) -> Iterator[str]:
    many = variable(writing, plural(link.offer.entity))
    owner = spoken(link.parameter.removesuffix("_id"))
    yield f"{many} = {writing.using(link, link.parameter)}"
    yield f"if not {many}:"
    yield f'    raise ValueError(f"{owner} {{{link.parameter}}} has no {spoken(plural(link.offer.entity))}")'


def _row(writing: Writing) -> str:
    """The statement that makes a row; in a rendered module it goes without Any, which is not in scope."""
    rendered = writing.manner.rendered
    target = "row =" if rendered else "row: dict[str, Any] ="
    return mapping(target, dict(_columns(writing)).items(), compact=rendered)


def _columns(writing: Writing) -> Iterator[tuple[str, str]]:
    for field in writing.own.fields:
        is_link = any(link.parameter == field.name for link in writing.links)
        yield field.name, field.name if is_link else checked(field)
    if writing.priced:
        link, price = writing.priced
        yield price, f'{variable(writing, link.offer.entity)}["{price}"]'
    for link in writing.linked(LinkKind.ALL_OF):
        yield plural(link.offer.entity), variable(writing, plural(link.offer.entity))
        total = link.offer.first(Archetype.TOTAL)
        if total and any(parameter.name == link.parameter for parameter in total.parameters):
            yield "total", writing.calling(link.offer, total, link.parameter)
    if writing.linked(LinkKind.EVERYTHING):
        yield ("content", "_as_markdown(rows)") if writing.keeps_text else ("counts", "counts")
    for vote in (f for f in writing.own.functions if f.archetype is Archetype.VOTE):
        yield plural(vote.verb), "0"
    if writing.first_state:
        yield "status", f'"{writing.first_state}"'
    if writing.has_history:
        yield "history", f'["{writing.first_state}"]'


def _bounded(writing: Writing) -> list[str]:
    if writing.bounded is None or writing.quantity is None:
        return []
    link = writing.bounded[0]
    entity = variable(writing, link.offer.entity)
    return fits(writing, entity, f'row["{writing.quantity.name}"]')


def fits(writing: Writing, entity: str, quantity: str) -> list[str]:
    """The statements that refuse a quantity for which the thing in the variable `entity` has no room."""
    if writing.bounded is None:
        return []
    link, room = writing.bounded
    left = f"only {{{entity}['{room}']}} of this {spoken(link.offer.entity)} are left"
    return [f'if {quantity} > {entity}["{room}"]:', f'    raise ValueError(f"{left}")']


def _payment(writing: Writing) -> Link | None:
    """The link to a payment, where what is made has a total to be paid."""
    if not any(link.offer.first(Archetype.TOTAL) for link in writing.linked(LinkKind.ALL_OF)):
        return None
    for link in writing.linked(LinkKind.ONE):
        if link.offer.entity == "payment" and any(field.name == "amount" for field in link.offer.fields):
            return link
    return None


def _covered(writing: Writing) -> Iterator[str]:
    link = _payment(writing)
    if link is not None:
        yield f'if {variable(writing, "payment")}["amount"] < row["total"]:'
        yield f'    raise ValueError(f"payment {{{link.parameter}}} does not cover {{row[{_TOTAL}]}}")'


_TOTAL = "'total'"


def _emptied(writing: Writing) -> Iterator[str]:
    for link in writing.linked(LinkKind.ALL_OF):
        remover = link.offer.first(Archetype.REMOVE)
        if remover and link.offer.stem in BASKETS:
            many = variable(writing, plural(link.offer.entity))
            item = variable(writing, link.offer.entity)
            removed = writing.calling(link.offer, remover, f'{item}["id"]')
            yield f"# Taken out first, so that no other {spoken(writing.own.entity)} gets them too."
            yield f"for {item} in {many}:"
            yield f"    {removed}"


def _noted(writing: Writing, function: Function) -> Iterator[str]:
    for link in writing.linked(LinkKind.JOURNAL):
        done = f'f"{function.verb} {spoken(writing.own.entity)} {{{writing.id_name}}}"'
        who = f'"{writing.module.stem}"'
        arguments = [who] * (len(link.function.required) - 1) + [done]
        yield call(writing.named(link.offer, link.function), arguments, "", 4)
