"""Generated applications, written by hand."""

from __future__ import annotations

__all__ = ["PROGRAM", "SHOP", "TESTS"]

# Run as people run it, with a debugger and a reloader that are not to be had; a prefix from the registration.
SHOP = {
    "requirements.txt": "flask>=3\n",
    "main.py": """
import secrets
from flask import Flask, redirect, request
from items import items_bp

app = Flask(__name__)

@app.route("/")
def home():
    return "<h1>Shop</h1>"

@app.get("/token")
def token():
    return {"token": secrets.token_hex(8)}

@app.get("/moved")
def moved():
    return redirect(f"{request.host_url}items/")

if __name__ == "__main__":
    app.register_blueprint(items_bp, url_prefix="/items")
    app.run(host="0.0.0.0", port=5000, debug=True)
""",
    "items.py": """
from flask import Blueprint, abort, request

items_bp = Blueprint("items", __name__)
items = {}

def add(name: str, price: float):
    items[len(items) + 1] = {"name": name, "price": price}

@items_bp.get("/")
def show():
    return items

@items_bp.get("/<int:number>")
def one(number):
    return items[number] if number in items else abort(404)

@items_bp.post("/")
def make():
    given = request.get_json()
    add(given["name"], given.get("price"))
    return {"made": len(items)}, 201

@items_bp.delete("/<int:number>")
def drop(number):
    del items[number]
    return "", 204
""",
}

PROGRAM = {
    "main.py": """
import argparse
argparse.ArgumentParser(description="Notes").parse_args()
"""
}

TESTS = {
    **PROGRAM,
    "test_notes.py": """
import pytest

def test_good(): assert True
def test_bad(): assert 1 == 2, "one is not two"
@pytest.mark.skip(reason="later")
def test_later(): ...
""",
}
