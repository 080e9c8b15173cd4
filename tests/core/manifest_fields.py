"""Every table and field of a manifest as data: what it means once it is read, and a value of another kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pixi_core.manifest.merge import Environment
from pixi_core.manifest.model import Content, Feature, WorkspaceManifest
from pixi_core.manifest.task import Task, TaskArgument, TaskDependency
from pixi_core.model.conda_pypi_map import ChannelMap
from pixi_core.model.match_spec import MatchSpec
from pixi_core.model.platform import Platform
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.pypi_requirement import PypiRequirement

ROOT = Path("/somewhere/demo")
NOW = datetime(2026, 6, 30, tzinfo=UTC)
DAY = 24 * 3600 * 1000
MAY_2 = int(datetime(2026, 5, 2, tzinfo=UTC).timestamp() * 1000)
"""The first of May is over then."""
SHA256, MD5 = "ab" * 32, "cd" * 16

Read = Callable[[WorkspaceManifest], Any]


class Field(NamedTuple):
    """`valid` and `wrong` are TOML; what `read` finds in the manifest is then `meaning`."""

    valid: str
    read: Read
    meaning: Any
    wrong: str = "7"


class Where(NamedTuple):
    """A table of the manifest: a line in which `ENTRY` is its one entry, and the other lines it needs."""

    line: str
    fields: dict[str, Field]
    others: str = ""
    is_whole: bool = True
    """Whether the reader's own list of keys is that of the table, not of a larger one."""


def default(manifest: WorkspaceManifest) -> Environment:
    return manifest.environment("default")


def content(manifest: WorkspaceManifest) -> Content:
    return manifest.default_feature.content


def feature(manifest: WorkspaceManifest) -> Feature:
    return manifest.features["f"]  # type: ignore[index]  # a NewType of str


def target(manifest: WorkspaceManifest) -> Content:
    return manifest.default_feature.targets[0]


def inline(manifest: WorkspaceManifest) -> Feature:
    found = manifest.environments["e"].inline  # type: ignore[index]  # a NewType of str
    assert found is not None
    return found


def spec(manifest: WorkspaceManifest) -> MatchSpec:
    [found] = content(manifest).dependencies.values()
    return found


def requirement(manifest: WorkspaceManifest) -> PypiRequirement:
    [found] = content(manifest).pypi_dependencies.values()
    return found


def source(manifest: WorkspaceManifest) -> Any:
    [found] = content(manifest).sources.values()
    return dict(found)


def task(manifest: WorkspaceManifest) -> Task:
    return content(manifest).tasks["t"]  # type: ignore[index]  # a NewType of str


def dependency(manifest: WorkspaceManifest) -> TaskDependency:
    return task(manifest).depends_on[0]


def platform(manifest: WorkspaceManifest) -> Platform:
    return manifest.platforms[0]


def options(manifest: WorkspaceManifest) -> PypiOptions:
    return default(manifest).pypi_options


def package(*path: str) -> Read:
    def look(manifest: WorkspaceManifest) -> Any:
        found: Any = manifest.package
        for key in path:
            found = found[key]
        return found

    return look


def text(attribute: str) -> Field:
    return Field('"a text"', lambda manifest: getattr(manifest, attribute), "a text")


def metadata(key: str, value: str = "a text") -> Field:
    return Field(f'"{value}"', lambda manifest: dict(manifest.metadata), {key: value})


def names(found: Any) -> list[str]:
    return [str(name) for name in found]


def specs(found: Any) -> list[str]:
    return [str(one) for one in found.values()]


# ---------------------------------------------------------------- what features, targets and environments share


def tables(of: Callable[[WorkspaceManifest], Content]) -> dict[str, Field]:
    """The tables of a feature, a target and an environment."""
    return {
        "dependencies": Field('{ x = "1.2" }', lambda m: specs(of(m).dependencies), ["x ==1.2"]),
        "constraints": Field('{ x = "<2" }', lambda m: specs(of(m).constraints), ["x <2"]),
        "pypi-dependencies": Field('{ x = ">=1" }', lambda m: specs(of(m).pypi_dependencies), ["x>=1"]),
        "dev": Field('{ x = { path = "x" } }', lambda m: dict(of(m).dev), {"x": {"path": "x"}}),
        "tasks": Field('{ t = "echo" }', lambda m: {t.name: t.command for t in of(m).tasks.values()}, {"t": "echo"}),
        "activation": Field('{ env = { A = "b" } }', lambda m: of(m).activation_env, {"A": "b"}),
    }


