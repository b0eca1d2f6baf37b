"""The vocabulary of applications: what verbs ask of a module and what fields hold, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from harness.gateway.simulated.words import word_set

__all__ = [
    "AFTER",
    "BASKETS",
    "FACADES",
    "FINAL_STATES",
    "FUNCTION_WORDS",
    "GATHERINGS",
    "JOURNALS",
    "MAKING_VERBS",
    "MONEY_FIELDS",
    "PROSE_FIELDS",
    "ROOM_FIELDS",
    "TIME_FIELDS",
    "UNIQUE_FIELDS",
    "VERBS",
    "Archetype",
    "field_type",
]


class Archetype(StrEnum):
    """The kinds of functions that nearly every application is made of."""

    CREATE = "create"
    GET = "get"
    LIST = "list"
    FIND = "find"
    """Those whose field has exactly this value."""
    SEARCH = "search"
    """Those that hold a text."""
    RANK = "rank"
    UPDATE = "update"
    REMOVE = "remove"
    CHANGE_STATE = "change_state"
    TAKE = "take"
    """Less of a number that must not fall below 0."""
    REFILL = "refill"
    VOTE = "vote"
    TRACK = "track"
    COUNT = "count"
    TOTAL = "total"
    SUMMARY = "summary"
    EXPORT = "export"
    CONVERT = "convert"
    OVERVIEW = "overview"
    HEALTH = "health"
    GROUPS = "groups"
    """What a page shows."""
    OTHER = "other"


_VERBS_OF = {
    Archetype.CREATE: "add create register write place book issue insert save store make new enter draft "
    "hire enroll prescribe lend borrow buy compose define collect",
    Archetype.GET: "get fetch read load",
    Archetype.LIST: "list show browse view display see",
    Archetype.FIND: "find",
    Archetype.SEARCH: "search look query filter lookup",
    Archetype.RANK: "rank sort top leaderboard recommend suggest",
    Archetype.UPDATE: "update change edit set modify rename move reschedule postpone assign adjust correct",
    Archetype.REMOVE: "remove delete drop erase discard",
    Archetype.TAKE: "reserve take withdraw consume use spend sell deduct",
    Archetype.REFILL: "restock refill deposit replenish supply",
    Archetype.VOTE: "vote like upvote favorite favourite star",
    Archetype.TRACK: "track trace follow status history",
    Archetype.COUNT: "count",
    Archetype.TOTAL: "total sum",
    Archetype.SUMMARY: "summarize summarise analyze analyse calculate compute evaluate",
    Archetype.EXPORT: "export download print backup",
    Archetype.CONVERT: "convert transform translate",
    Archetype.OVERVIEW: "overview dashboard",
    Archetype.HEALTH: "health ping",
    Archetype.GROUPS: "groups",
    Archetype.CHANGE_STATE: "cancel close ship pay refund approve reject complete finish deliver return "
    "renew stop pause resume start send publish archive confirm schedule submit resolve "
    "reopen open check verify validate lock unlock activate deactivate block unblock "
    "accept decline invite share mark log record order post upload request report "
    "apply subscribe unsubscribe expire pack process dispatch login logout reward "
    "grade water feed clean repair rate play",
}

VERBS: Mapping[str, Archetype] = {
    verb: archetype for archetype, listed in _VERBS_OF.items() for verb in listed.split()
}
"""What a verb asks for where nothing else is known; a verb that is not here changes a state."""

MAKING_VERBS = word_set(
    "send submit order pay schedule upload publish post record log open start request report invite "
    "apply subscribe share dispatch"
)
"""Verbs that make something where no other verb of the module does."""

AFTER: Mapping[str, str] = {
    "refund": "pay",
    "deliver": "ship",
    "resume": "pause",
    "reopen": "close",
    "unlock": "lock",
    "unblock": "block",
    "return": "lend",
}
"""Verbs that undo or follow another: `refund` is for what was paid."""

FINAL_STATES = word_set(
    "cancelled closed refunded stopped rejected completed finished delivered returned archived expired "
    "resolved declined shipped paid sent submitted"
)
"""States after which nothing else happens, unless a verb is said to follow."""

GATHERINGS = word_set("report export summary statistic statistics analysis digest backup insight")
"""What is made out of everything there is, not out of one thing."""

FACADES = word_set("interface api overview dashboard gateway search searches finder lookup facade access")
"""What keeps nothing and speaks for other modules."""

BASKETS = frozenset({"cart", "basket", "bag"})
"""What is emptied when something is made from it."""

JOURNALS = frozenset({"record", "log", "audit", "journal"})
"""Verbs of modules that keep track of what the others did."""

MONEY_FIELDS = frozenset({"price", "amount", "fee", "cost", "fare", "rate", "budget"})
ROOM_FIELDS = frozenset({"stock", "capacity", "seats", "places"})
"""Numbers of a thing that an order of it must not exceed."""
TIME_FIELDS = frozenset(
    {"day", "date", "hour", "time", "start", "end", "due", "due_date", "month", "deadline"}
)
UNIQUE_FIELDS = frozenset({"email", "phone", "username", "slug", "code", "isbn", "sku", "number", "plate"})
PROSE_FIELDS = ("title", "name", "label", "subject")
"""Fields by which people call a thing, the best first."""

_NUMBERS = MONEY_FIELDS | word_set(
    "total balance salary wage weight height distance temperature length width discount tax percentage "
    "latitude longitude volume speed"
)
_COUNTS = (ROOM_FIELDS - {"places"}) | word_set(
    "quantity number count hour floor age year minute minutes hours duration level score points rating "
    "priority position size calories servings seat reading population stars pages week repetitions sets"
)
_FLAGS = word_set("done active enabled visible urgent public private optional completed")
_LISTS = word_set("tags labels ingredients steps keywords topics skills options answers members")


def field_type(name: str) -> str:
    """The type of a field, told from its name: `delivery_fee` is a float, `tags` a list."""
    last = name.rpartition("_")[2]
    if last in _NUMBERS:
        return "float"
    if last in _COUNTS:
        return "int"
    if name in _FLAGS or name.startswith(("is_", "has_")):
        return "bool"
    return "list" if last in _LISTS else "str"


FUNCTION_WORDS = word_set(
    "a an the and or of for with from to in on at by as is are be it its this that these those their "
    "them they there his her our your my we you i he she who what which when where how all any each "
    "every some more most no not only own other than then so such also into over under about between "
    "through during after before up down out off again once can could will would should may might must "
    "do does did has have had one two per via using use used uses user-friendly if but while both few "
    "many much new etc e g "
    # the commonest of German, French and Spanish, whose words would otherwise be taken for things
    "der die das ein eine einen einer eines und oder mit von fur zu im am auf aus bei den dem des ist "
    "sind wird le la les un une des du de et ou avec pour dans sur qui que est sont el los las una y con "
    "para en por del"
)
"""Words that name nothing."""
