"""Make an application: `python make_app.py --about "what it does"`."""

import datetime
import json
import pathlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from steps.asking import ask, code_in
from steps.state import State

WORKERS = 2


def make_module(state, build, module):
    name, filename = module["name"], module["filename"]
    about = f"Module: {name}\nFile: {filename}\nPurpose: {module['purpose']}"
    task = f"{about}\n\nWrite the whole Python file in one code block."
    answer = ask("You are a senior Python programmer. You answer with code alone.", task, stream=True)
    state.attempt("programmer", name, task, answer)
    code = code_in(answer)
    verdict = ask(
        "You are a strict code reviewer. You answer APPROVED, or you list the problems.",
        f"Review this Python code:\n\n```python\n{code}```",
    )
    state.attempt("reviewer", name, code, verdict)
    state.write_file(build / "app" / filename, code)


def main():
    about = sys.argv[sys.argv.index("--about") + 1]
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    build = pathlib.Path("builds") / f"app-{stamp}"
    state = State(build / ".state" / "board.json", about)
    plan_task = (
        "Idea: " + about + "\n\nWhich modules does this application need? Answer with JSON of this form:\n"
        '{"modules": [{"name": "store", "filename": "store.py", "purpose": "keeps things"}]}'
    )
    answer = ask("You plan software. You answer with JSON and nothing else.", plan_task)
    state.attempt("planner", None, plan_task, answer)
    modules = json.loads(code_in(answer))["modules"]
    state.plan(modules)
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(make_module, state, build, module) for module in modules]:
            done.result()
    files = [(module["filename"], build / "app" / module["filename"]) for module in modules]
    sources = "\n\n".join(f"# app/{name}\n{path.read_text()}" for name, path in files)
    task = (
        f"These are the modules:\n\n```python\n{sources}\n```\n\nWrite main.py, a Python file that uses them."
    )
    answer = ask("You are an integration engineer. You answer with code alone.", task, stream=True)
    state.attempt("joiner", None, task, answer)
    state.write_file(build / "main.py", code_in(answer))
    state.write_file(build / "BUILT.txt", f"built in {build.resolve()}\n")
    state.finish()
    threads = threading.active_count()
    sys.stdout.write(f"ALL DONE: {len(modules)} modules in {build}, {threads} thread left\n")


if __name__ == "__main__":
    main()
