"""Options of one command that outrank the configuration files; every command takes them that solves or fetches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..config.model import PINNING_STRATEGIES
from .parser import OptionalValue

if TYPE_CHECKING:
    import argparse

    from ..config.overrides import Overrides

_PREFIX = "config:"


def config_options(parser: argparse.ArgumentParser) -> None:
    """Add them; `overrides_of` reads them back."""
    group = parser.add_argument_group("configuration, above its files")
    group.add_argument(
        "--offline",
        dest=_PREFIX + "offline",
        action=OptionalValue,
        type=_switch,
        metavar="true|false",
        help="use only what is cached or local",
    )
    for option, field, value, text in (
        ("--no-hard-links", "allow_hard_links", False, "no file is linked to the package cache"),
        ("--no-ref-links", "allow_ref_links", False, "no file is a clone of the package cache's"),
        ("--no-symbolic-links", "allow_symbolic_links", False, "taken for pixi's sake: none is ever made"),
        ("--run-post-link-scripts", "run_post_link_scripts", True, "run scripts of packages, which can do anything"),
        ("--tls-no-verify", "tls_no_verify", True, "believe every server's certificate"),
        ("--use-environment-activation-cache", "use_environment_activation_cache", True, "it is always used"),
        ("--no-config", "no_files", True, "read no configuration file"),
    ):  # fmt: skip
        group.add_argument(option, dest=_PREFIX + field, action="store_const", const=value, help=text)
    _valued(group, "--config-file", "file", type=_path, metavar="FILE", help="the only configuration file")
    _valued(group, "--auth-file", "authentication_override_file", type=_path, metavar="FILE", help="of credentials")
    _valued(group, "--concurrent-downloads", "concurrent_downloads", type=_count, metavar="N", help="at most")
    _valued(group, "--concurrent-solves", "concurrent_solves", type=_count, metavar="N", help="at most")
    _valued(
        group, "--pinning-strategy", "pinning_strategy", choices=PINNING_STRATEGIES, help="of specs without version"
    )
    _valued(group, "--pypi-keyring-provider", "pypi_keyring_provider", choices=("disabled", "subprocess"),
            help="`disabled`: the key ring is never asked")  # fmt: skip
    _valued(group, "--tls-root-certs", "tls_root_certs", choices=("webpki", "native", "system", "all"),
            help="taken for pixi's sake: the system's are used")  # fmt: skip


def _valued(group: argparse._ArgumentGroup, option: str, field: str, **more: object) -> None:
    group.add_argument(option, dest=_PREFIX + field, **more)  # type: ignore[arg-type]  # as argparse takes them


def overrides_of(arguments: argparse.Namespace) -> Overrides:
    """What a command line says of the configuration."""
    from ..config.overrides import Overrides

    said = {
        name.removeprefix(_PREFIX): value
        for name, value in vars(arguments).items()
        if name.startswith(_PREFIX) and value is not None
    }
    file, no_files = said.pop("file", None), said.pop("no_files", False)
    return Overrides(values=said, file=file, no_files=no_files)


def _switch(text: str) -> bool:
    """True for the bare option. Raises `ValueError`, which argparse puts into words."""
    from ..config.load import FALSE, TRUE  # lazy: few say more than the option

    if text.lower() not in (*TRUE, *FALSE):
        raise ValueError(text)
    return not text or text.lower() in TRUE


_switch.__name__ = "true or false"


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError(text)
    return int(text)


_count.__name__ = "number above 0"


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()
