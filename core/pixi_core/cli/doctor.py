"""`pixi doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..errors import NoWorkspace
from .arguments import workspace_arguments

if TYPE_CHECKING:
    import argparse

    from ..ops.doctor import Diagnosis, Finding
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to repair."""
    workspace_arguments(parser)
    parser.add_argument("--fix", action="store_true", help="repair what can be repaired")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print what was found; exit code 1 where errors are left. Outside a workspace the caches are looked at."""
    from ..ops.doctor import doctor
    from ..ops.init import open_services

    try:
        workspace = context.workspace(arguments.manifest_path)
        workspace.configure(reporter=context.reporter)
        services = workspace.services
    except NoWorkspace:
        if arguments.manifest_path:
            raise
        workspace, services = None, open_services(context.environ)
    found = doctor(workspace, services, fix=arguments.fix, reporter=context.reporter)
    if context.json_lines:
        context.result("doctor", found.to_json())
    elif arguments.json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        _print(found)
    return 0 if found.is_well else 1


def _print(found: Diagnosis) -> None:
    from .terminal import safe

    for finding in found.findings:
        print(safe(f"{_mark(finding)} {finding.area} {finding.subject}: {finding.text}"))
        if finding.hint and not finding.fixed:
            print(safe(f"  hint: {finding.hint}"))
    looked = f"{len(found.environments)} environments, {found.cache_entries} cached packages"
    if not found.findings:
        print(f"✔ all is well ({looked})")
    elif not found.is_well and not any(finding.hint for finding in found.findings):
        print(f"looked at {looked}; `pixi doctor --fix` repairs this")
    else:
        print(f"looked at {looked}")


def _mark(finding: Finding) -> str:
    return "✔ repaired:" if finding.fixed else ("!" if finding.level == "warning" else "×")
