"""Things that applications keep, and the words for whole applications that imply them: data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DOMAINS", "THINGS", "PlainThing"]


@dataclass(frozen=True, slots=True)
class PlainThing:
    """Something that applications keep: its fields, and what is done with it besides add, list and search."""

    fields: str
    actions: str = "update, remove"


THINGS: Mapping[str, PlainThing] = {
    "todo": PlainThing("title and due date", "complete, remove"),
    "task": PlainThing("title, priority and due date", "complete, remove"),
    "note": PlainThing("title, body and tags", "remove"),
    "product": PlainThing("name, price and stock", "reserve stock, restock"),
    "recipe": PlainThing("title, ingredients and servings", "rank, remove"),
    "book": PlainThing("title, author and isbn", "find by isbn, remove"),
    "movie": PlainThing("title, director and year", "like, rank"),
    "song": PlainThing("title, artist and minutes", "like, rank"),
    "album": PlainThing("title, artist and year", "like, rank"),
    "photo": PlainThing("title, place and tags", "like, remove"),
    "event": PlainThing("title, day and place", "move, cancel"),
    "expense": PlainThing("label, amount and day", "total, remove"),
    "income": PlainThing("label, amount and day", "total, remove"),
    "budget": PlainThing("label, amount and month", "update, total"),
    "habit": PlainThing("name and goal", "check, pause, resume"),
    "workout": PlainThing("name, minutes and day", "summarize, remove"),
    "exercise": PlainThing("name, sets and repetitions", "update, remove"),
    "meal": PlainThing("name, calories and day", "total, remove"),
    "student": PlainThing("name, email and age", "find by email, update"),
    "teacher": PlainThing("name, email and subject", "find by email, update"),
    "course": PlainThing("title, teacher and capacity", "open, close"),
    "lesson": PlainThing("title, day and hour", "move, cancel"),
    "grade": PlainThing("subject and points", "summarize"),
    "room": PlainThing("number, floor and capacity", "reserve"),
    "table": PlainThing("number and seats", "reserve"),
    "patient": PlainThing("name, birthday and phone", "find by phone, update"),
    "doctor": PlainThing("name and specialty", "find by specialty"),
    "employee": PlainThing("name, role and salary", "update, total"),
    "client": PlainThing("name, email and phone", "find by email, update"),
    "contact": PlainThing("name, email and phone", "find by email, update"),
    "supplier": PlainThing("name, email and phone", "find by email, update"),
    "ticket": PlainThing("title, priority and text", "assign, resolve, close"),
    "bug": PlainThing("title, priority and text", "resolve, close, reopen"),
    "issue": PlainThing("title, priority and text", "resolve, close, reopen"),
    "question": PlainThing("title and text", "like, close"),
    "answer": PlainThing("text", "like, remove"),
    "post": PlainThing("title, text and tags", "publish, like"),
    "article": PlainThing("title, text and author", "publish, archive"),
    "topic": PlainThing("title and text", "close, rank"),
    "page": PlainThing("title and text", "publish, update"),
    "plant": PlainThing("name, species and place", "water"),
    "pet": PlainThing("name, species and age", "feed"),
    "animal": PlainThing("name, species and age", "feed"),
    "car": PlainThing("plate, model and year", "reserve, repair"),
    "vehicle": PlainThing("plate, model and year", "reserve, repair"),
    "bike": PlainThing("number and model", "reserve, repair"),
    "project": PlainThing("title and deadline", "start, finish"),
    "document": PlainThing("name, format and text", "find by name, remove"),
    "file": PlainThing("name, size and text", "find by name, remove"),
    "poll": PlainThing("question and options", "vote, close"),
    "survey": PlainThing("title and questions", "open, close"),
    "game": PlainThing("title and level", "play, rank"),
    "player": PlainThing("name and score", "rank"),
    "team": PlainThing("name and members", "update"),
    "match": PlainThing("day, home and guest", "finish"),
    "job": PlainThing("title, place and salary", "open, close"),
    "house": PlainThing("address, price and rooms", "reserve"),
    "bookmark": PlainThing("title, url and tags", "remove"),
    "link": PlainThing("url and title", "like, remove"),
    "city": PlainThing("name, latitude and longitude", "remove"),
    "sensor": PlainThing("name and place", "activate, deactivate"),
    "measurement": PlainThing("kind, temperature and day", "summarize"),
    "word": PlainThing("text, meaning and level", "remove"),
    "flashcard": PlainThing("question, solution and level", "check"),
    "donation": PlainThing("name and amount", "total"),
    "dish": PlainThing("name, price and kind", "rank, remove"),
    "campaign": PlainThing("title, goal and deadline", "publish, close"),
    "property": PlainThing("address, price and rooms", "reserve"),
}

DOMAINS: Mapping[str, tuple[str, ...]] = {
    "shop": ("product", "account", "cart", "order", "payment"),
    "online store": ("product", "account", "cart", "order", "payment"),
    "web store": ("product", "account", "cart", "order", "payment"),
    "ecommerce": ("product", "account", "cart", "order", "payment"),
    "commerce": ("product", "account", "cart", "order", "payment"),
    "marketplace": ("product", "account", "order", "payment"),
    "inventory": ("product", "supplier"),
    "warehouse": ("product", "supplier"),
    "forum": ("topic", "post", "account"),
    "blog": ("article", "comment"),
    "wiki": ("page", "account"),
    "library": ("book", "loan"),
    "bibliothek": ("book", "loan"),
    "school": ("student", "course"),
    "schule": ("student", "course"),
    "clinic": ("patient", "doctor", "booking"),
    "hospital": ("patient", "doctor", "booking"),
    "hotel": ("room", "booking"),
    "restaurant": ("dish", "table", "booking"),
    "crm": ("client", "message"),
    "helpdesk": ("ticket", "account"),
    "weather": ("city", "measurement"),
    "gym": ("workout", "account"),
    "fitness": ("workout", "exercise"),
    "finance": ("expense", "budget"),
    "garden": ("plant",),
    "quiz": ("question", "player"),
    "music": ("song",),
    "vocabulary": ("word",),
    "laden": ("product", "cart", "order"),
    "tienda": ("product", "cart", "order"),
    "boutique": ("product", "cart", "order"),
}
"""By the word for a whole application, what it is made of: things and features."""
