r"""Variables from `.env` files (`activation.dotenv`): `NAME=VALUE` lines, which stay out of version control.

`export` may stand before a name, `#` starts a comment at the start of a line or behind a blank. In single quotes all is
literal; else `$NAME` and `${NAME}` are replaced when the environment is activated, and in double quotes `\n`, `\t`,
`\"` and `\\` mean what they mean elsewhere. Commands are never run: `$(…)` and backticks are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import InputError, TaskError

_LINE = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)\Z", re.DOTALL)
_DOUBLE = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\\\", "$": "\\$"}


def with_dotenv(root: Path, files: Sequence[str], env: Mapping[str, str]) -> dict[str, str]:
    """`env` (`activation.env`) behind what the files say; later files win, `env` wins over all.

    A file that does not exist says nothing: whoever clones a workspace has none yet. Raises `InputError` for a line
    that is no assignment, `TaskError` where a file cannot be read.
    """
    found: dict[str, str] = {}
    for name in files:
        path = root / name
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise TaskError(f"the variables in {path} cannot be read: {error}") from None
        for key, value in parse_dotenv(text, source=str(path)).items():
            found.pop(key, None)  # the last one also stands last: values may speak of those before
            found[key] = value
    return {**{key: value for key, value in found.items() if key not in env}, **env}


def parse_dotenv(text: str, *, source: str) -> dict[str, str]:
    """Names and values, written as `activation.env` writes them (see `compute.expand`). Raises `InputError`."""
    found: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if match is None:
            raise InputError(f"{source}:{number}: not NAME=VALUE: {line.strip()}")
        name, rest = match.groups()
        while rest[:1] in ("'", '"') and _end(rest) < 0:
            _, following = next(lines, (0, None))
            if following is None:
                raise InputError(f"{source}:{number}: the quote of {name} is not closed")
            rest += "\n" + following
        found[name] = _value(rest)
    return found


def _end(text: str) -> int:
    """Where the quote that `text` starts with is closed; -1 where it is not."""
    index = 1
    while index < len(text):
        if text[index] == "\\" and text[0] == '"':
            index += 1
        elif text[index] == text[0]:
            return index
        index += 1
    return -1


def _value(text: str) -> str:
    if text[:1] == "'":
        return _literal(text[1 : _end(text)])
    if text[:1] == '"':
        inside = text[1 : _end(text)]
        return _no_commands(
            re.sub(r"\\(.)", lambda match: _DOUBLE.get(match.group(1), "\\\\" + match.group(1)), inside)
        )
    return _no_commands(re.sub(r"(?:^|[ \t]+)#.*", "", text).strip().replace("\\", "\\\\"))


def _literal(text: str) -> str:
    return re.sub(r"([\\$`])", r"\\\1", text)


def _no_commands(text: str) -> str:
    return text.replace("`", "\\`").replace("$(", "\\$(")
