"""Features that applications offer, and the words that ask for them or say nothing: data."""

from __future__ import annotations

from dataclasses import dataclass

from agents.plan import ModuleType
from harness.gateway.simulated.words import word_set

__all__ = ["COMMAND_LINE_WORDS", "EMPTY_WORDS", "FEATURES", "WEB_WORDS", "Feature"]


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that applications offer about their things: `{core}` is the first of these, `{cores}` all.

    `calls` are the words that ask for it. `needs` are the keys of features it requires where there are such;
    `core` stands for the first of the things and `things` for all of them.
    """

    key: str
    name: str
    module_type: ModuleType
    description: str
    calls: frozenset[str]
    needs: tuple[str, ...] = ()
    otherwise: str = ""
    """The description where the first of the needs is not there; it then requires the core."""


def _feature(
    key: str,
    name: str,
    module_type: ModuleType,
    description: str,
    calls: str,
    needs: str = "",
    otherwise: str = "",
) -> Feature:
    asked = frozenset(calls.split())
    return Feature(key, name, module_type, description, asked, tuple(needs.split()), otherwise)


FEATURES: tuple[Feature, ...] = (
    _feature(
        "account",
        "Accounts",
        ModuleType.DATA,
        "Accounts of people with name and email; register, find by email, close.",
        "account user login member customer auth authentication signup registration profile konto benutzer "
        "mitglied nutzer usuario utilisateur compte",
    ),
    _feature(
        "audit",
        "Audit",
        ModuleType.UTILITY,
        "Entries of what was done, with actor and action; record, list.",
        "audit auditing logbook traceability",
    ),
    _feature(
        "category",
        "Categories",
        ModuleType.DATA,
        "Categories with a label; add, list, count.",
        "category tag label tagging kategorie",
    ),
    _feature(
        "cart",
        "Cart",
        ModuleType.SERVICE,
        "Items of an account with quantity; add, change the quantity, remove, total.",
        "cart basket warenkorb",
        "core account",
    ),
    _feature(
        "payment",
        "Payments",
        ModuleType.SERVICE,
        "Payments with amount and method; pay, refund, list, total.",
        "payment pay checkout billing invoice invoicing zahlung rechnung pago",
        "account",
    ),
    _feature(
        "order",
        "Orders",
        ModuleType.SERVICE,
        "Orders made from a cart with a delivery address; place, cancel, ship, track the status.",
        "order purchase bestellung pedido commande",
        "cart payment",
        otherwise="Orders of a {core} with quantity and address; place, cancel, ship, track the status.",
    ),
    _feature(
        "comment",
        "Comments",
        ModuleType.SERVICE,
        "Comments on a {core} with a text; write, list, like, remove.",
        "comment discussion feedback kommentar",
        "core account",
    ),
    _feature(
        "review",
        "Reviews",
        ModuleType.SERVICE,
        "Reviews of a {core} with score and text; write, list, summarize.",
        "review rating rate bewertung",
        "core account",
    ),
    _feature(
        "booking",
        "Bookings",
        ModuleType.SERVICE,
        "Bookings of a {core} with a day and an hour; book, move, cancel.",
        "booking reservation reserve appointment scheduling buchung termin reserva",
        "core account",
    ),
    _feature(
        "loan",
        "Loans",
        ModuleType.SERVICE,
        "Loans of a {core} with a due date; lend, return, list.",
        "loan lend borrow lending ausleihe",
        "core account",
    ),
    _feature(
        "message",
        "Messages",
        ModuleType.SERVICE,
        "Messages with subject and text; send, search, archive.",
        "message chat messaging messenger nachricht mensaje",
        "account",
    ),
    _feature(
        "reminder",
        "Reminders",
        ModuleType.SERVICE,
        "Reminders of a {core} with a channel; schedule, send, cancel.",
        "reminder remind notification notify alert email newsletter erinnerung",
        "core account",
    ),
    _feature(
        "search",
        "Search",
        ModuleType.SERVICE,
        "Searches over the {cores}; search, rank.",
        "search searching searchable finder suche",
        "things",
    ),
    _feature(
        "report",
        "Reports",
        ModuleType.SERVICE,
        "Reports on a month with a title; create, list, count.",
        "report reporting statistic statistics chart analytics dashboard insight bericht statistik",
        "things",
    ),
    _feature(
        "export",
        "Exports",
        ModuleType.SERVICE,
        "Exports of {cores} as Markdown with a name; export, list.",
        "export markdown pdf backup exportieren",
        "things",
    ),
    _feature(
        "api",
        "Api",
        ModuleType.SERVICE,
        "The JSON interface of the application; health, and an overview of {cores}.",
        "api rest endpoint webhook integration",
        "things",
    ),
    _feature(
        "staff",
        "Desk",
        ModuleType.WEB_INTERFACE,
        "The pages for the staff, with everything that is kept.",
        "admin administrator administration staff moderator backoffice",
        "things account report",
    ),
)

COMMAND_LINE_WORDS = word_set("cli commandline terminal console shell kommandozeile konsole")

WEB_WORDS = word_set("browser website web webapp webseite online page portal site")

EMPTY_WORDS = word_set(
    "app application software system platform tool website site web webapp page program service solution "
    "thing stuff way list data database information item entry feature module list collection manager "
    "management tracker planner organizer organiser builder generator editor viewer simple small tiny "
    "big large modern nice good great best fast easy quick smart online local personal private public "
    "digital virtual mobile responsive free open full basic complete advanced interactive real daily "
    "weekly monthly different various several own browser flask python html css javascript command line "
    "desktop interface backend frontend server please want need like make create build develop write "
    "idea example help let allow enable support provide offer give get able based multiple single first "
    "second last next time day people person everyone somebody company family friend child kid man woman "
    "anwendung webseite programm werkzeug einfach klein neu soll kann aplicacion sitio site"
)
"""Words that say nothing about what an application keeps."""
