"""`pixi info`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import NoWorkspace
from .arguments import workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much."""
    workspace_arguments(parser)
    parser.add_argument("--extended", action="store_true", help="with sizes on disk")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print it. Outside a workspace only the machine is shown."""
    from ..ops.info import info
    from ..ops.init import open_services

    try:
        workspace = context.workspace(arguments.manifest_path)
        services = workspace.services
    except NoWorkspace:
        if arguments.manifest_path:
            raise
        workspace, services = None, open_services(context.environ)
    data = info(workspace, services, context.environ, extended=arguments.extended)
    if arguments.json:
        print(json.dumps(data, indent=2))
    else:
        _print(data)
    context.result("info", data)
    return 0


def policy_lines(policy: dict[str, Any]) -> list[str]:
    """What a policy says, a line a key, as its file would."""
    return [f"{key} = {json.dumps(value)}" for rules in policy["rules"] for key, value in rules.items()]


def _print(data: dict[str, Any]) -> None:
    from .terminal import megabytes, safe

    rows: list[tuple[str, str]] = [
        ("Pixi version", data["version"]),
        ("Platform", data["platform"]),
        ("Virtual packages", ", ".join(data["virtual_packages"])),
        ("Cache dir", data["cache_dir"]),
    ]
    if data["policy"]:
        rows.append(("Policy", data["policy"]["path"]))
        rows += [("", line) for line in policy_lines(data["policy"])]
    if data["cache_size"] is not None:
        rows.append(("Cache size", megabytes(data["cache_size"])))
    project = data["project_info"]
    if project:
        rows += [("", ""), ("Workspace", project["name"]), ("Manifest file", project["manifest_path"])]
        rows += [("Last updated", project["last_updated"] or "never")]
    for environment in data["environments_info"]:
        rows += [
            ("", ""),
            ("Environment", environment["name"]),
            ("Features", ", ".join(environment["features"])),
            ("Channels", ", ".join(environment["channels"]) or "none (Python from this machine)"),
            ("Dependencies", ", ".join(environment["dependencies"])),
            ("PyPI dependencies", ", ".join(environment["pypi_dependencies"])),
            ("Platforms", ", ".join(platform["name"] for platform in environment["platforms"])),
            ("Tasks", ", ".join(environment["tasks"])),
            ("Prefix", environment["prefix"]),
        ]
    for title, text in rows:
        print(f"{title:>18}: {safe(text)}" if title else f"{'':>20}{safe(text)}".rstrip())
