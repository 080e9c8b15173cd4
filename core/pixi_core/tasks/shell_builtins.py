"""Commands that the task shell brings along, alike on every operating system.

Each takes its arguments, the shell's state and its files, and returns an exit code; what fails is told on the
command's stderr as `name: reason`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence

from .shell_state import Files, ShellExit, State

Builtin = Callable[[Sequence[str], State, Files], int]
CHUNK = 1 << 16


class _Failed(Exception):
    """A built-in command ends with 1 and this message."""


def write(descriptor: int, data: bytes) -> None:
    """All of `data`."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _copy_stream(source: int, target: int) -> None:
    while data := os.read(source, CHUNK):
        write(target, data)


def _options(arguments: Sequence[str], known: str) -> tuple[set[str], list[str]]:
    """Single-letter options in front (or `--` for their end), and the rest."""
    found: set[str] = set()
    long = {"--recursive": "r", "--force": "f", "--parents": "p", "--logical": "L", "--physical": "P"}
    for index, argument in enumerate(arguments):
        if argument == "--":
            return found, list(arguments[index + 1 :])
        if argument in long and long[argument] in known:
            found.add(long[argument])
        elif len(argument) > 1 and argument[0] == "-" and not argument.startswith("--"):
            unknown = set(argument[1:]) - set(known)
            if unknown:
                raise _Failed(f"unsupported option -{min(unknown)}")
            found |= set(argument[1:])
        elif argument.startswith("--"):
            raise _Failed(f"unsupported option {argument}")
        else:
            return found, list(arguments[index:])
    return found, []


