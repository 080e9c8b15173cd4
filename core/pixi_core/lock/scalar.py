"""Text as a YAML scalar in the style of lock files: plain where that is safe, else in single quotes."""

from __future__ import annotations

import re
from functools import lru_cache

_NOT_TEXT = re.compile(
    r"""(?: ~ | null | Null | NULL | true | True | TRUE | false | False | FALSE
      | y | Y | n | N | yes | Yes | YES | no | No | NO | on | On | ON | off | Off | OFF
      | [-+]?[0-9]+ | [-+]?0x[0-9a-fA-F]+ | [-+]?0o[0-7]+ | [-+]?0b[01]+
      | [-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?
      | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
      | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)? | = | <<
    )\Z""",
    re.VERBOSE,
)
_UNSAFE = re.compile(
    r"""\A[\s#,\[\]{}&*!|>'"%@`] | \A[-?:](?:\s|\Z) | \A(?:---|\.\.\.) | :\s | \s\# | [:\s]\Z""", re.VERBOSE
)
_ODD = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@lru_cache(maxsize=65536)
def scalar(text: str) -> str:
    """`text` as it stands in the file. What would be read as something else than text is quoted."""
    if not text:
        return "''"
    if _ODD.search(text):
        import json

        escaped = json.dumps(text, ensure_ascii=False)
        return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)
    if _UNSAFE.search(text) or _NOT_TEXT.match(text):
        return "'" + text.replace("'", "''") + "'"
    return text
