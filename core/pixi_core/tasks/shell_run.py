"""Runs the tree of a task script: on every operating system alike, without another shell.

Members of a pipeline run in threads (programs are children, built-ins run here) over operating system pipes, so bytes
pass unchanged. A program that is not found ends with 127, one ended by signal n with 128+n.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence

from ..errors import PixiError, TaskError
from .shell import parse
from .shell_builtins import BUILTINS, CHUNK, run_builtin, write
from .shell_expand import Surroundings, arguments, one
from .shell_state import Children, Files, ShellExit, State
from .shell_tree import Command, Item, Logical, Node, Pipeline, Redirect, Script, Simple, Subshell


def run_script(
    script: Script | str,
    *,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str],
    files: Files | None = None,
    children: Children | None = None,
) -> int:
    """The exit code of a script. Raises `TaskError` where it cannot be parsed.

    `children` lets another thread signal or stop what is running.
    """
    tree = parse(script) if isinstance(script, str) else script
    folder = os.path.abspath(cwd)
    state = State({**env, "PWD": folder}, folder, children or Children())
    return _shell(tree, state, files or Files())


def _shell(script: Script, state: State, files: Files) -> int:
    """A whole shell: its list, until `exit`; then whatever still runs in the background."""
    background: list[threading.Thread] = []
    try:
        code = _items(script.items, state, files, background)
    except ShellExit as ended:
        code = ended.code
    for thread in background:
        thread.join()
    return code


def _items(items: Sequence[Item], state: State, files: Files, background: list[threading.Thread]) -> int:
    code = 0
    for item in items:
        if state.children.stopped.is_set():
            return 130
        if item.background:
            copy = state.copy()
            thread = threading.Thread(target=_background, args=(item.node, copy, files), daemon=True)
            thread.start()
            background.append(thread)
            code = 0
        else:
            code = _node(item.node, state, files)
            if code and "errexit" in state.options and not _expects_failure(item.node):
                raise ShellExit(code)
        state.last = code
    return code


def _expects_failure(node: Node) -> bool:
    """Whether a failure is an answer and not a mistake: `a && b`, `a || b`, `! a`."""
    return isinstance(node, Logical) or node.negated


def _background(node: Node, state: State, files: Files) -> None:
    try:
        _node(node, state, files)
    except ShellExit:
        return


def _node(node: Node, state: State, files: Files) -> int:
    chain: list[Logical] = []
    current: Node = node
    while isinstance(current, Logical):  # left-leaning: unrolled, for lists of any length
        chain.append(current)
        current = current.left
    code = _pipeline(current, state, files)
    for link in reversed(chain):
        state.last = code
        if (code == 0) == (link.operator == "&&"):
            code = _pipeline(link.right, state, files)
    return code


def _pipeline(pipeline: Pipeline, state: State, files: Files) -> int:
    if len(pipeline.commands) == 1:
        code = _command(pipeline.commands[0], state, files)
    else:
        codes = _members(pipeline, state, files)
        failed = [code for code in codes if code]
        code = failed[-1] if failed and "pipefail" in state.options else codes[-1]
    return int(code == 0) if pipeline.negated else code


def _members(pipeline: Pipeline, state: State, files: Files) -> list[int]:
    """Run the members side by side; each closes its ends of the pipes when it is done."""
    codes = [0] * len(pipeline.commands)
    threads = []
    source = files.stdin
    for index, command in enumerate(pipeline.commands):
        own = [] if source == files.stdin else [source]
        if index < len(pipeline.commands) - 1:
            following, target = os.pipe()
            own.append(target)
            errors = target if pipeline.with_errors[index] else files.stderr
            member = Files(source, target, errors)
            source = following
        else:
            member = Files(source, files.stdout, files.stderr)
        thread = threading.Thread(target=_member, args=(command, state.copy(), member, own, codes, index), daemon=True)
        threads.append(thread)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def _member(command: Command, state: State, files: Files, own: Sequence[int], codes: list[int], index: int) -> None:
    try:
        codes[index] = _command(command, state, files)
    except ShellExit as ended:
        codes[index] = ended.code
    finally:
        for descriptor in own:
            os.close(descriptor)


def _command(command: Command, state: State, files: Files) -> int:
    opened: list[int] = []
    try:
        if command.redirect is not None:
            files = _redirected(command.redirect, state, files, opened)
        if isinstance(command, Subshell):
            return _shell(command.script, state.copy(), files)
        return _simple(command, state, files)
    except PixiError as error:
        _say(files, str(error))
        return 1
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _redirected(redirect: Redirect, state: State, files: Files, opened: list[int]) -> Files:
    """The files of a command behind its redirect; what is opened is noted for closing. Raises `TaskError`."""
    if isinstance(redirect.target, int):
        target = (files.stdin, files.stdout, files.stderr)[redirect.target]
    else:
        names = arguments([redirect.target], _around(state, files))
        if len(names) != 1:
            raise TaskError(f"a redirect needs one file name, not {len(names)}")
        flags = {
            ">": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
            ">>": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
            "<": os.O_RDONLY,
        }[redirect.operator]
        path = os.devnull if names[0] == "/dev/null" else state.path(names[0])
        try:
            target = os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise TaskError(f"{names[0]}: {error.strerror}") from None
        opened.append(target)
    match redirect.descriptor:
        case 0:
            return Files(target, files.stdout, files.stderr)
        case 1:
            return Files(files.stdin, target, files.stderr)
        case 2:
            return Files(files.stdin, files.stdout, target)
    return Files(files.stdin, target, target)


def _simple(command: Simple, state: State, files: Files) -> int:
    values = [(name, one(word, _around(state, files))) for name, word in command.assignments]
    if not command.words:
        for name, value in values:
            state.assign(name, value)
        return 0
    argv = arguments(command.words, _around(state, files))
    if not argv:
        return 0
    return _execute(argv, dict(values), state, files)


def _execute(argv: list[str], extra: Mapping[str, str], state: State, files: Files) -> int:
    """Run a built-in or a program with its arguments expanded."""
    if argv[0] == "xargs":
        return _xargs(argv[1:], state, files)
    if argv[0] in BUILTINS:
        return run_builtin(argv[0], argv[1:], state, files)
    env = {**state.env, **extra}
    program = find_program(argv[0], env, state.folder)
    if program is None:
        _say(files, f"{argv[0]}: command not found")
        return 127
    try:
        return state.children.run([program, *argv[1:]], env=env, folder=state.folder, files=files)
    except PermissionError:
        _say(files, f"{argv[0]}: permission denied")
        return 126
    except OSError as error:
        _say(files, f"{argv[0]}: {error.strerror}")
        return 126


def find_program(name: str, env: Mapping[str, str], folder: str) -> str | None:
    """The path of a program: as a path from `folder` where it has a separator, else from the `PATH` of `env`."""
    path = next((value for key, value in env.items() if key.upper() == "PATH"), "")
    if os.sep in name or (os.altsep and os.altsep in name):
        full = os.path.join(folder, name)
        return shutil.which(full) or (full if os.path.isfile(full) else None)
    entries = [os.path.join(folder, entry) for entry in path.split(os.pathsep) if entry]
    return shutil.which(name, path=os.pathsep.join(entries)) if entries else None


def _xargs(options: Sequence[str], state: State, files: Files) -> int:
    """`xargs [-0] [-n COUNT] COMMAND…`: the words of stdin as arguments."""
    rest, count, zero = list(options), 0, False
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("-0", "--null"):
            zero = True
        elif option == "-n" and rest and rest[0].isdigit():
            count = int(rest.pop(0))
        else:
            _say(files, f"xargs: unsupported option {option}")
            return 1
    text = _read_all(files.stdin).decode("utf-8", "surrogateescape")
    if zero:
        words = [word for word in text.split("\0") if word]
    else:
        import shlex

        try:
            words = shlex.split(text)
        except ValueError as error:
            _say(files, f"xargs: {error}")
            return 1
    groups = [words[i : i + count] for i in range(0, len(words), count)] if count else [words]
    code = 0
    for group in groups:
        code = _execute([*(rest or ["echo"]), *group], {}, state, files) or code
    return code


def _around(state: State, files: Files) -> Surroundings:
    return Surroundings(
        state.visible(),
        state.last,
        state.folder,
        lambda script: _captured(script, state, files),
        frozenset(state.options),
    )


def _captured(script: Script, state: State, files: Files) -> str:
    """What a substituted command prints; its exit code becomes `$?`."""
    source, target = os.pipe()
    pieces: list[bytes] = []
    reader = threading.Thread(target=lambda: pieces.append(_read_all(source)), daemon=True)
    reader.start()
    try:
        state.last = _shell(script, state.copy(), Files(files.stdin, target, files.stderr))
    finally:
        os.close(target)
        reader.join()
        os.close(source)
    return b"".join(pieces).decode("utf-8", "surrogateescape").replace("\0", "")


def _read_all(descriptor: int) -> bytes:
    pieces = []
    while data := os.read(descriptor, CHUNK):
        pieces.append(data)
    return b"".join(pieces)


def _say(files: Files, text: str) -> None:
    try:
        write(files.stderr, (text + "\n").encode("utf-8", "surrogateescape"))
    except OSError:
        return