def legacy(of: Callable[[WorkspaceManifest], Content]) -> dict[str, Field]:
    return {
        "host-dependencies": Field('{ x = "1.2" }', lambda m: specs(of(m).dependencies), ["x ==1.2"]),
        "build-dependencies": Field('{ x = "1.2" }', lambda m: specs(of(m).dependencies), ["x ==1.2"]),
    }


def shared(of: Callable[[WorkspaceManifest], Feature]) -> dict[str, Field]:
    """What features and environments may say besides."""
    return {
        "channels": Field('["b"]', lambda m: [c.written for c in of(m).channels or ()], ["b"], '"b"'),
        "channel-priority": Field('"disabled"', lambda m: of(m).channel_priority, "disabled", '"off"'),
        "solve-strategy": Field('"lowest"', lambda m: of(m).solve_strategy, "lowest", '"low"'),
        "platforms": Field('["linux-64"]', lambda m: of(m).platforms, ("linux-64",), '"linux-64"'),
        "target": Field(
            '{ unix = { dependencies = { x = "1" } } }', lambda m: specs(of(m).targets[0].dependencies), ["x ==1"]
        ),
        "pypi-options": Field(
            '{ index-strategy = "unsafe-best-match" }',
            lambda m: getattr(of(m).pypi_options, "index_strategy", None),
            "unsafe-best-match",
        ),
    }


HEAD = {
    "name": '"demo"',
    "channels": '["a"]',
    "platforms": '["linux-64", "win-64"]',
}
BUILDS = 'workspace.preview = ["pixi-build"]'
FEATURE, INLINE = "feature.f.dependencies.x = '1'", "environments.e.dependencies.x = '1'"
SYSTEM = Field('{ cuda = "12" }', lambda m: default(m).platforms[0].version_of("__cuda"), "12")
SYSTEM_OF_FEATURE = Field('{ cuda = "12" }', lambda m: [str(p) for p in feature(m).system_requirements], ["__cuda=12"])
WHOLE_WORKSPACE = Field('{ channels = ["b"], platforms = [] }', lambda m: m.channels[0].written, "b")
GIT, ARCHIVE = "https://h.example/x", "https://h.example/x.tar.gz"
CUDA_MANIFEST = 'workspace.platforms = [{ platform = "linux-64", ENTRY }]'


def tree(line: str, read: Read) -> dict[str, Where]:
    """A source tree's table, by what it must have for a field to make sense."""
    beside_git = {key: Field('"a"', read, {"git": GIT, key: "a"}) for key in ("rev", "tag", "branch", "subdirectory")}
    beside_url = {key: Field(f'"{value}"', read, {"url": ARCHIVE, key: value}) for key, value in SUMS.items()}
    alone = {"path": "../x", "git": GIT, "url": ARCHIVE}
    return {
        "": Where(line, {key: Field(f'"{value}"', read, {key: value}) for key, value in alone.items()}, BUILDS),
        " (git)": Where(
            line.replace("ENTRY", f'git = "{GIT}", ENTRY'),
            {**beside_git, "lfs": Field("true", read, {"git": GIT, "lfs": True})},
            BUILDS,
        ),
        " (url)": Where(line.replace("ENTRY", f'url = "{ARCHIVE}", ENTRY'), beside_url, BUILDS),
    }


SUMS = {"md5": MD5, "sha256": SHA256}


def spec_field(value: str, meaning: str, wrong: str = "7") -> Field:
    return Field(value, lambda m: str(spec(m)), meaning, wrong)


def virtual(value: str, name: str) -> Field:
    return Field(f'"{value}"', lambda m: platform(m).version_of(name), value)


def meta(path: tuple[str, ...] = ()) -> dict[str, Field]:
    """What describes a package."""
    keys = ("name", "description", "license", "license-file", "readme", "homepage", "repository", "documentation")
    return {key: Field('"a"', package(*path, key), "a") for key in keys}


