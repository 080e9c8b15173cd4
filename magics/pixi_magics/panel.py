"""`%pixi ui`: the environment as a panel of ipywidgets below the cell. What its buttons do is what `%pixi` does.

ipywidgets is imported here alone, when the panel is asked for; without it the command says how to get it.
"""

import html
import os
import shlex
from typing import Any, Callable, Dict, List, Mapping, Optional

from IPython.core.error import UsageError

from . import companion
from .child import Settings, call
from .display import Bundle, count_text, final_bundle, table_bundle

WIDGETS = "application/vnd.jupyter.widget-view+json"
_EXTENSION = "@jupyter-widgets/jupyterlab-manager"
_COLUMNS = ["name", "version", "kind"]
Run = Callable[[str], None]
"""Runs one line of `%pixi`; raises `UsageError` with what went wrong."""


def show(settings: Settings, make_run: Callable[[Callable[[Bundle, bool], None]], Run]) -> Bundle:
    """The panel as a MIME bundle, with a table for clients that draw no widgets. `make_run` gives the `%pixi` whose
    output goes to the panel. Raises `UsageError` where ipywidgets is missing or the core refuses.
    """
    try:
        import ipywidgets
    except ImportError:
        raise UsageError(
            "%pixi ui draws with ipywidgets, which this environment does not have. Add it, and run the cell again:\n"
            "    %pixi add ipywidgets"
        ) from None
    panel = Panel(ipywidgets, settings, make_run)
    lines = companion.lacking(settings.core, os.environ, _EXTENSION, "ipywidgets", ipywidgets.__version__)
    panel.say(final_bundle(lines[0], "recommended", []) if lines else None)
    return {**panel.table(), WIDGETS: panel.view()}


