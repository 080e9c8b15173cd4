"""Text as a YAML scalar in the style of lock files: plain where that is safe, else in single quotes."""

from __future__ import annotations

from functools import cache, lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

_WORDS = frozenset(
    form
    for word in ("null", "true", "false", "y", "n", "yes", "no", "on", "off")
    for form in (word, word.capitalize(), word.upper())
)
_NUMERIC = "0123456789.eE+-_:"


@lru_cache(maxsize=65536)
def scalar(text: str) -> str:
    """`text` as it stands in the file. What would be read as something else than text is quoted."""
    if not text:
        return "''"
    if _is_ordinary(text):
        return text
    odd, unsafe, not_text = _patterns()
    if odd.search(text):
        import json

        escaped = json.dumps(text, ensure_ascii=False)
        return odd.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)
    if unsafe.search(text) or not_text.match(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def _is_ordinary(text: str) -> bool:
    """Whether a text is plain at first sight, as nearly all are: a name, a spec, a URL, a digest."""
    if not (text.isascii() and text.isprintable()) or ": " in text or " #" in text or text[-1] in ": ":
        return False
    first = text[0]
    if first.isdigit():  # more than a number of any kind, and no date
        return bool(text.strip(_NUMERIC)) and text[1:2] not in ("x", "o", "b") and text[4:5] != "-"
    return (first.isalpha() or first == "_") and text not in _WORDS


@cache
def _patterns() -> tuple[Pattern[str], Pattern[str], Pattern[str]]:
    """What cannot be written as it is, what is no plain scalar, and what is not read as text (YAML 1.1 and 1.2).
    Compiled for the first text that is not ordinary: that takes longer than a small lock file.
    """
    import re

    odd = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
    unsafe = re.compile(
        r"""\A[\s#,\[\]{}&*!|>'"%@`] | \A[-?:](?:\s|\Z) | \A(?:---|\.\.\.) | :\s | \s\# | [:\s]\Z""", re.VERBOSE
    )
    not_text = re.compile(
        rf"""(?: ~ | {"|".join(sorted(_WORDS))}
          | [-+]?[0-9]+ | [-+]?0x[0-9a-fA-F]+ | [-+]?0o[0-7]+ | [-+]?0b[01]+
          | [-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?
          | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
          | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
          | [0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}(?:[Tt ].*)? | = | <<
        )\Z""",
        re.VERBOSE,
    )
    return odd, unsafe, not_text
