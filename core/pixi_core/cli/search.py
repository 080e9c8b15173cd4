"""`pixi search`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments
from .config_options import config_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..cache.store import PackageCache
    from ..model.record import RepoDataRecord
    from ..ops.find_packages import Matches
    from ..ops.search import Found
    from ..workspace import Services, Workspace
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, where, and how much of it."""
    parser.add_argument("spec", metavar="SPEC", help="a name, a pattern (`py*`) or a match spec (`numpy >=2`)")
    parser.add_argument("--pypi", action="store_true", help="a part of a name, in the environment's index as well")
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("-c", "--channel", action="append", default=[], metavar="CHANNEL", help="look there; repeat")
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="another platform than this machine's")
    parser.add_argument("-l", "--limit", type=amount, metavar="N", help="versions a package (5; 0: names only)")
    parser.add_argument("-n", "--limit-packages", type=amount, default=5, metavar="N", help="packages (5; 0: all)")
    parser.add_argument("--json", action="store_true", help="print every record as JSON")
    config_options(parser)


def amount(text: str) -> int:
    """A number that is not negative."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of 0 or more")
    return int(text)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print what was found; nothing is exit code 1."""
    if arguments.pypi:
        return _in_all(arguments, context)
    if arguments.environment is not None:
        from ..errors import UsageError

        raise UsageError("--environment says whose channels and index are searched: it needs --pypi")
    from ..ops.search import channels_for, search

    workspace, services = machinery(arguments, context)
    try:
        channels = channels_for(workspace, services, arguments.channel, context.cwd)
        found = search(
            services,
            arguments.spec,
            channels,
            platform=arguments.platform,
            most_packages=arguments.limit_packages,
        )
    finally:
        services.close()
    if arguments.limit and (arguments.json or context.json_lines):
        for name, records in found.packages.items():
            found.packages[name] = records[: arguments.limit]
    context.result("search", {"packages": found.to_json()})
    if arguments.json and not context.json_lines:
        print(json.dumps(found.to_json(), indent=2))
    elif not context.json_lines:
        show(found, services.packages, 5 if arguments.limit is None else arguments.limit)
    if found.packages:
        return 0
    from ..errors import PixiError

    hints = [f"did you mean {', '.join(found.near)}?"] if found.near else []
    names = ", ".join(channel.name for channel in channels)
    raise PixiError(f"no package matches '{arguments.spec}' in {names}", hints=hints)


def _in_all(arguments: argparse.Namespace, context: Context) -> int:
    """What the channels and the index of an environment have, a line a package; nothing is exit code 1."""
    from ..errors import PixiError, UsageError
    from ..ops.find_packages import find_packages

    if arguments.channel or arguments.platform:
        raise UsageError("--pypi searches where `pixi add` does: without --channel and --platform")
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    most = arguments.limit_packages or sys.maxsize
    try:
        found = find_packages(workspace, arguments.spec, environment=arguments.environment, limit=most)
    finally:
        workspace.services.close()
    context.result("search", found.to_json())
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps(found.to_json(), indent=2))
    elif not found.matches:
        hints = [f"did you mean {', '.join(found.suggestions)}?"] if found.suggestions else []
        raise PixiError(f"no package has '{arguments.spec}' in its name", hints=hints)
    else:
        _print_matches(found)
    return 0 if found.matches else 1


def _print_matches(found: Matches) -> None:
    from .terminal import safe

    rows = [(match.name, match.version, match.kind, match.summary or "") for match in found.matches]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        print(safe("  ".join(cells).rstrip()))


def machinery(arguments: argparse.Namespace, context: Context) -> tuple[Workspace | None, Services]:
    """The workspace's services where there is a workspace, else those of the user."""
    from ..errors import NoWorkspace
    from ..ops.init import open_services

    try:
        workspace = context.workspace(arguments.manifest_path)
    except NoWorkspace:
        services = open_services(context.environ)
        services.reporter = context.reporter
        return None, services
    workspace.configure(reporter=context.reporter)
    return workspace, workspace.services


def show(found: Found, cache: PackageCache, versions: int) -> None:
    """For people: names only, or for each package its newest record and a table of versions."""
    from .terminal import safe

    for position, (name, records) in enumerate(found.packages.items()):
        if versions == 0:
            print(safe(name))
            continue
        if position:
            print()
        for line in (*_details(records, cache), *_versions(records, versions)):
            print(safe(line))
    if found.more:
        print(safe(f"\n… and {len(found.more)} more packages: {', '.join(found.more[:10])}"))


def _details(records: Sequence[RepoDataRecord], cache: PackageCache) -> Iterator[str]:
    from ..ops.summaries import of_conda
    from .terminal import megabytes

    record = records[0]
    yield f"{record.name} {record.version} {record.build}"
    yield f"  {'─' * 40}"
    values = (
        ("Summary", of_conda(cache, records)),
        ("Subdir", record.subdir),
        ("License", record.license),
        ("Size", None if record.size is None else megabytes(record.size)),
        ("URL", record.url),
        ("SHA256", record.sha256),
    )
    for title, value in values:
        if value:
            yield f"  {title:<14}{value}"
    for position, spec in enumerate(record.depends):
        yield f"  {'Dependencies' if position == 0 else '':<14}{spec}"
    exports = [f"{kind}: {spec}" for kind, specs in (record.run_exports or {}).items() for spec in specs]
    for position, text in enumerate(exports):
        yield f"  {'Run exports' if position == 0 else '':<14}{text}"


def _versions(records: Sequence[RepoDataRecord], most: int) -> Iterator[str]:
    """A row a version: its newest build, and how many others there are."""
    builds: dict[str, list[RepoDataRecord]] = {}
    for record in records:
        builds.setdefault(record.version, []).append(record)
    yield f"  Versions ({len(builds)})"
    for version in list(builds)[:most]:
        others = len(builds[version]) - 1
        yield f"    {version:<14}{builds[version][0].build}{f' (+ {others} builds)' if others else ''}"
    if len(builds) > most:
        yield f"    … and {len(builds) - most} more"