class Panel:
    """The widgets and what they are for. `widgets` is the module ipywidgets."""

    def __init__(self, widgets: Any, settings: Settings, make_run: Callable[..., Run]) -> None:
        self._settings = settings
        self._run = make_run(lambda bundle, _: self.say(bundle))
        self._rows: List[Dict[str, Any]] = []
        names = [str(row["name"]) for row in self._ask("info")["environments_info"]]
        self.environment = widgets.Dropdown(options=names, value=settings.environment, description="Environment")
        self.state = widgets.HTML()
        self.filter = widgets.Text(description="Filter", placeholder="part of a name", continuous_update=True)
        self.packages = widgets.Select(description="Packages", rows=8, layout={"width": "32em"})
        self.remove = widgets.Button(description="Remove", tooltip="Remove the selected package")
        self.query = widgets.Text(description="Add", placeholder="name, or name>=1.2", continuous_update=False)
        self.search = widgets.Button(description="Search", tooltip="Search the channels and the index")
        self.found = widgets.Select(description="Found", rows=5, layout={"width": "32em", "display": "none"})
        self.pypi = widgets.Checkbox(description="from PyPI", indent=False)
        self.add = widgets.Button(description="Add", button_style="primary", tooltip="Add the package and install it")
        self.told = widgets.HTML()
        self._box = widgets.VBox(
            [
                widgets.HBox([self.environment, self.state]),
                widgets.HBox([self.query, self.search, self.pypi, self.add]),
                self.found,
                self.filter,
                widgets.HBox([self.packages, self.remove]),
                self.told,
            ]
        )
        self._connect()
        self.refresh()

    def _connect(self) -> None:
        self.environment.observe(lambda _: self._guarded(self.refresh), names="value")
        self.filter.observe(lambda _: self._list(), names="value")
        self.found.observe(lambda _: self._choose(), names="value")
        self.search.on_click(lambda _: self._guarded(self._search))
        self.add.on_click(lambda _: self._guarded(self._add))
        self.remove.on_click(lambda _: self._guarded(self._remove))

    def view(self) -> Any:
        """What a notebook's front end needs to draw it."""
        return {"version_major": 2, "version_minor": 0, "model_id": self._box.model_id}

    def table(self) -> Bundle:
        """The packages as text and HTML, for clients that draw no widgets."""
        rows = [[str(row.get(key) or "") for key in _COLUMNS] for row in self._rows]
        return table_bundle(_COLUMNS, rows, "%s in environment %s" % (count_text(len(rows)), self.environment.value))

    def say(self, bundle: Optional[Bundle]) -> None:
        """Show how a command goes on, or how it ended."""
        self.told.value = bundle["text/html"] if bundle else ""

    def refresh(self) -> None:
        """Read packages and state of the chosen environment again."""
        from .magic import status_line

        chosen = ["--environment", self.environment.value]
        self._rows = self._ask("list", "--frozen", *chosen)["packages"]
        self._list()
        self.state.value = html.escape(status_line(self._ask("status", *chosen)))

    def _list(self) -> None:
        part = self.filter.value.strip().lower()
        shown = [row for row in self._rows if part in str(row["name"]).lower()]
        self.packages.options = [("%(name)s %(version)s (%(kind)s)" % row, str(row["name"])) for row in shown]

    def _search(self) -> None:
        query = self.query.value.strip()
        if not query:
            raise UsageError("What is the package called?")
        found = self._ask("search", "--pypi", "--environment", self.environment.value, "--", query)
        rows = found["matches"]
        self.found.options = [(_offer_text(row), "%(kind)s %(name)s" % row) for row in rows]
        self.found.value = None
        self.found.layout.display = "" if rows else "none"
        near = ", ".join(found["suggestions"])
        nothing = "nothing is called like %s%s" % (query, "; did you mean %s?" % near if near else "")
        self.say(final_bundle("%s found" % count_text(len(rows)) if rows else nothing, "ready", []))

    def _choose(self) -> None:
        """What was found and picked goes into the field."""
        if self.found.value is not None:
            kind, _, name = self.found.value.partition(" ")
            self.query.value, self.pypi.value = name, kind == "pypi"

    def _add(self) -> None:
        spec = self.query.value.strip()
        if not spec:
            raise UsageError("Which package? Write its name, or search for it.")
        self._change("add", *(["--pypi"] if self.pypi.value else []), "--", spec)
        self.query.value = ""

    def _remove(self) -> None:
        name = self.packages.value
        if name is None:
            raise UsageError("Which package? Select it in the list.")
        kind = next(str(row["kind"]) for row in self._rows if row["name"] == name)
        self._change("remove", *(["--pypi"] if kind == "pypi" else []), "--", name)

    def _change(self, command: str, *words: str) -> None:
        line = [command, "--environment", self.environment.value, *words]
        self._run(" ".join(shlex.quote(word) for word in line))
        self.refresh()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Work of a button: the buttons wait for its end, and whatever goes wrong stands in the panel."""
        buttons = [self.add, self.remove, self.search]
        for button in buttons:
            button.disabled = True
        try:
            work()
        except UsageError as error:
            first, *more = str(error).split("\n")
            self.say(final_bundle("✗ " + first, "failed", more))
        except KeyboardInterrupt:
            self.say(final_bundle("✗ interrupted, nothing was left half done", "failed", []))
        finally:
            for button in buttons:
                button.disabled = False

    def _ask(self, *words: str) -> Dict[str, Any]:
        """The answer of the core to a question. Raises `UsageError`."""
        from .magic import error_text

        outcome = call(self._settings, words, lambda _: None, lambda _: None)
        if outcome.code or outcome.error is not None or not outcome.results:
            raise UsageError(error_text(outcome))
        data: Dict[str, Any] = outcome.results[-1]["data"]
        return data


def _offer_text(row: Mapping[str, Any]) -> str:
    """`numpy 2.3.1 (conda): what it is`."""
    text = "%(name)s %(version)s (%(kind)s)" % row
    return "%s: %s" % (text, row["summary"]) if row["summary"] else text
