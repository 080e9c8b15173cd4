"""Laws of the task shell's grammar and of its quoting."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_core.activation.compute import expand
from pixi_core.errors import TaskError
from pixi_core.tasks.shell import format_script, parse, quote
from pixi_core.tasks.shell_expand import Surroundings, arguments
from pixi_core.tasks.shell_tree import Script, Simple, Text

law = settings(max_examples=100, deadline=None)
characters = st.text(alphabet=st.sampled_from(list("ab '\"\\$`(){},|&;<>!*?[]~#=\n\t2é")), max_size=24)
plain = st.from_regex(r"[a-z][a-z0-9_./-]{0,5}", fullmatch=True).filter(
    lambda word: word not in ("for", "do", "in", "if", "fi")
)
words = st.one_of(
    plain,
    st.text(max_size=5).filter(lambda text: "\0" not in text).map(quote),
    plain.map('"{} $HOME"'.format),
    plain.map("${}".format).map(lambda text: text.replace(".", "").replace("/", "").replace("-", "")),
    st.tuples(plain, plain).map("{{{0[0]},{0[1]}}}".format),
    plain.map("~/{}".format),
)
commands = st.lists(words, min_size=1, max_size=3).map(" ".join)
scripts = st.recursive(
    commands,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" && ", " || ", " | ", " |& ", "; ", "\n", " & "]), inner).map("".join),
        inner.map("({})".format),
        inner.map("echo $({})".format),
        inner.map('echo "$({})"'.format),
        commands.map("{} > out".format),
        commands.map("A=1 {} 2>&1".format),
    ),
    max_leaves=5,
)


def again(text: str) -> None:
    tree = parse(text)
    shown = format_script(tree)
    assert parse(shown) == tree
    assert format_script(parse(shown)) == shown


@law
@given(scripts)
def test_parse_and_format_are_inverse(text: str) -> None:
    # a sub-shell as an argument is none of the language: such texts are refused, see the next law
    with suppress(TaskError):
        again(text)


@settings(max_examples=300, deadline=None)
@given(characters)
def test_any_text_is_a_script_or_an_error_with_a_caret(text: str) -> None:
    try:
        parse(text)
    except TaskError as error:
        line, caret = error.details
        assert caret.strip() == "^"
        assert len(caret) - 3 <= len(line) - 2
        return
    again(text)


@law
@given(st.lists(st.text().filter(lambda text: "\0" not in text), min_size=1, max_size=4))
def test_quoted_words_come_back_as_they_were(texts: list[str]) -> None:
    script = parse(" ".join(["echo", *(quote(text) for text in texts)]))
    command = script.items[0].node
    assert len(script.items) == 1
    simple = command.commands[0]  # type: ignore[union-attr]  # a single command is a pipeline of one
    assert isinstance(simple, Simple)
    around = Surroundings({}, 0, "/", str)
    assert arguments(simple.words, around) == ["echo", *texts]


@law
@given(st.text(alphabet=st.sampled_from(list("aB${}\\`\"'1_ ")), max_size=12))
def test_expansion_never_fails(text: str) -> None:
    assert isinstance(expand(text, {"a": "1", "B": "$a"}), str)
    if "$" not in text and "\\" not in text:
        assert expand(text, {}) == text


def test_the_empty_script() -> None:
    assert parse(" \n# only this\n") == Script(())
    assert Text("") == Text("", quoted=False)