def cat(arguments: Sequence[str], state: State, files: Files) -> int:
    """Files, or stdin (also as `-`), byte by byte to stdout."""
    code = 0
    for name in arguments or ("-",):
        if name == "-":
            _copy_stream(files.stdin, files.stdout)
            continue
        try:
            descriptor = os.open(state.path(name), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            write(files.stderr, f"cat: {name}: {error.strerror}\n".encode())
            code = 1
            continue
        try:
            _copy_stream(descriptor, files.stdout)
        finally:
            os.close(descriptor)
    return code


def cd(arguments: Sequence[str], state: State, files: Files) -> int:
    """Another folder for this shell; `-` is the one before, nothing is home."""
    if len(arguments) > 1:
        raise _Failed("too many arguments")
    target = arguments[0] if arguments else state.visible().get("HOME") or state.visible().get("USERPROFILE", "")
    if not target:
        raise _Failed("HOME is not set")
    if target == "-":
        target = state.visible().get("OLDPWD", state.folder)
    folder = state.path(target)
    if not os.path.isdir(folder):
        raise _Failed(f"{target}: {'Not a directory' if os.path.exists(folder) else 'No such file or directory'}")
    state.assign("OLDPWD", state.folder)
    state.folder = folder
    state.env["PWD"] = folder
    return 0


def cp(arguments: Sequence[str], state: State, files: Files) -> int:
    """`cp [-r] SOURCE… TARGET`."""
    options, names = _options(arguments, "rRf")
    for source, target in _pairs(names, state):
        if os.path.isdir(source):
            if not options & {"r", "R"}:
                raise _Failed(f"{source} is a folder (-r is missing)")
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copy2(source, target)
    return 0


def mv(arguments: Sequence[str], state: State, files: Files) -> int:
    """`mv SOURCE… TARGET`."""
    _, names = _options(arguments, "f")
    for source, target in _pairs(names, state):
        if not os.path.lexists(source):
            raise _Failed(f"{source}: No such file or directory")
        shutil.move(source, target)
    return 0


def _pairs(names: Sequence[str], state: State) -> list[tuple[str, str]]:
    """(source, target) with the target's file name filled in where it is a folder."""
    if len(names) < 2:
        raise _Failed("a source and a target are needed")
    *sources, last = names
    target = state.path(last)
    if os.path.isdir(target):
        return [(state.path(s), os.path.join(target, os.path.basename(state.path(s)))) for s in sources]
    if len(sources) > 1:
        raise _Failed(f"the target {last} is not a folder")
    return [(state.path(sources[0]), target)]


def echo(arguments: Sequence[str], state: State, files: Files) -> int:
    """The arguments with blanks between; there are no options."""
    write(files.stdout, (" ".join(arguments) + "\n").encode("utf-8", "surrogateescape"))
    return 0


def exit_(arguments: Sequence[str], state: State, files: Files) -> int:
    """Leave the shell with a code (default: 1, as deno's task shell does)."""
    if len(arguments) > 1:
        raise _Failed("too many arguments")
    text = arguments[0] if arguments else "1"
    if not text.lstrip("-").isdigit():
        raise ShellExit(2)
    raise ShellExit(int(text) % 256)


def export(arguments: Sequence[str], state: State, files: Files) -> int:
    """`export K=V`, or `export K` for a variable of the shell."""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not name.isidentifier():
            raise _Failed(f"'{name}' is not a valid name")
        own = state.variables.pop(name, None)
        if equals:
            state.env[name] = value
        elif own is not None:
            state.env[name] = own
    return 0


def unset(arguments: Sequence[str], state: State, files: Files) -> int:
    """Forget variables."""
    for name in arguments[1:] if list(arguments[:1]) == ["-v"] else arguments:
        state.env.pop(name, None)
        state.variables.pop(name, None)
    return 0


def head(arguments: Sequence[str], state: State, files: Files) -> int:
    """`head [-n LINES] [FILE]`."""
    lines, rest = 10, list(arguments)
    if rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        text = option[2:] if option.startswith("-n") else option.removeprefix("--lines=").removeprefix("-")
        if option == "-n":
            text = rest.pop(0) if rest else ""
        if not text.isdigit():
            raise _Failed(f"'{text or option}' is not a number of lines")
        lines = int(text)
    if len(rest) > 1:
        raise _Failed("one file only")
    name = rest[0] if rest else "-"
    descriptor = files.stdin if name == "-" else os.open(state.path(name), os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        while lines > 0 and (data := os.read(descriptor, CHUNK)):
            end = 0
            while lines > 0 and (found := data.find(b"\n", end)) >= 0:
                lines -= 1
                end = found + 1
            write(files.stdout, data[:end] if lines == 0 else data)
    finally:
        if descriptor != files.stdin:
            os.close(descriptor)
    return 0


def mkdir(arguments: Sequence[str], state: State, files: Files) -> int:
    """`mkdir [-p] FOLDER…`."""
    options, names = _options(arguments, "p")
    if not names:
        raise _Failed("a folder is needed")
    for name in names:
        if "p" in options:
            os.makedirs(state.path(name), exist_ok=True)
        else:
            os.mkdir(state.path(name))
    return 0


def pwd(arguments: Sequence[str], state: State, files: Files) -> int:
    """The shell's folder."""
    options, _ = _options(arguments, "LP")
    folder = os.path.realpath(state.folder) if "P" in options else state.folder
    write(files.stdout, os.fsencode(folder) + b"\n")
    return 0


def rm(arguments: Sequence[str], state: State, files: Files) -> int:
    """`rm [-r] [-f] PATH…`."""
    options, names = _options(arguments, "rRfd")
    if not names and "f" not in options:
        raise _Failed("a path is needed")
    for name in names:
        path = state.path(name)
        if not os.path.lexists(path):
            if "f" not in options:
                raise _Failed(f"{name}: No such file or directory")
        elif stat.S_ISDIR(os.lstat(path).st_mode):
            if not options & {"r", "R", "d"}:
                raise _Failed(f"{name} is a folder (-r is missing)")
            if options & {"r", "R"}:
                shutil.rmtree(path)
            else:
                os.rmdir(path)
        else:
            os.unlink(path)
    return 0


def set_(arguments: Sequence[str], state: State, files: Files) -> int:
    """`set -e|+e`, `set -o|+o errexit|pipefail`."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in ("-e", "+e"):
            name = "errexit"
        elif word in ("-o", "+o") and rest and rest[0] in ("errexit", "pipefail"):
            name = rest.pop(0)
        elif word in ("-eo", "+eo") and rest and rest[0] == "pipefail":
            name = rest.pop(0)
            (state.options.add if word[0] == "-" else state.options.discard)("errexit")
        else:
            raise _Failed(f"unsupported option {word}")
        (state.options.add if word[0] == "-" else state.options.discard)(name)
    return 0


def shopt(arguments: Sequence[str], state: State, files: Files) -> int:
    """`shopt -s|-u nullglob|failglob|globstar`; without arguments, how they stand."""
    known = ("nullglob", "failglob", "globstar")

    def is_on(name: str) -> bool:
        return "noglobstar" not in state.options if name == "globstar" else name in state.options

    if not arguments:
        shown = "".join(f"{name}\t{'on' if is_on(name) else 'off'}\n" for name in known)
        write(files.stdout, shown.encode())
        return 0
    mode, *names = arguments
    if mode not in ("-s", "-u") or not names or any(name not in known for name in names):
        raise _Failed(f"unsupported arguments: {' '.join(arguments)}")
    for name in names:
        add = (mode == "-s") != (name == "globstar")
        (state.options.add if add else state.options.discard)("noglobstar" if name == "globstar" else name)
    return 0


def sleep(arguments: Sequence[str], state: State, files: Files) -> int:
    """The sum of its arguments, in seconds (`s`), minutes (`m`), hours (`h`) or days (`d`)."""
    if not arguments:
        raise _Failed("a time is needed")
    seconds = 0.0
    for argument in arguments:
        unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(argument[-1:])
        try:
            seconds += float(argument[:-1] if unit else argument) * (unit or 1)
        except ValueError:
            raise _Failed(f"'{argument}' is not a time") from None
    return 130 if state.children.stopped.wait(max(0.0, min(seconds, 1e8))) else 0


def test(arguments: Sequence[str], state: State, files: Files) -> int:
    """The condition of POSIX `test`: files, texts, numbers, `!`."""
    words = list(arguments)
    if words[:1] == ["!"] and len(words) > 1:
        return 1 - min(test(words[1:], state, files), 1)
    if len(words) <= 1:
        return 0 if words and words[0] else 1
    if len(words) == 2:
        return 0 if _unary(words[0], words[1], state) else 1
    if len(words) == 3:
        return 0 if _binary(*words) else 1
    raise _Failed("too many arguments")


def _unary(operator: str, operand: str, state: State) -> bool:
    path = state.path(operand)
    checks: dict[str, Callable[[], bool]] = {
        "-e": lambda: os.path.exists(path),
        "-f": lambda: os.path.isfile(path),
        "-d": lambda: os.path.isdir(path),
        "-L": lambda: os.path.islink(path),
        "-h": lambda: os.path.islink(path),
        "-s": lambda: os.path.exists(path) and os.path.getsize(path) > 0,
        "-r": lambda: os.access(path, os.R_OK),
        "-w": lambda: os.access(path, os.W_OK),
        "-x": lambda: os.access(path, os.X_OK),
        "-n": lambda: bool(operand),
        "-z": lambda: not operand,
    }
    if operator not in checks:
        raise _Failed(f"unknown operator {operator}")
    return checks[operator]()


def _binary(left: str, operator: str, right: str) -> bool:
    if operator in ("=", "=="):
        return left == right
    if operator == "!=":
        return left != right
    if operator not in ("-eq", "-ne", "-lt", "-le", "-gt", "-ge"):
        raise _Failed(f"unknown operator {operator}")
    try:
        a, b = int(left), int(right)
    except ValueError:
        raise _Failed(f"'{left}' and '{right}' are not both numbers") from None
    answers = {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}
    return answers[operator]


def true(arguments: Sequence[str], state: State, files: Files) -> int:
    """0."""
    return 0


def false(arguments: Sequence[str], state: State, files: Files) -> int:
    """1."""
    return 1


BUILTINS: dict[str, Builtin] = {
    ":": true,
    "cat": cat,
    "cd": cd,
    "cp": cp,
    "echo": echo,
    "exit": exit_,
    "export": export,
    "false": false,
    "head": head,
    "mkdir": mkdir,
    "mv": mv,
    "pwd": pwd,
    "rm": rm,
    "set": set_,
    "shopt": shopt,
    "sleep": sleep,
    "test": test,
    "true": true,
    "unset": unset,
}
"""`xargs` is in `shell_run`, because it runs other commands."""


def run_builtin(name: str, arguments: Sequence[str], state: State, files: Files) -> int:
    """The exit code of a built-in command; failures go to its stderr."""
    try:
        return BUILTINS[name](arguments, state, files)
    except BrokenPipeError:
        return 141  # 128 + SIGPIPE: the reader has gone, as for any program
    except (_Failed, OSError, shutil.Error) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
        write(files.stderr, f"{name}: {reason}\n".encode("utf-8", "surrogateescape"))
        return 2 if name == "test" else 1
