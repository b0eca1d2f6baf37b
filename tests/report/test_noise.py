"""Noise and quality as tables: counts, p and limit of the most important fields, the rest counted."""

from __future__ import annotations

import pytest
from rich.console import Console, RenderableType

from harness.compare import Comparison, Kind, Layer, Noise, Severity
from harness.compare.comparison import FieldNoise
from harness.compare.noise import FISHER, FieldCounts, FieldJudgement, judge_fields
from harness.compare.pair import compare_pair, compare_with_itself
from harness.compare.qualities import Quality, RunQuality, judge_qualities
from harness.compare.repeats import together
from harness.compare.terms import Policy, Terms
from harness.record import ModelFacts, RunRecord
from harness.report.markdown import markdown_report
from harness.report.noise import field_cells, noise_lines, noise_table, quality_table
from harness.report.terminal import print_comparison, print_summary
from harness.spec import Spec
from tests.compare.records import FILES, make_record

LIVE = ModelFacts(kind="ollama", name="m")


def shown(*parts: RenderableType) -> list[list[str]]:
    """The words of every line that is printed."""
    console = Console(width=120)
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    return [line.split() for line in captured.get().splitlines()]


def field(path: str, kind: str = "noise", rate_ab: float = 0.4, rate_aa: float = 0.6) -> FieldNoise:
    judgement = FieldJudgement.model_validate(
        {"kind": kind, "rate_ab": rate_ab, "rate_aa": rate_aa, "test": FISHER, "p": 0.0039, "limit": 0.025}
    )
    return FieldNoise(
        layer=Layer.FILES,
        kind=Kind.CHANGED,
        path=path,
        severity=Severity.MAJOR,
        sentence=f"{path} differs",
        follows=False,
        judgement=judgement,
    )


def noise(*fields: FieldNoise, more_pairs: int | None = None) -> Noise:
    return Noise(
        ab_pairs=5, aa_pairs=5, alpha=0.05, deterministic=False, fields=fields, more_pairs=more_pairs
    )


def test_a_field_has_its_counts_p_and_limit() -> None:
    lines = shown(noise_table(noise(field("cart.py", "mismatch", 1.0, 0.0), field("a.txt"))))
    assert lines[1:] == [
        ["files:", "changed:", "cart.py", "(major)", "5/5", "0/5", "0.0039", "0.025", "mismatch"],
        ["files:", "changed:", "a.txt", "(major)", "2/5", "3/5", "0.0039", "0.025", "noise"],
    ]


def test_what_is_too_much_for_a_screen_is_counted() -> None:
    many = noise(*[field(f"{n}.py") for n in range(12)], field("x.py", "undecided"), more_pairs=3)
    assert len(shown(noise_table(many))) == 9
    words = [" ".join(line) for line in shown(*noise_lines(many))]
    assert "and 5 more (4 noise, 1 undecided)" in words
    assert FISHER in words
    assert "about 3 more pairs of each sort would decide" in words


def test_no_field_that_differs_is_said_in_a_line() -> None:
    assert [line.plain for line in noise_lines(noise())] == [
        "nothing that counts differs in any pair: 5 with the candidate, 5 of two controls"
    ]


def test_a_path_is_shown_as_it_is_and_is_no_markup() -> None:
    lines = shown(noise_table(noise(field("[red]logs[/red]\x1b[31m"))))
    assert "[red]logs[/red]" in " ".join(lines[1])
    assert "\x1b" not in " ".join(lines[1])


def test_quality_has_its_tallies_interval_and_margin() -> None:
    good = RunQuality(False, {Quality.FINISHED: True})
    bad = RunQuality(True, {Quality.FINISHED: False})
    (found,) = judge_qualities([good] * 5, [good] * 4 + [bad], margin=0.1)
    more = str(found.more_runs)
    interval = [f"{found.low:+.2f}", "to", f"{found.high:+.2f}"]
    assert shown(quality_table([found]))[1] == [
        *("finished", "5/5", "4/5", *interval, "-0.10", "inconclusive,", "about", more, "more"),
        *("runs", "of", "each"),
    ]


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A candidate that loses a file over a model whose other file is another every time, by contract."""
    folder = tmp_path_factory.mktemp("runs")
    spec, terms = Spec(name="shop", idea="a shop"), Terms(Policy.CONTRACT)

    def record(name: str, text: str, *, lost: bool = False) -> RunRecord:
        files = {path: source for path, source in FILES.items() if not lost or path != "cart.py"}
        return make_record(folder / name, model=LIVE, files={**files, "main.py": text})

    pairs, beside = [], []
    for n in range(4):
        control, candidate = record(f"a{n}", "import cart\n"), record(f"b{n}", f"b = {n}\n", lost=True)
        pairs.append(compare_pair(spec, control, candidate, terms, first="control", load=0.0))
        one, other = record(f"c{n}", "import cart\n"), record(f"d{n}", f"d = {n}\n")
        beside.append(compare_with_itself(spec, one, other, terms))
    return together(spec, pairs, beside, terms)


def test_without_a_test_there_is_no_limit() -> None:
    judgement = judge_fields({"a.py": FieldCounts(3, 3, 0, 3)}, deterministic=True)["a.py"]
    certain = field("a.py").model_copy(update={"judgement": judgement})
    assert field_cells(certain, noise(certain))[3:] == ("0.05", "-", "mismatch")


def test_the_terminal_shows_noise_and_quality(noisy: Comparison) -> None:
    console = Console(width=120)
    with console.capture() as captured:
        print_comparison(console, noisy)
    lines = [" ".join(line.split()) for line in captured.get().splitlines()]
    assert any(line.startswith("files: missing: cart.py (breaking) 4/4 0/4 0.014") for line in lines)
    assert any(line.startswith("finished 12/12 4/4") for line in lines)
    assert any(line.startswith("files 1 mismatch, 1 not counted") for line in lines)


def test_markdown_holds_noise_and_quality(noisy: Comparison) -> None:
    text = markdown_report([noisy])
    assert "| files: missing: cart.py \\(breaking\\) | 4/4 | 0/4 | 0.014 | 0.05 | mismatch |" in text
    assert "| finished | 12/12 | 4/4 |" in text
    assert "| files | **1**, 1 not counted |" in text


def test_what_breaks_nothing_is_listed_by_contract(noisy: Comparison) -> None:
    (aside,) = [m for layer in noisy.layers for m in layer.uncounted if m.layer is Layer.FILES]
    alone = noisy.model_copy(update={"noise": None})
    console = Console(width=120)
    with console.capture() as captured:
        print_comparison(console, alone)
    assert "1 more does not count:" in captured.get()
    assert aside.path in captured.get()


def test_the_summary_shows_the_quality_over_all_specs(noisy: Comparison) -> None:
    both = [noisy.model_copy(update={"quality_over_all": noisy.quality})] * 2
    console = Console(width=120)
    with console.capture() as captured:
        print_summary(console, both)
    assert "12/12" in captured.get()
