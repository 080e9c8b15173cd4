"""Build a channel by hand: `python -m tests.support.channel OUT [--small | --hundred | --synthetic N]`.

Prints the seconds of each step. Exit code 3 with the reason on stderr where the channel cannot be built here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .build import Built, full_channel, small_channel, synthetic_channel
from .synthetic import Amount
from .wheels import ChannelUnavailable


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.channel", description=__doc__.partition(":")[0])
    parser.add_argument("out", type=Path, help="the channel's folder; must not exist or be empty")
    parser.add_argument("--small", action="store_true", help="fixtures alone: no Python, no network")
    parser.add_argument(
        "--hundred", action="store_true", help="JupyterLab, pandas, scikit-learn and matplotlib as well"
    )
    parser.add_argument("--python", type=Path, action="append", default=[], help="another Python; may be repeated")
    parser.add_argument("--synthetic", type=int, metavar="N", help="N made-up packages alone: no Python, no network")
    parser.add_argument("--files", type=int, default=10, help="files in each made-up package")
    arguments = parser.parse_args()
    if arguments.out.exists() and any(arguments.out.iterdir()):
        parser.error(f"{arguments.out} is not empty")
    begin = time.perf_counter()
    out = arguments.out.resolve()
    try:
        built = chosen_channel(out, arguments)
    except ChannelUnavailable as reason:
        print(reason, file=sys.stderr)
        return 3
    size = sum(package.entry["size"] for package in built.packages)
    summary = {"packages": len(built.packages), "megabytes": round(size / 1e6, 1), "steps": built.seconds}
    print(json.dumps({"channel": out.as_uri(), "seconds": round(time.perf_counter() - begin, 2), **summary}))
    return 0


def chosen_channel(out: Path, arguments: argparse.Namespace) -> Built:
    """Build what the options name."""
    if arguments.small:
        return small_channel(out)
    if arguments.synthetic:
        return synthetic_channel(out, Amount(packages=arguments.synthetic, files=arguments.files))
    selections = ("base", "hundred") if arguments.hundred else ("base",)
    return full_channel(out, selections=selections, pythons=arguments.python)


if __name__ == "__main__":
    sys.exit(main())
