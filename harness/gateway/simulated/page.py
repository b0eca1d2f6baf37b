"""A page: a Jinja template with its style sheet and script."""

from __future__ import annotations

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.mark import digest
from harness.gateway.simulated.words import printable, shortened

__all__ = ["page_files"]

_LONGEST_LEAD = 140


def page_files(assignment: Assignment, mark: str) -> tuple[str, str, str]:
    """The template, the style sheet and the script of a web interface."""
    module = assignment.module
    chance = digest(f"{module.name}: {module.description}")
    rows = _TABLE if chance % 2 else _CARDS
    template = _fill(
        _TEMPLATE,
        stem=module.stem,
        mark=mark,
        rows=rows.strip("\n"),
        name=_text(assignment.project),
        lead=_text(shortened(printable(module.description), _LONGEST_LEAD) or module.name),
    )
    hue = str(chance // 2 % 360)
    return template, _fill(_STYLE, mark=mark, hue=hue), _fill(_SCRIPT, mark=mark)


def _fill(form: str, **values: str) -> str:
    for name, value in values.items():
        form = form.replace(f"[[{name}]]", value)
    return form


def _text(text: str) -> str:
    """`text` as the text of an element, in which neither HTML nor Jinja reads anything."""
    plain = (
        printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
    return plain.replace("{", "&#123;").replace("}", "&#125;").replace("[[", "[ [")


_TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
  <!-- revision [[mark]] -->
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{ title }}</title>
  <link rel="stylesheet" href="{{ url_for('static', filename='[[stem]].css') }}">
  <script src="{{ url_for('static', filename='[[stem]].js') }}" defer></script>
</head>
<body>
  <header>
    <p class="project">[[name]]</p>
    <h1>{{ title }}</h1>
    <p class="lead">[[lead]]</p>
    <nav aria-label="Sections">
      {% for group in groups %}
      <a href="#group-{{ loop.index }}">{{ group.heading }}</a>
      {% endfor %}
    </nav>
    <label class="filter">Filter <input type="search" data-filter autocomplete="off"></label>
  </header>
  <main>
    {% for group in groups %}
    <section id="group-{{ loop.index }}" aria-labelledby="heading-{{ loop.index }}">
      <h2 id="heading-{{ loop.index }}">{{ group.heading }} <small>{{ group.rows | length }}</small></h2>
      {% if group.rows %}
[[rows]]
      {% else %}
      <p class="empty">Nothing here yet.</p>
      {% endif %}
    </section>
    {% else %}
    <p class="empty">There is nothing to show.</p>
    {% endfor %}
  </main>
</body>
</html>
"""

_TABLE = """
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {% for name in group.rows[0] %}
              <th scope="col">{{ name | replace('_', ' ') }}</th>
              {% endfor %}
            </tr>
          </thead>
          <tbody>
            {% for row in group.rows %}
            <tr data-row>
              {% for value in row.values() %}
              <td>{{ value }}</td>
              {% endfor %}
            </tr>
            {% endfor %}
          </tbody>
        </table>
      </div>
"""

_CARDS = """
      <ul class="cards">
        {% for row in group.rows %}
        <li data-row>
          <dl>
            {% for name, value in row.items() %}
            <div><dt>{{ name | replace('_', ' ') }}</dt><dd>{{ value }}</dd></div>
            {% endfor %}
          </dl>
        </li>
        {% endfor %}
      </ul>
"""

_STYLE = """\
/* revision [[mark]] */
:root {
  color-scheme: light dark;
  --accent: hsl([[hue]] 60% 38%);
  --ground: hsl([[hue]] 20% 98%);
  --panel: #fff;
  --ink: hsl([[hue]] 15% 15%);
  --soft: hsl([[hue]] 8% 42%);
  --line: hsl([[hue]] 15% 88%);
}

@media (prefers-color-scheme: dark) {
  :root {
    --accent: hsl([[hue]] 65% 68%);
    --ground: hsl([[hue]] 14% 9%);
    --panel: hsl([[hue]] 12% 13%);
    --ink: hsl([[hue]] 10% 92%);
    --soft: hsl([[hue]] 6% 66%);
    --line: hsl([[hue]] 10% 24%);
  }
}

* { box-sizing: border-box; }

body {
  margin: 0 auto;
  max-width: 64rem;
  padding: 1.5rem 1rem 4rem;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif;
}

.project { margin: 0; color: var(--accent); font-weight: 600; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; text-wrap: balance; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.2rem; }
h2 small { color: var(--soft); font-weight: 400; }
.lead, .empty { max-width: 60ch; color: var(--soft); }

nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 1rem 0; }
a { color: var(--accent); }
a:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }

.filter input {
  width: min(20rem, 100%);
  padding: 0.4rem 0.6rem;
  border: 1px solid var(--line);
  border-radius: 0.4rem;
  background: var(--panel);
  color: inherit;
  font: inherit;
}

.scroll, .cards li { border: 1px solid var(--line); border-radius: 0.5rem; background: var(--panel); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.5rem 0.9rem; text-align: left; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; }
tr:last-child td { border-bottom: 0; }

.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr));
  gap: 0.75rem;
  margin: 0;
  padding: 0;
  list-style: none;
}
.cards li { padding: 0.9rem 1rem; }
dl { margin: 0; }
dl div { display: flex; justify-content: space-between; gap: 1rem; }
dt { color: var(--soft); }
dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
"""

_SCRIPT = """\
// revision [[mark]]
"use strict";

const filter = document.querySelector("[data-filter]");
const rows = [...document.querySelectorAll("[data-row]")];

filter.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  }
});
"""
