"""`pixi init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .config_options import config_options
from .script import init as init_script
from .script import script_argument

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where, in which format, from which channels, for which platforms."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="the folder (default: this one)")
    parser.add_argument("-c", "--channel", action="append", metavar="CHANNEL", help="a channel; repeat for more")
    parser.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="repeat for more")
    parser.add_argument("--format", choices=("pixi", "pyproject", "mojoproject"), help="which manifest to write")
    parser.add_argument("-i", "--import", dest="imported", metavar="FILE", help="begin with an environment.yml")
    parser.add_argument("--scm", choices=("github", "gitlab", "codeberg"), default="github", help="for .gitattributes")
    parser.add_argument(
        "--conda-pypi-map", action="append", default=[], metavar="CHANNEL=LOCATION", help="conda's names on PyPI"
    )
    parser.add_argument("--host", action="store_true", help="no channels: Python from this machine, packages from PyPI")
    script_argument(parser)
    config_options(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Write the manifest and say what was made."""
    from ..ops.import_file import read_conda_env
    from ..ops.init import init_workspace, open_created, open_services, parse_map
    from ..trust import sign

    if arguments.script is not None:
        return init_script(arguments, context)
    mapped = parse_map(arguments.conda_pypi_map)
    folder = context.cwd / Path(arguments.path)
    imported = read_conda_env(context.cwd / arguments.imported, folder) if arguments.imported else None

    services = open_services(context.environ)
    try:
        created = init_workspace(
            folder,
            channels=arguments.channel,
            platforms=arguments.platform,
            host=arguments.host,
            kind=arguments.format,
            imported=imported,
            scm=arguments.scm,
            conda_pypi_map=mapped,
            environ=context.environ,
            services=services,
        )
    finally:
        services.close()
    sign(open_created(created, context.environ), by="pixi init")
    context.reporter.message(f"✔ Created {created.manifest_path}")
    for text in imported.ignored if imported else ():
        context.reporter.warning(f"not taken over: {text}")
    if created.unreachable:
        context.reporter.warning(
            f"cannot reach {created.unreachable}; `pixi init --host` makes a workspace that needs no channel "
            "(Python from this machine, packages from PyPI)"
        )
    context.result("init", {"manifest_path": str(created.manifest_path), "unreachable": created.unreachable})
    return 0