def kept(value: str, meaning: Any, *path: str, wrong: str = "7") -> Field:
    """A field of a package, which is checked and kept as it stands."""
    return Field(value, package(*path), meaning, wrong)


SPECS = ('{ x = ">=1" }', {"x": ">=1"})
TABLES: dict[str, Where] = {
    "the manifest": Where(
        "ENTRY",
        {
            **tables(content),
            **legacy(content),
            "system-requirements": SYSTEM,
            "pypi-options": Field("{ no-build = true }", lambda m: options(m).no_build, True),
            "target": Field(
                '{ win = { constraints = { x = "1" } } }', lambda m: specs(target(m).constraints), ["x ==1"]
            ),
            "feature": Field('{ g = { dependencies = { x = "1" } } }', lambda m: names(m.features), ["default", "g"]),
            "environments": Field("{ e = [] }", lambda m: names(m.environments), ["default", "e"]),
            "exclude-newer": Field("{ x = 2026-05-01 }", lambda m: m.exclude_newer_packages, {"x": MAY_2}),
            "pypi-exclude-newer": Field("{ X = false }", lambda m: m.pypi_exclude_newer_packages, {"x": None}),
            "package": kept('{ name = "p" }', "p", "name"),
            "tool": Field("{ other = { a = 1 } }", lambda m: m.name, "demo"),
            "$schema": Field('"https://h.example/schema.json"', lambda m: m.name, "demo"),
        },
        BUILDS,
    ),
    "the manifest (heads)": Where("ENTRY", {"workspace": WHOLE_WORKSPACE, "project": WHOLE_WORKSPACE}),
    "[workspace]": Where(
        "workspace.ENTRY",
        {
            "name": text("name"),
            "version": Field('"1.2"', lambda m: m.version, "1.2"),
            "description": text("description"),
            "authors": Field('["A <a@a.example>"]', lambda m: m.authors, ("A <a@a.example>",)),
            "license": metadata("license", "MIT OR Apache-2.0"),
            "license-file": metadata("license-file", "texts/LICENSE"),
            "readme": metadata("readme", "README.md"),
            "homepage": metadata("homepage", "https://h.example"),
            "repository": metadata("repository", "https://h.example"),
            "documentation": metadata("documentation", "https://h.example"),
            "channels": Field('["b", "c"]', lambda m: [c.written for c in m.channels], ["b", "c"], '"b"'),
            "channel-priority": Field('"flexible"', lambda m: default(m).channel_priority, "flexible"),
            "solve-strategy": Field('"lowest-direct"', lambda m: default(m).solve_strategy, "lowest-direct"),
            "platforms": Field('["osx-64"]', lambda m: [p.name for p in m.platforms], ["osx-64"], '"osx-64"'),
            "requires-pixi": Field('">=0.40"', lambda m: str(m.requires_pixi), ">=0.40"),
            "exclude-newer": Field('"2026-05-01"', lambda m: m.exclude_newer, MAY_2),
            "conda-pypi-map": Field("false", lambda m: m.conda_pypi_map is not None and m.conda_pypi_map.off, True),
            "pypi-options": Field("{ no-build = true }", lambda m: options(m).no_build, True),
            "s3-options": Field(
                '{ b = { endpoint-url = "https://s.example", region = "r", force-path-style = true } }',
                lambda m: m.s3_options,
                {"b": {"endpoint-url": "https://s.example", "region": "r", "force-path-style": True}},
            ),
            "preview": Field("true", lambda m: m.preview, ("pixi-build",)),
            "build-variants": Field('{ python = ["3.12"] }', lambda m: m.build_variants, {"python": ["3.12"]}),
            "build-variants-files": Field('["variants.yaml"]', lambda m: m.name, "demo", '"variants.yaml"'),
            "target": Field("{ win = { build-variants = { python = [] } } }", lambda m: m.name, "demo"),
        },
    ),
    "[workspace] (what is inherited)": Where(
        "workspace.ENTRY",
        {"dependencies": Field('{ y = "1" }', lambda m: specs(content(m).dependencies), ["y ==1"])},
        "dependencies.y.workspace = true",
    ),
    "`workspace.target.unix`": Where(
        "workspace.target.unix.ENTRY", {"build-variants": Field('{ a = ["1"] }', lambda m: m.build_variants, {})}
    ),
    "a channel": Where(
        'workspace.channels = [{ channel = "z", ENTRY }, "a"]',
        {
            "priority": Field("-1", lambda m: [c.written for c in m.channels], ["a", "z"], '"high"'),
            "exclude-newer": Field('"1d"', lambda m: m.channels[0].exclude_newer, int(NOW.timestamp() * 1000) - DAY),
        },
    ),
    "a channel (its name)": Where(
        "workspace.channels = [{ ENTRY }]", {"channel": Field('"b"', lambda m: m.channels[0].written, "b")}
    ),
    "`s3-options`": Where(
        'workspace.s3-options.b = { endpoint-url = "https://s.example", region = "r", ENTRY }',
        {"force-path-style": Field("true", lambda m: m.s3_options["b"]["force-path-style"], True, '"yes"')},
    ),
    "`s3-options` (endpoint)": Where(
        'workspace.s3-options.b = { force-path-style = false, region = "r", ENTRY }',
        {
            "endpoint-url": Field(
                '"https://s.example"', lambda m: m.s3_options["b"]["endpoint-url"], "https://s.example"
            )
        },
    ),
    "`s3-options` (region)": Where(
        'workspace.s3-options.b = { endpoint-url = "https://s.example", force-path-style = true, ENTRY }',
        {"region": Field('"r"', lambda m: m.s3_options["b"]["region"], "r")},
    ),
    "a platform": Where(
        CUDA_MANIFEST,
        {
            "name": Field('"jetson"', lambda m: platform(m).name, "jetson"),
            "cuda": virtual("12.0", "__cuda"),
            "archspec": Field('"skylake"', lambda m: platform(m).name, "linux-64-archspec-skylake"),
            "glibc": virtual("2.35", "__glibc"),
            "linux": virtual("6.1", "__linux"),
            "macos": virtual("14", "__osx"),
            "osx": virtual("14", "__osx"),
            "windows": virtual("11", "__win"),
        },
    ),
    "a platform (its subdir)": Where(
        'workspace.platforms = [{ name = "box", ENTRY }]',
        {
            "platform": Field(
                '"linux-aarch64"', lambda m: (platform(m).name, platform(m).subdir), ("box", "linux-aarch64")
            )
        },
    ),
    "`cuda`": Where(
        CUDA_MANIFEST.replace("ENTRY", 'cuda = { driver = "12", ENTRY }'),
        {"arch": Field('"8.7"', lambda m: platform(m).version_of("__cuda_arch"), "8.7")},
    ),
    "`cuda` (driver)": Where(CUDA_MANIFEST.replace("ENTRY", "cuda = { ENTRY }"), {"driver": virtual("12.8", "__cuda")}),
    "system-requirements": Where(
        "system-requirements.ENTRY",
        {
            "linux": Field('"6.1"', lambda m: default(m).platforms[0].version_of("__linux"), "6.1", "true"),
            "unix": Field("true", lambda m: default(m).platforms[0].version_of("__unix"), "0", "[]"),
            "libc": Field('"2.35"', lambda m: default(m).platforms[0].version_of("__glibc"), "2.35", "true"),
            "cuda": SYSTEM._replace(valid='"12"', wrong="true"),
            "archspec": Field('"skylake"', lambda m: default(m).platforms[0].name, "linux-64-archspec-skylake", "true"),
            "macos": Field('"14"', lambda m: default(m).platforms[0].version_of("__osx"), "14", "true"),
        },
        'workspace.platforms = ["PLATFORM"]',
    ),
    "`libc`": Where(
        'system-requirements.libc = { version = "1.2", ENTRY }',
        {"family": Field('"musl"', lambda m: default(m).platforms[0].version_of("__musl"), "1.2")},
    ),
    "`libc` (version)": Where(
        "system-requirements.libc = { ENTRY }",
        {"version": Field('"2.35"', lambda m: default(m).platforms[0].version_of("__glibc"), "2.35")},
    ),
    "the feature `f`": Where(
        "feature.f.ENTRY",
        {
            **tables(lambda m: feature(m).content),
            **legacy(lambda m: feature(m).content),
            **shared(feature),
            "system-requirements": SYSTEM_OF_FEATURE,
        },
    ),
    "the environment `e`": Where(
        "environments.e.ENTRY",
        {
            **tables(lambda m: inline(m).content),
            **shared(inline),
            "features": Field('["f"]', lambda m: m.environment("e").feature_names, ("f", "default")),
            "solve-group": Field('"g"', lambda m: m.environment("e").solve_group, "g"),
            "no-default-feature": Field("true", lambda m: m.environment("e").feature_names, ()),
        },
        FEATURE,
    ),
    "`target.unix`": Where("target.unix.ENTRY", {**tables(target), **legacy(target)}),
    "`target.unix` (feature)": Where(
        "feature.f.target.unix.ENTRY",
        {**tables(lambda m: feature(m).targets[0]), **legacy(lambda m: feature(m).targets[0])},
    ),
    "`target.linux`": Where("environments.e.target.linux.ENTRY", tables(lambda m: inline(m).targets[0])),
    "activation": Where(
        "activation.ENTRY",
        {
            "scripts": Field('["a.sh"]', lambda m: default(m).activation(platform(m))[0], ("a.sh",), '"a.sh"'),
            "env": Field('{ A = "b" }', lambda m: default(m).activation(platform(m))[1], {"A": "b"}),
            "dotenv": Field('[".env"]', lambda m: default(m).dotenv(platform(m)), (".env",), '".env"'),
        },
    ),
    "a dependency": Where(
        "dependencies.x = { ENTRY }",
        {
            "version": spec_field('">=1,<2"', "x >=1,<2"),
            "build": spec_field('"py*"', 'x[build="py*"]'),
            "build-number": spec_field('">=1"', 'x[build_number=">=1"]', "true"),
            "file-name": spec_field('"x-1-0.conda"', 'x[fn="x-1-0.conda"]'),
            "channel": spec_field('"b"', "b::x"),
            "subdir": spec_field('"linux-64"', 'x[subdir="linux-64"]'),
            "extras": spec_field('["a"]', "x[extras=[a]]"),
            "flags": spec_field('["a*"]', "x[flags=[a*]]"),
            "license": spec_field('"MIT"', 'x[license="MIT"]'),
            "license-family": spec_field('"MIT"', 'x[license_family="MIT"]'),
            "track-features": spec_field('["a"]', 'x[track_features="a"]'),
            "when": spec_field(
                '{ any = ["python >=3.12", { package = "y", version = "1" }] }', 'x[when="python >=3.12 or y ==1"]'
            ),
            "md5": spec_field(f'"{MD5}"', f'x[md5="{MD5}"]'),
            "sha256": spec_field(f'"{SHA256}"', f'x[sha256="{SHA256}"]'),
            "url": Field('"https://h.example/x-1-0.conda"', lambda m: spec(m).url, "https://h.example/x-1-0.conda"),
            "path": Field('"./x-1-0.conda"', lambda m: str(spec(m).url).endswith("x-1-0.conda"), True),
            "git": Field(f'"{GIT}"', source, {"git": GIT}),
            "workspace": spec_field("true", "x <9"),
        },
        f"{BUILDS}\nworkspace.dependencies.x = '<9'",
    ),
    "the source dependency `x`": Where(
        f'dependencies.x = {{ git = "{GIT}", ENTRY }}',
        {
            "version": Field('">=1"', source, {"git": GIT, "version": ">=1"}),
            "build": Field('"py*"', source, {"git": GIT, "build": "py*"}),
            "extras": Field('["a"]', source, {"git": GIT, "extras": ["a"]}),
            "flags": Field('["a"]', source, {"git": GIT, "flags": ["a"]}),
            "when": Field('"python >=3.12"', source, {"git": GIT, "when": "python >=3.12"}),
            "package": Field('{ name = "x" }', source, {"git": GIT, "package": {"name": "x"}}),
        },
        BUILDS,
    ),
    **{
        f"the source dependency `x`{how or ' (places)'}": where
        for how, where in tree("dependencies.x = { ENTRY }", source).items()
    },
    **{
        f"`dev.x`{how}": where
        for how, where in tree("dev.x = { ENTRY }", lambda m: dict(*content(m).dev.values())).items()
    },
    "a PyPI dependency": Where(
        "pypi-dependencies.x = { ENTRY }",
        {
            "version": Field('">=1"', lambda m: str(requirement(m)), "x>=1"),
            "extras": Field('["a"]', lambda m: str(requirement(m)), "x[a]"),
            "env-markers": Field(
                "\"sys_platform == 'win32'\"", lambda m: str(requirement(m).marker), "sys_platform == 'win32'"
            ),
            "index": Field('"https://i.example/simple"', lambda m: requirement(m).index, "https://i.example/simple"),
            "git": Field(f'"{GIT}"', lambda m: str(requirement(m)), f"x @ git+{GIT}"),
            "path": Field('"./x"', lambda m: str(requirement(m)), "x @ ./x"),
            "url": Field(f'"{ARCHIVE}"', lambda m: str(requirement(m)), f"x @ {ARCHIVE}"),
        },
    ),
    "a PyPI dependency (git)": Where(
        f'pypi-dependencies.x = {{ git = "{GIT}", ENTRY }}',
        {
            "rev": Field('"abc"', lambda m: str(requirement(m)), f"x @ git+{GIT}@abc"),
            "branch": Field('"main"', lambda m: str(requirement(m)), f"x @ git+{GIT}@main"),
            "tag": Field('"v1"', lambda m: str(requirement(m)), f"x @ git+{GIT}@v1"),
            "subdirectory": Field('"py"', lambda m: str(requirement(m)), f"x @ git+{GIT}#subdirectory=py"),
            "lfs": Field("true", lambda m: getattr(requirement(m).source, "lfs", None), True),
        },
    ),
    "a PyPI dependency (path)": Where(
        'pypi-dependencies.x = { path = ".", ENTRY }',
        {"editable": Field("true", lambda m: requirement(m).editable, True)},
    ),
    "pypi-options": Where(
        "pypi-options.ENTRY",
        {
            "index-url": Field(
                '"https://i.example/simple"', lambda m: options(m).index_url, "https://i.example/simple"
            ),
            "extra-index-urls": Field(
                '["https://i.example/simple"]',
                lambda m: options(m).extra_index_urls,
                ("https://i.example/simple",),
                '"https://i.example/simple"',
            ),
            "find-links": Field('[{ path = "w" }]', lambda m: [f.path for f in options(m).find_links], ["w"], '["w"]'),
            "no-build-isolation": Field('["b", "A"]', lambda m: options(m).no_build_isolation, ("b", "a")),
            "no-build": Field("true", lambda m: options(m).no_build, True),
            "no-binary": Field('["a"]', lambda m: options(m).no_binary, ("a",)),
            "index-strategy": Field('"unsafe-first-match"', lambda m: options(m).index_strategy, "unsafe-first-match"),
            "prerelease-mode": Field('"allow"', lambda m: options(m).prerelease_mode, "allow"),
            "dependency-overrides": Field('{ y = "==2" }', lambda m: names(options(m).dependency_overrides), ["y==2"]),
            "skip-wheel-filename-check": Field("true", lambda m: options(m).skip_wheel_filename_check, True),
        },
    ),
    "`conda-pypi-map.a`": Where(
        "workspace.conda-pypi-map.a = { ENTRY }",
        {
            "location": Field('"map.json"', lambda m: of_channel(m).location, "map.json"),
            "mapping": Field(
                '{ x = ["y", "z"], w = false }', lambda m: of_channel(m).mapping, {"x": ("y", "z"), "w": ()}
            ),
            "mapping-mode": Field('"replace"', lambda m: of_channel(m).replaces, True),
            "same-name-heuristic": Field("true", lambda m: of_channel(m).same_name, True),
        },
    ),
    "the task `t`": Where(
        "tasks.t = { ENTRY }",
        {
            "cmd": Field('["a", "b"]', lambda m: task(m).command, ("a", "b")),
            "depends-on": Field('"u"', lambda m: task(m).depends_on, (TaskDependency("u"),)),
            "depends_on": Field('["u"]', lambda m: task(m).depends_on, (TaskDependency("u"),)),
            "args": Field('["a"]', lambda m: [a.name for a in task(m).args or ()], ["a"], '"a"'),
            "inputs": Field('["*.py", "!a.py"]', lambda m: task(m).inputs, ("*.py", "!a.py"), '"*.py"'),
            "outputs": Field('["a"]', lambda m: task(m).outputs, ("a",), '"a"'),
            "env": Field('{ A = "b" }', lambda m: task(m).env, {"A": "b"}),
            "cwd": Field('"sub"', lambda m: task(m).cwd, "sub"),
            "description": Field('"says"', lambda m: task(m).description, "says"),
            "clean-env": Field("true", lambda m: task(m).clean_env, True),
            "default-environment": Field('"e"', lambda m: task(m).default_environment, "e"),
        },
        f"{INLINE}\ntasks.u = 'echo'",
    ),
    "a dependency of a task": Where(
        'tasks.t.depends-on = [{ task = "u", ENTRY }]',
        {
            "args": Field('["a", { b = "c" }]', lambda m: dependency(m).args, ("a", ("b", "c"))),
            "environment": Field('"e"', lambda m: dependency(m).environment, "e"),
        },
        INLINE,
    ),
    "a dependency of a task (its name)": Where(
        "tasks.t.depends-on = [{ ENTRY }]", {"task": Field('"u"', lambda m: dependency(m).task, "u")}
    ),
    "an argument of a task": Where(
        'tasks.t.args = [{ arg = "a", ENTRY }]',
        {
            "default": Field('"b"', lambda m: argument(m).default, "b"),
            "choices": Field('["b", "c"]', lambda m: argument(m).choices, ("b", "c"), '"b"'),
        },
    ),
    "an argument of a task (its name)": Where(
        "tasks.t.args = [{ ENTRY }]", {"arg": Field('"a"', lambda m: argument(m).name, "a")}
    ),
    "[package]": Where(
        "package.ENTRY",
        {
            **meta(),
            "version": kept('"1.0"', "1.0", "version"),
            "authors": kept('["A"]', ["A"], "authors"),
            "publish": kept("false", False, "publish"),
            "build": kept("{ build-number = 3 }", 3, "build", "build-number"),
            "build-dependencies": kept(SPECS[0], SPECS[1], "build-dependencies"),
            "host-dependencies": kept(
                "{ x = { pin-compatible = true } }", {"pin-compatible": True}, "host-dependencies", "x"
            ),
            "run-dependencies": kept('{ "if(unix)" = { x = "1" } }', {"x": "1"}, "run-dependencies", "if(unix)"),
            "run-constraints": kept(SPECS[0], SPECS[1], "run-constraints"),
            "extra-dependencies": kept('{ test = { x = ">=1" } }', SPECS[1], "extra-dependencies", "test"),
            "run-exports": kept('{ weak = { x = ">=1" } }', SPECS[1], "run-exports", "weak"),
            "target": kept(
                '{ unix = { run-dependencies = { x = ">=1" } } }', SPECS[1], "target", "unix", "run-dependencies"
            ),
        },
        BUILDS,
    ),
    "`version`": Where(
        "package.version = { ENTRY }", {"workspace": kept("true", True, "version", "workspace")}, BUILDS
    ),
    "a target of [package]": Where(
        "package.target.unix.ENTRY",
        {
            key: kept(SPECS[0], SPECS[1], "target", "unix", key)
            for key in ("build-dependencies", "host-dependencies", "run-dependencies", "run-constraints")
        },
        BUILDS,
    ),
    "`run-exports`": Where(
        "package.run-exports.ENTRY",
        {
            key: kept(SPECS[0], SPECS[1], "run-exports", key)
            for key in ("weak", "strong", "noarch", "weak-constraints", "strong-constraints")
        },
        BUILDS,
    ),
    "the pin `p`": Where(
        "package.run-exports.weak.p = { ENTRY }",
        {
            "pin-compatible": kept("true", True, "run-exports", "weak", "p", "pin-compatible"),
            "pin-subpackage": kept("true", True, "run-exports", "weak", "p", "pin-subpackage"),
        },
        f'{BUILDS}\npackage.name = "p"',
        is_whole=False,
    ),
    "`pin-compatible`": Where(
        "package.run-dependencies.x = { pin-compatible = { ENTRY } }",
        {
            key: kept(value, meaning, "run-dependencies", "x", "pin-compatible", key)
            for key, value, meaning in (
                ("lower-bound", '"x.x"', "x.x"),
                ("upper-bound", '"x"', "x"),
                ("build", '"py*"', "py*"),
                ("exact", "true", True),
            )
        },
        BUILDS,
    ),
    "[package.build]": Where(
        "package.build.ENTRY",
        {
            "backend": kept('{ name = "b", version = "*" }', {"name": "b", "version": "*"}, "build", "backend"),
            "channels": kept('["b"]', ["b"], "build", "channels", wrong='"b"'),
            "config": kept("{ anything = [1] }", {"anything": [1]}, "build", "config"),
            "target": kept("{ win-64 = { config = {} } }", {"config": {}}, "build", "target", "win-64"),
            "source": kept('{ path = "x" }', {"path": "x"}, "build", "source"),
            "flags": kept('["a"]', ["a"], "build", "flags"),
            "build-number": kept("3", 3, "build", "build-number", wrong='"3"'),
            "build-string-prefix": kept('"cuda"', "cuda", "build", "build-string-prefix"),
            "secrets": kept('["A"]', ["A"], "build", "secrets"),
            "additional-dependencies": kept(SPECS[0], SPECS[1], "build", "additional-dependencies"),
        },
        BUILDS,
    ),
    "a target of [package.build]": Where(
        "package.build.target.unix.ENTRY",
        {"config": kept("{ a = 1 }", {"a": 1}, "build", "target", "unix", "config")},
        BUILDS,
    ),
    "`source`": Where(
        "package.build.source = { ENTRY }",
        {key: kept('"x"', {key: "x"}, "build", "source") for key in ("path", "git")},
        BUILDS,
    ),
    "`source` (git)": Where(
        f'package.build.source = {{ git = "{GIT}", ENTRY }}',
        {key: kept('"x"', "x", "build", "source", key) for key in ("rev", "tag", "branch", "subdirectory")},
        BUILDS,
    ),
    "`backend`": Where(
        'package.build.backend = { name = "b", ENTRY }',
        {
            "channels": kept('["b"]', ["b"], "build", "backend", "channels", wrong='"b"'),
            "additional-dependencies": kept(SPECS[0], SPECS[1], "build", "backend", "additional-dependencies"),
            **{
                key: kept(value, value.strip('"'), "build", "backend", key)
                for key, value in (
                    ("version", '">=1"'),
                    ("build", '"py*"'),
                    ("file-name", '"b-1-0.conda"'),
                    ("channel", '"b"'),
                    ("subdir", '"linux-64"'),
                    ("license", '"MIT"'),
                    ("license-family", '"MIT"'),
                    ("when", '"python"'),
                    ("md5", f'"{MD5}"'),
                    ("sha256", f'"{SHA256}"'),
                    ("path", '"../b"'),
                    ("git", f'"{GIT}"'),
                    ("url", f'"{ARCHIVE}"'),
                )
            },
            "build-number": kept("1", 1, "build", "backend", "build-number", wrong="true"),
            "extras": kept('["a"]', ["a"], "build", "backend", "extras"),
            "flags": kept('["a"]', ["a"], "build", "backend", "flags"),
            "track-features": kept('["a"]', ["a"], "build", "backend", "track-features"),
            "workspace": kept("true", True, "build", "backend", "workspace"),
        },
        f'{BUILDS}\nworkspace.dependencies.b = "1"',
    ),
    "`backend` (git)": Where(
        f'package.build.backend = {{ name = "b", git = "{GIT}", ENTRY }}',
        {
            **{key: kept('"x"', "x", "build", "backend", key) for key in ("rev", "tag", "branch", "subdirectory")},
            "lfs": kept("true", True, "build", "backend", "lfs"),
        },
        BUILDS,
    ),
    "`backend` (name)": Where(
        "package.build.backend = { ENTRY }", {"name": kept('"b"', "b", "build", "backend", "name")}, BUILDS
    ),
}
OWN_SYSTEM = {"macos": "osx-64"}
"""System requirements that say nothing of Linux."""


def of_channel(manifest: WorkspaceManifest) -> ChannelMap:
    assert manifest.conda_pypi_map is not None
    [found] = manifest.conda_pypi_map.channels.values()
    return found


def argument(manifest: WorkspaceManifest) -> TaskArgument:
    [found] = task(manifest).args or ()
    return found
