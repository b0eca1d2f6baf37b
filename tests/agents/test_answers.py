"""What is read from an answer, for the answers that models give and for those made to do harm."""

from __future__ import annotations

import ast
import json
import warnings
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.answers import FencedBlock, fenced, fenced_blocks, mapping, parse_python, python_code
from agents.conversation import UnusableAnswer
from agents.prompts import as_yaml

CODE = "import os\n\n\ndef home() -> str:\n    return os.sep\n"


# --- Fenced blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        pytest.param("no block at all", [], id="none"),
        pytest.param("```html\n<p>\n```", [("html", "<p>")], id="language"),
        pytest.param("```\n<p>\n```", [("", "<p>")], id="no language"),
        pytest.param("``` HTML title=x\n<p>\n```", [("html", "<p>")], id="space, capitals, attributes"),
        pytest.param("```requirements.txt\nFlask\n```", [("requirements.txt", "Flask")], id="file name"),
        pytest.param("~~~css\np {}\n~~~", [("css", "p {}")], id="tildes"),
        pytest.param("~~~css\n```\n~~~", [("css", "```")], id="tildes around backticks"),
        pytest.param("````md\n```js\nx\n```\n````", [("md", "```js\nx\n```")], id="longer marks"),
        pytest.param("```css\np {}", [("css", "p {}")], id="cut off before its end"),
        pytest.param("```css", [("css", "")], id="nothing but the opening"),
        pytest.param("```css\n```js\nx\n```", [("css", "```js\nx")], id="an opening is no end"),
        pytest.param(
            "a\n```css\np\n```\nb\n```js\nx\n```\nc", [("css", "p"), ("js", "x")], id="two with chatter"
        ),
        pytest.param("1. so:\n   ```js\n   if (x)\n     y\n   ```", [("js", "if (x)\n  y")], id="in a list"),
        pytest.param("    ```js\n    x\n  y\n    ```", [("js", "x\ny")], id="deep in a list"),
        pytest.param("\ufeff```js\r\nx\r\ny\r\n```\r\n", [("js", "x\ny")], id="BOM and CRLF"),
        pytest.param("```js\rx\r```", [("js", "x")], id="CR"),
        pytest.param("inline ```x``` is no block", [], id="inline"),
    ],
)
def test_blocks_are_read_as_markdown_reads_them(text: str, blocks: list[tuple[str, str]]) -> None:
    assert fenced_blocks(text) == [FencedBlock(*block) for block in blocks]


def test_a_fence_in_a_docstring_neither_ends_its_block_nor_hides_the_next() -> None:
    code = 'def usage():\n    """Run:\n\n```bash\npython main.py\n```\n"""'
    text = f"```python\n{code}\n```\n\n```text\nFlask\n```\n"
    assert fenced_blocks(text) == [FencedBlock("python", code), FencedBlock("text", "Flask")]


def test_a_broken_python_block_does_not_swallow_the_blocks_behind_it() -> None:
    assert [b.language for b in fenced_blocks("```python\ndef (\n```\n```css\np\n```")] == ["python", "css"]


def test_fenced_gives_the_first_block_in_one_of_the_languages() -> None:
    text = "```js\n1\n```\n```css\n2\n```\n```javascript\n3\n```"
    assert fenced(text, "javascript", "css") == "2"
    assert fenced(text, "html") is None


