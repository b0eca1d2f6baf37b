"""A factory of another style comes to an application that starts: the simulated model plays all its roles."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.gateway_simulated.conversation import asked

PLANNER = """You are the planning department.
Output ONLY valid YAML, no prose. Do NOT use Markdown code blocks.

Example format:
modules:
  - name: WebPart
    module_type: "web_interface"
    responsibility: "Serves the page with Flask."
  - name: LogicPart
    module_type: "service"
    responsibility: "Does the work."
"""
AUDITOR = """You judge plans. Is it valid YAML? Can it be done in Python?

OUTPUT FORMAT:
If it is sound:
VERDICT: PASSED

If it is not:
VERDICT: FAILED
[reasons]
"""
DESIGNER = """You define the interface of one module. Output MUST be valid YAML only.
DO NOT write any Python code.

Example Output:
module_type: "service"
api_spec:
  apply_discount:
    signature: "apply_discount(price: float, rate: float) -> float"
    description: "Takes a part off a price."
"""
CODER = """Write complete Python code for the file: {filename}
For a web_interface: Flask MUST be used, with @app.route('/') and render_template('index.html').
API routes MUST return JSON using jsonify(). For a service: no Flask; it is imported by main.py.
Output ONLY the code, enclosed in ```python ... ``` blocks.
"""
CRITIC = """Analyse the code.
OUTPUT EXACTLY IN THIS JSON FORMAT:
{
  "module_name": "string - what was reviewed",
  "issues": [{"severity": "high|low", "issue": "what is wrong"}],
  "quality_score": 0-100 integer,
  "summary": "one sentence"
}
"""
POLISHER = "Refactor the Python code by the report. Output ONLY the code, in ```python ... ``` blocks."
ASSEMBLER = """Write main.py that assembles the modules. Output ONLY Python code.
YOU MUST ENCLOSE THE CODE IN ```python ... ``` BLOCKS."""
DESIGN = """Generate HTML, CSS and JavaScript for this application, which Flask serves.

HTML FILE: templates/index.html
... HTML ...

CSS FILE: static/style.css
... CSS ...

JS FILE: static/app.js
... JS ...

Do NOT output code blocks with ```.

APPLICATION CONTEXT:
{idea}
"""
START = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from main import app
client = app.test_client()
page = client.get("/")
assert page.status_code == 200 and b"<h1>" in page.data, page.data
assert client.get("/static/style.css").status_code == 200
assert client.get("/api/health").status_code == 200
"""


def code_in(answer: str) -> str:
    """The program in an answer, as such factories take it out."""
    found = re.findall(r"```(?:python)?\s*(.*?)\s*```", answer, re.DOTALL)
    assert len(found) == 1
    return str(found[0]) + "\n"


def planned(idea: str) -> list[dict[str, str]]:
    """The modules of a plan that passed, planned again with what was found until it did."""
    feedback = ""
    for _ in range(4):
        plan = yaml.safe_load(asked(f"App idea: {idea}{feedback}", PLANNER))
        verdict = asked(f"Review this blueprint:\n{json.dumps(plan, indent=2)}", AUDITOR)
        if "VERDICT: PASSED" in verdict:
            return list(plan["modules"])
        feedback = f"\n\nThe plan was rejected:\n{verdict}"
    raise AssertionError(feedback)


def built(module: dict[str, str], filename: str) -> str:
    """The source of a module, reviewed and polished."""
    kind = module["module_type"]
    spec = asked(f"MODULE_TYPE: {kind}\n\nModule Details:\n{yaml.safe_dump(module)}", DESIGNER)
    assert yaml.safe_load(spec)["module_type"] == kind
    told = f"FILENAME: {filename}\nMODULE_TYPE: {kind}\n\nSPECIFICATION:\n{spec}"
    code = code_in(asked(told, CODER.format(filename=filename)))
    report = asked(f"Review this Python code:\n\n{code}", CRITIC)
    assert json.loads(report)["quality_score"] >= 80
    assert json.loads(report)["issues"] == []
    polished = code_in(asked(f"REPORT:\n{report}\n\nORIGINAL CODE TO OPTIMIZE:\n{code}", POLISHER))
    names = re.findall(r"^def ([a-z]\w*)", polished, re.MULTILINE)
    assert kind == "web_interface" or names == re.findall(r"^def ([a-z]\w*)", code, re.MULTILINE)
    assert kind == "web_interface" or set(yaml.safe_load(spec)["api_spec"]) <= set(names)
    return polished


def test_it_comes_to_an_application_that_starts(tmp_path: Path) -> None:
    """From plan to page, in YAML, JSON, Python and files with marks."""
    idea = "a recipe platform with comments"
    kinds = {}
    for module in planned(idea):
        filename = f"{module['name'].lower()}.py"
        kinds[filename] = module["module_type"]
        (tmp_path / filename).write_text(built(module, filename), encoding="utf-8")
    listed = "\n".join(f"  - {filename}: module_type = {kind}" for filename, kind in kinds.items())
    main = code_in(asked(f"Files:\n{listed}\n\nIdea: {idea}", ASSEMBLER))
    (tmp_path / "main.py").write_text(main, encoding="utf-8")
    pages = asked(DESIGN.format(idea=idea))
    for path, content in re.findall(
        r"^\w+ FILE: (\S+)\n(.*?)(?=^\w+ FILE:|\Z)", pages, re.MULTILINE | re.DOTALL
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")

    names = [filename.removesuffix(".py") for filename in kinds]
    subprocess.run([sys.executable, "-c", START, *names], cwd=tmp_path, timeout=30, check=True)
