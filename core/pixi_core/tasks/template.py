"""Templates in tasks: minijinja, with the arguments of the task and `pixi.*`; an undefined name is an error."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import TaskError


def is_template(text: str) -> bool:
    """Whether there is anything to render (the library is only loaded if so)."""
    return "{{" in text or "{%" in text or "{#" in text


def render(text: str, context: Mapping[str, object], *, what: str) -> str:
    """`text` with its expressions replaced. `what` names it in errors (`the command of the task 'x'`).

    Raises `TaskError` for undefined names and mistakes in the template.
    """
    if not is_template(text):
        return text
    import minijinja

    environment = minijinja.Environment(undefined_behavior="strict", keep_trailing_newline=True)
    try:
        return str(environment.render_str(text, **context))
    except minijinja.TemplateError as error:
        known = ", ".join(sorted(context))
        raise TaskError(
            f"{what} cannot be rendered: {error.message or error.kind}",
            details=[f"  {line}" for line in text.splitlines() or [text]],
            hints=[f"known names: {known}"],
        ) from None


def pixi_context(
    *, platform: str, environment: str, manifest_path: str, version: str, init_cwd: str
) -> dict[str, object]:
    """What `pixi.*` means in a template."""
    system = platform.split("-", 1)[0]
    return {
        "pixi": {
            "platform": platform,
            "environment": {"name": environment},
            "manifest_path": manifest_path,
            "version": version,
            "init_cwd": init_cwd,
            "is_win": system == "win",
            "is_unix": system in ("linux", "osx"),
            "is_linux": system == "linux",
            "is_osx": system == "osx",
        }
    }