# --- Python


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"```python\n{CODE}```", id="plain"),
        pytest.param(f"```\n{CODE}```", id="no language"),
        pytest.param(f"```py\n{CODE}```", id="py"),
        pytest.param(f"```Python3\n{CODE}```", id="Python3"),
        pytest.param(f"~~~python\n{CODE}~~~", id="tildes"),
        pytest.param(f"Sure! Here it is:\n\n```python\n{CODE}```\n\nHope this helps!", id="chatter"),
        pytest.param(f"```python\n{CODE}", id="never closed"),
        pytest.param(f"```python\n\n\n{CODE}\n\n\n```", id="blank lines at the ends"),
        pytest.param(f"```python\n{CODE}```".replace("\n", "\r\n"), id="CRLF"),
        pytest.param(f"\ufeff```python\n{CODE}```", id="BOM"),
        pytest.param(
            f"```python\n{CODE}```\n\nInstall it:\n```bash\npip install flask\n```", id="bash behind"
        ),
        pytest.param(f"```python\n{CODE}```\n\nUsage:\n```python\nimport home\n```", id="usage behind"),
        pytest.param(f"First `x = 1`:\n```python\nx = 1\n```\nNow whole:\n```python\n{CODE}```", id="draft"),
        pytest.param(f"```python\ndef broken(\n```\nSorry:\n```python\n{CODE}```", id="broken, then whole"),
        pytest.param(CODE, id="no fence"),
        pytest.param(f"Here is the file:\n\n{CODE}", id="no fence, chatter before"),
        pytest.param(f"{CODE}\nThis should work.\n\nLet me know!", id="no fence, chatter behind"),
        pytest.param(f"{CODE}```\nHope this helps!", id="only the closing fence"),
        pytest.param("* main:\n  ```python\n  " + CODE.replace("\n", "\n  ") + "\n  ```", id="in a list"),
    ],
)
def test_the_code_is_found_whatever_is_around_it(text: str) -> None:
    assert python_code(text) == CODE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("I cannot help with that.", "no Python code", id="refusal"),
        pytest.param("```python\n```", "no definition", id="empty block"),
        pytest.param("```python\n# rest of the code here\n```", "no definition", id="only a comment"),
        pytest.param("```python\n...\n```", "no definition", id="only dots"),
        pytest.param("```python\ndef f(:\n    pass\n```", "line 1: ", id="syntax error"),
        pytest.param("```python\nimport os\nreturn 1\n```", "line 2: 'return' outside function", id="return"),
        pytest.param("```python\nx = await f()\n```", "'await' outside function", id="await"),
        pytest.param("```python\ndef f(a, a): pass\n```", "duplicate argument", id="argument twice"),
        pytest.param("```python\n# coding: klingon\nimport os\n```", "klingon", id="unknown encoding"),
        pytest.param("```python\nimport os\n\0\n```", "NUL", id="NUL"),
        pytest.param("```python\nx = '\ud800'\n```", "not Unicode text", id="lone surrogate"),
        pytest.param("import os\ndef f(:\n", "no Python code", id="no fence, syntax error"),
        pytest.param("```yaml\nverdict: approve\n```", "no Python code", id="another form"),
        pytest.param("```python\nfrom a import (b,\n```", "never closed", id="cut off in the middle"),
    ],
)
def test_an_answer_without_usable_code_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        python_code(text)


def test_only_prose_is_dropped_from_the_end_of_unfenced_code() -> None:
    """Dropping code until the rest is valid would hide the error, and lose a function."""
    with pytest.raises(UnusableAnswer):
        python_code("import os\n\ndef home(:\n    return os.sep\n")


@pytest.mark.filterwarnings("error")
def test_what_generated_code_is_warned_for_is_no_warning_of_ours() -> None:
    code = 'import re\n\nPATTERN = re.compile("\\d")\nIS_ONE = PATTERN is 1\n'
    assert python_code(f"```python\n{code}```") == code
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        parse_python(code)
    assert seen == []


