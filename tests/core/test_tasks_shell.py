"""The task shell: text → tree → output and exit code."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pixi_core.errors import TaskError
from pixi_core.tasks.shell import format_script, parse
from pixi_core.tasks.shell_run import run_script
from pixi_core.tasks.shell_state import Children, Files

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs of these cases are those of Unix")

# script, stdout, exit code
CASES = [
    ("echo hi", "hi\n", 0),
    ("", "", 0),
    ("# nothing", "", 0),
    ("echo a # b", "a\n", 0),
    ("echo a#b", "a#b\n", 0),
    ("echo 'a  b' \"c  d\"  e", "a  b c  d e\n", 0),
    ("echo a\\ b", "a b\n", 0),
    ("echo a\\\nb", "ab\n", 0),
    ("echo 'it'\"'\"'s'", "it's\n", 0),
    ("echo -n x", "-n x\n", 0),
    ("echo ''", "\n", 0),
    ('echo "\\$A \\\\ \\x"', "$A \\ \\x\n", 0),
    ("echo a; echo b", "a\nb\n", 0),
    ("echo a\necho b\n", "a\nb\n", 0),
    ("true && echo y", "y\n", 0),
    ("false && echo y", "", 1),
    ("false || echo n", "n\n", 0),
    ("true || echo n", "", 0),
    ("false || false || echo n", "n\n", 0),
    ("true && false || echo x", "x\n", 0),
    ("false && true || echo x", "x\n", 0),
    ("! false", "", 0),
    ("! true", "", 1),
    ("! false && echo y", "y\n", 0),
    ("exit 3", "", 3),
    ("exit", "", 1),
    ("exit 3; echo no", "", 3),
    ("(exit 3); echo $?", "3\n", 0),
    ("false; echo $?", "1\n", 0),
    ("true\n&& echo x", None, 1),
    ("A=1; echo $A", "1\n", 0),
    ("A=1 printenv A", "1\n", 0),
    ("A=1 true; echo [$A]", "[]\n", 0),
    ("A=1; printenv A", "", 1),
    ("export A=1; printenv A", "1\n", 0),
    ("A=1; export A; printenv A", "1\n", 0),
    ("OUT=x; printenv OUT", "x\n", 0),
    ("unset OUT; echo [$OUT]", "[]\n", 0),
    ("A='a  b'; echo $A", "a b\n", 0),
    ("A='a  b'; echo \"$A\"", "a  b\n", 0),
    ("A='*.txt'; echo $A", "*.txt\n", 0),
    ("echo $NOTHING x", "x\n", 0),
    ('echo "$NOTHING" x', " x\n", 0),
    ("A=' a '; echo x$A'y'", "x a y\n", 0),
    ("echo $", "$\n", 0),
    ("echo a$", "a$\n", 0),
    ("echo $1", "$1\n", 0),
    ("echo '$OUT' \\$OUT", "$OUT $OUT\n", 0),
    ("echo $OUT.x", "outer.x\n", 0),
    ("echo $(echo a)b", "ab\n", 0),
    ("echo `echo a`", "a\n", 0),
    ("echo \"$(echo 'a  b')\"", "a  b\n", 0),
    ("echo $(echo 'a  b')", "a b\n", 0),
    ("echo $(echo $(echo deep))", "deep\n", 0),
    ('echo "$(echo "$(echo deep)")"', "deep\n", 0),
    ("A=$(echo 'x  y'); echo \"$A\"", "x  y\n", 0),
    ("echo $(false) $?", "0\n", 0),
    ("A=$(echo a; exit 4); echo $A", "a\n", 0),
    ("echo `echo \\`echo in\\``", "in\n", 0),
    ("echo *.txt", "a.txt b.txt\n", 0),
    ("echo '*.txt' \\*.txt", "*.txt *.txt\n", 0),
    ("echo ?.txt", "a.txt b.txt\n", 0),
    ("echo [b].txt", "b.txt\n", 0),
    ("echo *.none", "*.none\n", 0),
    ("shopt -s nullglob; echo *.none x", "x\n", 0),
    ("shopt -s failglob; echo *.none", "", 1),
    ("echo **/*.py", "sub/deep/x.py\n", 0),
    ("echo sub/*/x.*", "sub/deep/x.py\n", 0),
    ("echo 'with '*", "with blank\n", 0),
    ("shopt -u globstar; echo **/*.txt", "**/*.txt\n", 0),
    ("echo {a,b}", "a b\n", 0),
    ("echo x{a,b}y", "xay xby\n", 0),
    ("echo {a,b}{1,2}", "a1 a2 b1 b2\n", 0),
    ("echo {a,{b,c}}", "a b c\n", 0),
    ("echo {a}", "{a}\n", 0),
    ("echo {}", "{}\n", 0),
    ("echo '{a,b}'", "{a,b}\n", 0),
    ("echo {a,b", "{a,b\n", 0),
    ("echo {,x}a", "a xa\n", 0),
    ("echo {$OUT,b}", "outer b\n", 0),
    ("echo ~", "/home/me\n", 0),
    ("echo ~/x", "/home/me/x\n", 0),
    ("echo '~' a~", "~ a~\n", 0),
    ("A=~/x; echo $A", "/home/me/x\n", 0),
    ("echo a | cat", "a\n", 0),
    ("echo a | cat | cat", "a\n", 0),
    ("echo a | false", "", 1),
    ("false | true", "", 0),
    ("set -o pipefail; false | true", "", 1),
    ("set -eo pipefail; false | true; echo no", "", 1),
    ("set -e; false; echo no", "", 1),
    ("set -e; false || echo y; echo z", "y\nz\n", 0),
    ("set -e; set +e; false; echo y", "y\n", 0),
    ("(echo a; echo b) | cat", "a\nb\n", 0),
    ("cd sub; pwd | cat; echo", None, 0),
    ("(cd sub); cat a.txt", "A\n", 0),
    ("cd sub && ls", "deep\n", 0),
    ("cd nowhere", "", 1),
    ("cd a.txt", "", 1),
    ("cd sub; cd -; cat a.txt", "A\n", 0),
    ("(A=1); echo [$A]", "[]\n", 0),
    ("echo a | A=1; echo [$A]", "[]\n", 0),
    ("sh -c 'echo err >&2' |& cat", "err\n", 0),
    ("sh -c 'echo err >&2' 2>&1", "err\n", 0),
    ("sh -c 'echo o; echo e >&2' &> f; cat f", "o\ne\n", 0),
    ("echo a > f; cat f", "a\n", 0),
    ("echo a > f; echo b >> f; cat f", "a\nb\n", 0),
    ("cat < a.txt", "A\n", 0),
    ("cat <a.txt", "A\n", 0),
    ("> f echo x; cat f", "x\n", 0),
    ("echo a 1> f; cat f", "a\n", 0),
    ("sh -c 'echo e >&2' 2> f; cat f", "e\n", 0),
    ("echo a >&2", "", 0),
    ("echo 2 > f; cat f", "2\n", 0),
    ("echo x2>f; cat f", "x2\n", 0),
    ("cat < none", "", 1),
    ("echo x > none/f", "", 1),
    ("(echo a; echo b) > f; cat f", "a\nb\n", 0),
    ("echo x > 'f g'; cat 'f g'", "x\n", 0),
    ("echo x > $OUT; cat outer", "x\n", 0),
    ("echo x > /dev/null", "", 0),
    ("cat none", "", 1),
    ("cat a.txt none b.txt", "A\nB\n", 1),
    ("echo a | cat - a.txt", "a\nA\n", 0),
    ("head -n 1 lines", "1\n", 0),
    ("head -2 lines", "1\n2\n", 0),
    ("cat lines | head -n2", "1\n2\n", 0),
    ("head --lines=1 lines", "1\n", 0),
    ("head -n x lines", "", 1),
    ("head a.txt", "A\n", 0),
    ("mkdir d && test -d d", "", 0),
    ("mkdir sub", "", 1),
    ("mkdir -p p/q/r && cd p/q/r", "", 0),
    ("mkdir", "", 1),
    ("cp a.txt c && cat c", "A\n", 0),
    ("cp a.txt sub; cat sub/a.txt", "A\n", 0),
    ("cp sub s2", "", 1),
    ("cp -r sub s2; cat s2/deep/x.py", "x\n", 0),
    ("cp a.txt b.txt c", "", 1),
    ("mv a.txt c; cat c; test -e a.txt", "A\n", 1),
    ("mv a.txt b.txt sub; ls sub", "a.txt\nb.txt\ndeep\n", 0),
    ("mv none x", "", 1),
    ("rm a.txt; test -e a.txt", "", 1),
    ("rm sub", "", 1),
    ("rm -rf sub none; test -e sub", "", 1),
    ("rm none", "", 1),
    ("rm -f none", "", 0),
    ("rm -x a.txt", "", 1),
    ("test", "", 1),
    ("test x", "", 0),
    ("test -n ''", "", 1),
    ("test -z ''", "", 0),
    ("test a = a", "", 0),
    ("test a != a", "", 1),
    ("test 2 -gt 1", "", 0),
    ("test 2 -lt 1", "", 1),
    ("test ! -f a.txt", "", 1),
    ("test -s a.txt", "", 0),
    ("test a -eq b", "", 2),
    ("test -q x", "", 2),
    ("sleep 0", "", 0),
    ("sleep 0.001s", "", 0),
    ("sleep x", "", 1),
    ("sleep", "", 1),
    (":", "", 0),
    ("nonsense-command", "", 127),
    ("nonsense-command || echo n", "n\n", 0),
    ("./noexec", "", 126),
    ("./tool a 'b c'", "a|b c\n", 0),
    ("sh -c 'exit 7'", "", 7),
    ("sh -c 'kill -9 $$'", "", 137),
    ("sh -c 'kill -TERM $$'", "", 143),
    ("echo a b | xargs echo x", "x a b\n", 0),
    ("echo a b | xargs", "a b\n", 0),
    ("echo a b | xargs -n 1 echo", "a\nb\n", 0),
    ("echo \"'a b'\" | xargs ./tool", "a b\n", 0),
    ("echo a | xargs false", "", 1),
    ("echo x & echo", None, 0),
    ("false & true", "", 0),
    ("export 1=2", "", 1),
    ("set -x", "", 1),
    ("shopt -s none", "", 1),
    ("echo a;", "a\n", 0),
    ("echo a &&\necho b", "a\nb\n", 0),
    ("echo a |\ncat", "a\n", 0),
    ("FOO=1 BAR=2 sh -c 'echo $FOO$BAR'", "12\n", 0),
    ("echo A=b", "A=b\n", 0),
    ("'echo' x", "x\n", 0),
    ("e''cho x", "x\n", 0),
    ("$CMD x", "x\n", 0),
    ("yes | head -n 1", "y\n", 0),
    ("echo é—✓", "é—✓\n", 0),
    ("((echo a))", "a\n", 0),
    ("(echo a && (echo b; false)) || echo c", "a\nb\nc\n", 0),
    ("echo $(cat a.txt b.txt)", "A B\n", 0),
    ("pwd -P | cat > f; test -s f", "", 0),
    ("echo one;echo two", "one\ntwo\n", 0),
    ("echo one  ;  echo two", "one\ntwo\n", 0),
    ("\n\n echo one \n\n", "one\n", 0),
    ("echo a\r\necho b\r\n", "a\nb\n", 0),
    ("echo\ta\tb", "a b\n", 0),
    ("echo a \\\n  b", "a b\n", 0),
    ("echo a &&\n\n echo b", "a\nb\n", 0),
    ("echo a # one\necho b # two", "a\nb\n", 0),
    ("echo '#' \"#\" \\#", "# # #\n", 0),
    ("false; true", "", 0),
    ("true; false", "", 1),
    ("false || exit 6; echo no", "", 6),
    ("true && exit 0; echo no", "", 0),
    ("! (exit 3); echo $?", "0\n", 0),
    ("! echo a | cat", "a\n", 1),
    ("exit 256", "", 0),
    ("exit 257", "", 1),
    ("(exit 4) || echo $?", "4\n", 0),
    ("nonsense-command; echo $?", "127\n", 0),
    ("sh -c 'kill -9 $$'; echo $?", "137\n", 0),
    ("true; echo $? $?", "0 0\n", 0),
    ("A=1 B=2; echo $A$B", "12\n", 0),
    ("A=1; A=2; echo $A", "2\n", 0),
    ("A=1; B=$A$A; echo $B", "11\n", 0),
    ("A=; echo [$A]", "[]\n", 0),
    ("A=''; echo [$A]", "[]\n", 0),
    ("A=1; A=2 printenv A; echo $A", "2\n1\n", 0),
    ("OUT=inner printenv OUT; echo $OUT", "inner\nouter\n", 0),
    ("export A=1 B=2; printenv A B", "1\n2\n", 0),
    ("export A='x  y'; printenv A", "x  y\n", 0),
    ("export A=$OUT; printenv A", "outer\n", 0),
    ("export A=1; unset A; printenv A", "", 1),
    ("A=1; unset A; echo [$A]", "[]\n", 0),
    ("(export A=1; printenv A); printenv A", "1\n", 1),
    ("A=a=b; echo $A", "a=b\n", 0),
    ("A_1=x; echo $A_1", "x\n", 0),
    ("_a=x; echo $_a", "x\n", 0),
    ("A=x; echo \"$A\"y '$A'", "xy $A\n", 0),
    ('A=x; echo $A$A "$A$A"', "xx xx\n", 0),
    ("A='echo x'; $A", "x\n", 0),
    ("A='a b'; ./tool $A \"$A\"", "a|b|a b\n", 0),
    ("./tool '' \"\" x", "||x\n", 0),
    ('./tool a"b c"d', "ab cd\n", 0),
    ("./tool 'a'\\ 'b'", "a b\n", 0),
    ('./tool "a\nb"', "a\nb\n", 0),
    ('./tool "it\'s" \'say "x"\'', 'it\'s|say "x"\n', 0),
    ("./tool a; ./tool", "a\n\n", 0),
    ("echo $(echo one; echo two)", "one two\n", 0),
    ('echo "$(echo one; echo two)"', "one\ntwo\n", 0),
    ("echo [$(true)]", "[]\n", 0),
    ('echo "[$(true)]"', "[]\n", 0),
    ("echo $(exit 5); echo $?", "\n0\n", 0),
    ('A=$(echo "a b"); ./tool $A', "a|b\n", 0),
    ("echo $(echo a | cat)", "a\n", 0),
    ("echo $(cat < a.txt)", "A\n", 0),
    ('echo "a$(echo b)c`echo d`e"', "abcde\n", 0),
    ("echo '$(echo no)' \"\\$(echo no)\"", "$(echo no) $(echo no)\n", 0),
    ("(A=2; echo $A); (echo $A)", "2\n\n", 0),
    ("(echo a; exit 2; echo b); echo $?", "a\n2\n", 0),
    ("( echo a )", "a\n", 0),
    ("(echo a) && (echo b)", "a\nb\n", 0),
    ("(echo a; echo b) | head -n 1", "a\n", 0),
    ("echo x | (cat; echo y)", "x\ny\n", 0),
    ("(cat < a.txt) > f; cat f", "A\n", 0),
    ("(echo o; sh -c 'echo e >&2') &> f; cat f", "o\ne\n", 0),
    ("echo a >f; cat f", "a\n", 0),
    ("echo a>f; cat f", "a\n", 0),
    ("echo a > f b; cat f", "a b\n", 0),
    ("echo a > f | cat; cat f", "a\n", 0),
    ("true > f; test -f f", "", 0),
    ("echo new > a.txt; cat a.txt", "new\n", 0),
    ("cat a.txt > f && cat b.txt >> f; cat f", "A\nB\n", 0),
    ("echo x > sub/f; cat sub/f", "x\n", 0),
    ("cd sub; echo x > f; cd ..; cat sub/f", "x\n", 0),
    ("nonsense-command 2> f; test -s f", "", 0),
    ("cat none 2> f; test -s f", "", 0),
    ("cat none &> /dev/null || echo quiet", "quiet\n", 0),
    ("sh -c 'echo o; echo e >&2' 1>&2", "", 0),
    ("cat < a.txt | cat", "A\n", 0),
    ("echo *.{txt,py}", "a.txt b.txt *.py\n", 0),
    ("echo {a,b}.txt", "a.txt b.txt\n", 0),
    ("echo {a,b,c}{x,y}", "ax ay bx by cx cy\n", 0),
    ("echo {'a b',c}", "a b c\n", 0),
    ("echo a{b", "a{b\n", 0),
    ("echo a}b", "a}b\n", 0),
    ("echo \\{a,b\\}", "{a,b}\n", 0),
    ("echo {a,b} > f; cat f", "a b\n", 0),
    ("echo [ab].txt", "a.txt b.txt\n", 0),
    ("echo [!a].txt", "b.txt\n", 0),
    ('echo "*".txt', "*.txt\n", 0),
    ('A=*.txt; echo "$A"', "*.txt\n", 0),
    ("cat *.txt", "A\nB\n", 0),
    ("cat *.none", "", 1),
    ("cd sub/deep; cat *", "x\n", 0),
    ("cd sub/deep/..; ls", "deep\n", 0),
    ("mkdir -p d/e; cd d/e; cd ../..; test -d d/e", "", 0),
    ("mkdir d; rm d", "", 1),
    ("mkdir d; rm -r d; test -e d", "", 1),
    ("cp a.txt b.txt sub; ls sub", "a.txt\nb.txt\ndeep\n", 0),
    ("mv a.txt sub/; ls sub", "a.txt\ndeep\n", 0),
    ("mv sub other; ls other", "deep\n", 0),
    ("rm *.txt; ls *.txt", "", 2),
    ("rm -f a.txt none b.txt; echo $?", "0\n", 0),
    ("cat", "", 0),
    ("echo a | cat -", "a\n", 0),
    ("echo a | cat a.txt -", "A\na\n", 0),
    ("head -n 0 lines", "", 0),
    ("echo a | head", "a\n", 0),
    ("test -e none || echo none", "none\n", 0),
    ("test -d sub && test -f a.txt", "", 0),
    ("test 3 -ge 3 && test 3 -le 3 && test 3 -ne 4 && test 3 -eq 3", "", 0),
    ('test "$OUT" = outer', "", 0),
    ('test -n "$NOTHING"', "", 1),
    ("true a b c", "", 0),
    ("false --help", "", 1),
    ("echo a b c | xargs -n 2 echo", "a b\nc\n", 0),
    ("set -o pipefail; true | true", "", 0),
    ("set -o pipefail; false | true || echo y", "y\n", 0),
    ("set -e; (false); echo no", "", 1),
    ("set -e; false && true; echo y", "y\n", 0),
    ("set -e; ! true; echo y", "y\n", 0),
    ("sh -c 'exit 3' | cat", "", 0),
    ("cat a.txt | sh -c 'exit 3'", "", 3),
    ("yes | head -n 2 | cat", "y\ny\n", 0),
    ("echo a | nonsense-command", "", 127),
    ("sleep 0.01 && echo late & echo first", "first\nlate\n", 0),
]
MISTAKES = [
    ("echo 'a", "not closed", 5),
    ('echo "a', "not closed", 5),
    ("echo `a", "not closed", 5),
    ("(echo a", "`)` is missing", 7),
    ("echo a)", "unexpected `)`", 6),
    ("()", "a command is missing", 1),
    ("&& a", "a command is missing", 0),
    ("a &&", "missing", 4),
    ("a |", "missing", 3),
    ("a ;; b", "missing", 3),
    ("a > f > g", "only one redirect", 9),
    ("a >", "file name is missing", 3),
    ("> f", "needs a command", 3),
    ("a << b", "here-documents", 2),
    ("if true; then a; fi", "`if` is not supported", 0),
    ("for x in y", "`for`", 0),
    ("while true", "`while`", 0),
    ("echo ${A}", "`${…}`", 5),
    ("echo $$", "`$$`", 5),
    ("echo $#", "`$#`", 5),
    ("echo $*", "`$*`", 5),
    ("echo $((1))", "arithmetic", 5),
    ("a (b)", "unexpected `(`", 2),
    ("(a) b", "only a redirect", 4),
    ("echo \\", "backslash", 5),
    ("a 2>&9", "open file", 4),
    ("$(a", "`)` is missing", 3),
    ("(" * 100, "nesting", None),
    ("a\nb 'c", "not closed", 2),
    ("echo `a 'b`", "not closed", 8),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"a.txt": "A\n", "b.txt": "B\n", "lines": "1\n2\n3\n", "with blank": "", "noexec": "x"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "sub/deep").mkdir(parents=True)
    (tmp_path / "sub/deep/x.py").write_text("x\n")
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\nIFS="|"\necho "$*"\n')
    tool.chmod(0o755)
    return tmp_path


def outcome(script: str, folder: Path) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    files = [folder.parent / f"{folder.name}-{name}" for name in ("out", "err")]
    descriptors = [os.open(os.devnull, os.O_RDONLY), *(os.open(f, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for f in files)]
    env = {"PATH": os.environ["PATH"], "HOME": "/home/me", "OUT": "outer", "CMD": "echo"}
    try:
        code = run_script(script, env=env, cwd=folder, files=Files(*descriptors))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return code, files[0].read_text(), files[1].read_text()


@pytest.mark.parametrize(("script", "stdout", "code"), CASES)
def test_scripts(script: str, stdout: str | None, code: int, folder: Path) -> None:
    if script == "true\n&& echo x":
        with pytest.raises(TaskError):
            parse(script)
        return
    found, out, err = outcome(script, folder)
    assert found == code, err
    if stdout is not None:
        assert out == stdout
    tree = parse(script)
    assert parse(format_script(tree)) == tree


@pytest.mark.parametrize(("script", "reason", "column"), MISTAKES)
def test_mistakes_point_into_the_command(script: str, reason: str, column: int | None) -> None:
    with pytest.raises(TaskError) as caught:
        parse(script)
    assert reason in caught.value.message
    line, caret = caught.value.details
    assert line.strip() in script
    if column is not None:
        assert caret.index("^") - 2 == column


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("nonsense-command", "nonsense-command: command not found\n"),
        ("cat none", "cat: none: No such file or directory\n"),
        ("cd none", "cd: none: No such file or directory\n"),
        ("shopt -s failglob; echo *.none", "no files match the pattern '*.none'\n"),
        ("rm sub", "rm: sub is a folder (-r is missing)\n"),
        ("echo x > none/f", "none/f: No such file or directory\n"),
    ],
)
def test_what_is_said_on_stderr(script: str, expected: str, folder: Path) -> None:
    assert outcome(script, folder)[2] == expected


def test_pipes_are_clean_and_wide(folder: Path) -> None:
    data = os.urandom(1 << 20) * 10
    (folder / "data").write_bytes(data)
    assert outcome("cat data | cat | cat | cat > copy", folder)[0] == 0
    assert (folder / "copy").read_bytes() == data


def test_stopping_ends_children_and_sleep(folder: Path) -> None:
    children = Children()
    codes: list[int] = []
    script = "(sleep 100) & sh -c 'echo ready > flag; exec sleep 100'; echo never > never"

    def body() -> None:
        codes.append(run_script(script, env=dict(os.environ), cwd=folder, children=children))

    thread = threading.Thread(target=body)
    thread.start()
    waiting = threading.Event()
    while not (folder / "flag").exists():
        waiting.wait(0.01)
    children.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert codes == [130]
    assert not (folder / "never").exists()


def test_a_long_chain_is_no_deep_recursion(folder: Path) -> None:
    assert outcome(" && ".join(["true"] * 5000), folder)[0] == 0


def test_rows_of_open_braces_are_plain_text(folder: Path) -> None:
    """Reading them must not try every way in which they might close."""
    assert outcome("echo " + "{a," * 50, folder)[:2] == (0, "{a," * 50 + "\n")


def test_braces_that_stand_for_too_much(folder: Path) -> None:
    assert outcome("echo " + "{a,b}" * 30, folder)[0] == 1
