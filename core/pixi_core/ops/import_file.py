"""`pixi import`: take over the requirements of an `environment.yml` or a `requirements.txt`; the manifest only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, UsageError
from ..names import DEFAULT_ENVIRONMENT, DEFAULT_FEATURE, EnvironmentName
from .requirements_file import Requirements, RequirementsReader, logical_lines, text_of
from .workspace_edit import edit_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..manifest.edit_workspace import WorkspaceEditor
    from ..manifest.model import ManifestKind
    from ..workspace import Workspace

FORMATS = ("conda-env", "pypi-txt")


@dataclass(slots=True)
class Imported(Requirements):
    """What a file asks for; `conda` are match specs."""

    name: str | None = None
    channels: list[str] = field(default_factory=list)
    conda: list[str] = field(default_factory=list)


def import_file(
    workspace: Workspace,
    path: Path,
    *,
    kind: str | None = None,
    feature: str | None = None,
    environment: str | None = None,
    platforms: Sequence[str] = (),
) -> Imported:
    """Add what a file asks for to a feature, and the feature to an environment; each is made where it is missing.

    Without names, both are called what the file calls itself. Raises `UsageError` where nothing names them,
    `InputError` for a file that cannot be understood, `ManifestError`, `SpecError`; the manifest is then as it was.
    """
    kind = kind or ("conda-env" if path.suffix in (".yml", ".yaml") else "pypi-txt")
    read = read_conda_env if kind == "conda-env" else read_requirements
    found = read(path, workspace.root)
    target = feature or environment or found.name
    if target is None:
        raise UsageError(
            f"{path.name} does not say which environment it is for", hints=["name one: `--feature` or `--environment`"]
        )
    place = environment or feature or found.name or DEFAULT_ENVIRONMENT
    edit_manifest(workspace, lambda editor: _apply(workspace, editor, found, target, place, platforms))
    return found


def _apply(
    workspace: Workspace,
    editor: WorkspaceEditor,
    found: Imported,
    feature: str,
    environment: str,
    platforms: Sequence[str],
) -> None:
    for channel in found.channels:
        editor.add_channel(channel, feature=feature)
    for platform in platforms or (None,):
        _add_requirements(editor, found, feature=feature, platform=platform)
    for platform in platforms:
        if feature != DEFAULT_FEATURE:
            editor.add_platform(platform, feature=feature)
    if feature != DEFAULT_FEATURE:
        declared = workspace.manifest.environments.get(EnvironmentName(environment))
        listed = [] if declared is None else [str(name) for name in declared.features]
        if feature not in listed:
            editor.add_environment(
                environment,
                [*listed, feature],
                solve_group=None if declared is None else declared.solve_group,
                no_default_feature=declared is not None and declared.no_default_feature,
            )


def with_imported(text: str, kind: ManifestKind, found: Imported) -> str:
    """The text of a new manifest with what a file asks for; conda's `python` where only PyPI packages are asked for.

    Raises `SpecError`, `InputError`.
    """
    from ..manifest.edit_workspace import WorkspaceEditor
    from ..model.match_spec import parse_match_spec

    editor = WorkspaceEditor(text, kind)
    _add_requirements(editor, found, feature=DEFAULT_FEATURE, platform=None)
    if found.pypi and kind != "pyproject" and not any(parse_match_spec(one).name == "python" for one in found.conda):
        editor.add_conda("python", "*")
    return editor.text


def _add_requirements(editor: WorkspaceEditor, found: Imported, *, feature: str, platform: str | None) -> None:
    from ..model.match_spec import parse_match_spec

    for text in found.conda:
        spec = parse_match_spec(text)
        if spec.name is None:
            raise InputError(f"'{text}' names no package")
        editor.add_conda(spec.name, spec, feature=feature, platform=platform)
    for requirement in found.pypi:
        editor.add_pypi(requirement, feature=feature, platform=platform)
    if found.options:
        kept = editor.add_pypi_options(found.options, feature=feature)
        found.ignored += [
            f"{key} = {found.options[key]!r} (the manifest says {value!r})" for key, value in kept.items()
        ]


# ---------------------------------------------------------------- files


def read_conda_env(path: Path, root: Path | None = None) -> Imported:
    """An `environment.yml` of conda; paths in its `pip` list start from `root`. Raises `InputError`, `SpecError`."""
    import yaml

    try:
        data = yaml.safe_load(text_of(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("dependencies", []), list):
        raise InputError(f"{path} is not an environment file: it has no list of dependencies")
    found = Imported(name=_maybe_text(data.get("name")))
    found.channels = [str(channel) for channel in data.get("channels") or [] if channel != "nodefaults"]
    reader = RequirementsReader(root or path.parent, found)
    for entry in data.get("dependencies", []):
        if isinstance(entry, str):
            found.conda.append(entry)
        elif isinstance(entry, dict) and isinstance(entry.get("pip"), list):
            for line in entry["pip"]:
                for _, text in logical_lines(str(line)):
                    reader.line(text, path, f"{path.name}: pip")
        else:
            raise InputError(f"{path}: a dependency is neither text nor a `pip` list: {entry!r}")
    reader.finish()
    if isinstance(data.get("variables"), dict) and data["variables"]:
        found.ignored += [f"variables.{key}" for key in data["variables"]]
    return found


def read_requirements(path: Path, root: Path) -> Imported:
    """A `requirements.txt` of pip, with those that it includes; paths in it start from `root`. Raises `InputError`,
    `SpecError`.
    """
    found = Imported()
    reader = RequirementsReader(root, found)
    reader.read(path)
    reader.finish()
    return found


def _maybe_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