DOCSTRING_LINES = st.sampled_from(
    [
        "Text.",
        "",
        "```",
        "```python",
        "```\t",
        "   ```",
        "    ```",
        "````",
        "~~~",
        "~~~~ text",
        "x = 1",
        "'''",
        "end  ",
    ]
)


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A valid module whose strings hold fences, alone and in pairs."""

    def string() -> str:
        return '"""' + "\n".join(draw(st.lists(DOCSTRING_LINES, max_size=6))) + '"""'

    def part(number: int) -> str:
        kinds = [
            f"def f{number}(x):\n    {string()}\n    return x",
            f"TEXT_{number} = {string()}",
            f"class C{number}:\n    {string()}",
            f"# ```\nX_{number} = {draw(st.text(alphabet='ab`~ é店', max_size=5))!r}",
        ]
        return draw(st.sampled_from(kinds))

    parts = [string(), "import os", *(part(number) for number in range(draw(st.integers(1, 3))))]
    return "\n\n".join(parts) + "\n"


CHATTER = st.sampled_from(
    [
        "",
        "Sure, here is the file.\n\n",
        "Run:\n```bash\npip install flask\n```\n\n",
        "## Notes\n- `x = 1`\n\n",
    ]
)


@given(
    modules(),
    st.sampled_from(["python", "py", "Python", ""]),
    st.sampled_from(["```", "~~~"]),
    CHATTER,
    CHATTER,
)
def test_a_module_in_a_fence_comes_out_as_it_was(
    code: str, language: str, marks: str, before: str, behind: str
) -> None:
    ast.parse(code)
    assert python_code(f"{before}{marks}{language}\n{code}{marks}\n\n{behind}") == code


# --- YAML

PLAN = {"project": "Shop", "modules": [{"name": "Cart", "requires": []}]}
BLOCK = "project: Shop\nmodules:\n  - name: Cart\n    requires: []\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"```yaml\n{BLOCK}```", id="fenced"),
        pytest.param(f"```yml\n{BLOCK}```", id="yml"),
        pytest.param(f"```\n{BLOCK}```", id="no language"),
        pytest.param(f"Sure!\n\n```yaml\n{BLOCK}```\nAnything else?", id="chatter"),
        pytest.param(f"```yaml\n{BLOCK}", id="never closed"),
        pytest.param(f"```yaml\n{BLOCK}\n\nAnything else?", id="never closed, chatter behind"),
        pytest.param(f"```yaml\n---\n{BLOCK}```", id="document start"),
        pytest.param(f"---\n{BLOCK}---\n", id="front matter"),
        pytest.param(f"```yaml\n---\n{BLOCK}...\n---\n```", id="two documents, one empty"),
        pytest.param(BLOCK, id="bare"),
        pytest.param(f"Here is the plan:\n{BLOCK}", id="bare, line before reads as a key"),
        pytest.param(
            f"Here is the plan:\n\nI thought hard.\n\n{BLOCK}\nIs it good?", id="bare, chatter around"
        ),
        pytest.param(f"{BLOCK}\nEnjoy.\n\nNote: 1\n  b: 2\n", id="bare, broken YAML behind"),
        pytest.param(f"- I thought\n- twice\n\n{BLOCK}", id="bare, list before"),
        pytest.param(f"```json\n{json.dumps(PLAN)}\n```", id="JSON"),
        pytest.param(f"Here is the JSON:\n\n{json.dumps(PLAN, indent=2)}\n\nEnjoy!", id="bare JSON, chatter"),
        pytest.param(f"```python\nx = 1\n```\n```yaml\n{BLOCK}```", id="another block first"),
        pytest.param(f"```yaml\n{BLOCK}```".replace("\n", "\r\n"), id="CRLF"),
        pytest.param("```yaml\n" + BLOCK.replace("    ", "  \t") + "```", id="tabs"),
        pytest.param("```yaml\n" + BLOCK.replace("Shop", '"Shop",') + "```", id="comma at the end"),
        pytest.param("```yaml\n" + BLOCK.replace("[]", "[ ] # nothing") + "```", id="comment"),
    ],
)
def test_the_mapping_is_found_whatever_is_around_it(text: str) -> None:
    found = mapping(text, having="modules")
    assert {key: found[key] for key in PLAN} == PLAN


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("key: plain words", "plain words"),
        (
            "key: find(order_id: int, count: int) -> dict | None",
            "find(order_id: int, count: int) -> dict | None",
        ),
        ("key: find(a: int) -> int  # finds", "find(a: int) -> int"),
        ("key: note: this has colons", "note: this has colons"),
        ('key: "quoted" and more', '"quoted" and more'),
        ("key: `find` returns it", "`find` returns it"),
        ("key: *important* words", "*important* words"),
        ("key: @home and %all", "@home and %all"),
        ("key: [optional] filter", "[optional] filter"),
        ("key: {order} returned", "{order} returned"),
        ("key: > 5 items", "> 5 items"),
        ("key: - odd", "- odd"),
        ('key: "goes: on\n  here"', "goes: on here"),
        ("x: a: b\nkey: {a: [1,\n  2]}", {"a": ["1", "2"]}),
        ("key: 'it''s'", "it's"),
        ("key: it's", "it's"),
        ('key: "a \\"b\\" c"', 'a "b" c'),
        ("key: 12:30", "12:30"),
        ("key: no", "no"),
        ("key: 0x1F", "0x1F"),
        ("key: 2024-02-31", "2024-02-31"),
        ("key: 1e400", "1e400"),
        ("key: ,", None),
        ("key:", None),
        ("key: ~", None),
        ("key: none", None),
        ("key: null", None),
        ('key: "none"', "none"),
        ("key: |\n  two\n  lines", "two\nlines"),
        ('key: "\\ud83d\\ude00"', "😀"),
        ('key: "\\ud83d"', "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_value_is_what_was_meant(line: str, value: object) -> None:
    assert mapping(f"```yaml\n{line}\n```", having="key")["key"] == value


def test_every_key_is_a_text() -> None:
    assert mapping("1: a\nno: b\nnone: c\nkey: d", having="key") == {
        "1": "a",
        "no": "b",
        "None": "c",
        "key": "d",
    }


def test_list_items_are_mended_as_values_are() -> None:
    text = "```yaml\nkey:\n  - add(a: int, b: int) -> int\n  - `x`: y: z\n  - fine\n```"
    assert mapping(text, having="key")["key"] == ["add(a: int, b: int) -> int", "`x`: y: z", "fine"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("I would rather talk.", "no YAML mapping with the key 'key'", id="prose"),
        pytest.param("```yaml\nother: 1\n```", "no YAML mapping with the key 'key'", id="another key"),
        pytest.param("```yaml\nplan:\n  key: 1\n```", "no YAML mapping with the key 'key'", id="nested"),
        pytest.param("```yaml\n- key\n```", "no YAML mapping with the key 'key'", id="list"),
        pytest.param("```yaml\nkey: [1, 2\n```", "cannot be read: .*line", id="bracket never closed"),
        pytest.param("```yaml\nkey: 1\n  other: 2\n```", "cannot be read: .*line 2", id="indentation"),
        pytest.param("key: words\nand more\n  x: y\n", "cannot be read", id="torn by a line of text"),
        pytest.param("```yaml\nkey: '\0'\n```", "NUL", id="NUL"),
        pytest.param("key: \udc80", "not Unicode text", id="lone surrogate"),
        pytest.param('key: "\\UFFFFFFFF"', "cannot be read", id="no such character"),
        pytest.param("? [a]\n: key", "cannot be read: .*unhashable", id="key that is a list"),
    ],
)
def test_an_answer_without_the_mapping_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        mapping(text, having="key")


def test_the_reason_is_about_the_likeliest_place() -> None:
    """The whole text is tried too; that its fence is no YAML is nothing the model could mend."""
    with pytest.raises(UnusableAnswer) as caught:
        mapping("Sure:\n```yaml\nkey: [1\n```\n", having="key")
    assert "`" not in str(caught.value)


def test_no_tag_makes_anything_but_text() -> None:
    """Whatever a tag says: no date, no bytes, no number with a million digits, no Python object."""
    found = mapping(
        "key: !!int 1:1\na: !!binary eA==\nb: !!python/name:os.system\nc: !!set {x}", having="key"
    )
    assert found == {"key": "1:1", "a": "eA==", "b": "", "c": {"x": None}}


def test_aliases_cannot_make_a_small_answer_large() -> None:
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(UnusableAnswer, match="aliases"):
        mapping(f"```yaml\n{laughs}verdict: [*i, *i]\n```", having="verdict")


# What counts as a line end in YAML 1.1 and nowhere else comes out as a space; `none` is nothing.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\x85\u2028\u2029"), max_size=30
).filter(lambda text: text.lower() != "none")


@given(st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=3), max_size=4), TEXT)
@example({"a": "\x7f\x1b\ufeff", "": "#"}, "none of it")
@example({"a": "\U0001f600", "b": "null"}, "~")
@example({}, "\xa0")
def test_a_mapping_of_texts_comes_out_as_it_was(data: dict[str, object], value: str) -> None:
    """As YAML and as JSON, which writes what is beyond the first plane as two escapes."""
    data["key"] = value
    assert mapping(f"```yaml\n{as_yaml(data)}\n```", having="key") == data
    assert mapping(f"```json\n{json.dumps(data)}\n```", having="key") == data


# --- Harm

HARMFUL = {
    "fences": "```\n" * 25_000,
    "openings": "```python\n" * 15_000,
    "unclosed strings": "```python\nx = '''\n```\n" * 8_000,
    "blocks before many ends": "````python\nx = '''\n````\n" * 49
    + "````python\nx = '''\n"
    + "````\n" * 20_000,
    "marks": "`" * 150_000 + "x",
    "tildes and a backtick": "~" * 150_000 + "`",
    "spaces behind a fence": "```" + " " * 150_000 + "`",
    "long language": "```" + "a" * 150_000 + "`",
    "spaces in a value": "key: b" + " " * 150_000 + "c\nx: [",
    "spaces in an item": "key:\n- b" + " " * 150_000 + "c\n- x: [",
    "spaces in a name": "key\na" + " " * 150_000 + "b",
    "spaces before a line": "key\n" + " " * 150_000 + "b: [",
    "brackets": "key: " + "[" * 100_000,
    "closing brackets": "key: [" + "] " * 75_000,
    "comments in brackets": "key: [" + "] #" * 50_000,
    "braces": "{" * 100_000 + "key",
    "quotes": "key: " + "\"'" * 75_000,
    "escapes": 'key: "' + '\\"' * 75_000,
    "a: b: c": "a: b: c\n" * 6_000 + "key: x",
    "sexagesimal": "key: 1" + ":1" * 75_000,
    "nested items": "key: " + "- " * 75_000,
    "nested keys": "key: " + "? " * 75_000,
    "anchors": "key: " + "&a " * 50_000,
    "deep mapping": "key:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 600)),
    "short runs": "a:\nx\n" * 30_000 + "key",
    "torn runs": "key: [\nprose\n\n\n" * 8_000 + "\n" * 50_000,
    "runs": "key\n" + "key: [\nprose\n" * 3_000,
    "prose behind code": "import os\n" + "x y\n" * 45_000,
    "parentheses": "```python\nx = " + "(" * 150_000,
    "operators": "```python\nx = 1" + "+1" * 75_000,
    "attributes": "```python\nx = a" + ".a" * 75_000,
    "calls": "```python\nx = f" + "()" * 75_000,
    "negations": "```python\nx = " + "not " * 40_000 + "1",
    "lambdas": "```python\nx = " + "lambda:" * 20_000 + "1",
    "elif": "```python\nif x: pass\n" + "elif x: pass\n" * 10_000,
    "definitions, then an error": "```python\n" + "def f(): pass\n" * 3_000 + "no good\n" + "```\n" * 10_000,
    "strings": "```python\nx = " + "'" * 150_000,
    "BOMs": "\ufeff" * 150_000,
    "line ends": "\r\n" * 75_000 + "\r" * 50_000,
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL.keys())
def test_no_answer_takes_long_to_read_or_breaks_the_reader(text: str) -> None:
    """With a pattern that backtracks, or work that grows with the square, these take minutes to years."""
    for read in (fenced_blocks, python_code, lambda answer: mapping(answer, having="key")):
        with suppress(UnusableAnswer):
            read(text)


@pytest.mark.parametrize("unit", ["```\n", "[[[[", "\"'", "a: b: c\n", "import os\n", "x"])
def test_a_megabyte_is_refused_by_its_length(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    for read in (fenced_blocks, python_code, lambda answer: mapping(answer, having="a")):
        with pytest.raises(UnusableAnswer, match="characters; it may have"):
            read(text)


PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "```",
                "```python\n",
                "```yaml\n",
                "~~~",
                "key: ",
                "- ",
                "\n",
                " ",
                "  ",
                "\t",
                "[",
                "]",
                "{",
                "}",
            ),
            *(
                '"',
                "'",
                ":",
                ": ",
                "#",
                "|",
                ">",
                "&a ",
                "*a ",
                "!!int ",
                "? ",
                "---\n",
                "%YAML 1.1\n",
                "\\x",
                "@",
            ),
            *(
                "def f",
                "(",
                ")",
                "import os\n",
                "x = 1\n",
                '"""',
                "if x:\n",
                "é",
                "店",
                "\ufeff",
                "\x0b",
                "\x85",
            ),
        ]
    ),
    max_size=25,
).map("".join)


@given(PIECES | st.text(max_size=60))
def test_any_answer_is_read_or_refused(text: str) -> None:
    """Nothing but `UnusableAnswer` leaves a reader: anything else would count as a fault of the engine."""
    for read in (fenced_blocks, python_code, lambda answer: mapping(answer, having="key")):
        with suppress(UnusableAnswer):
            read(text)
