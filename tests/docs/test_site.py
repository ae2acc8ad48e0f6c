"""The documentation site: every page is reachable, every link has a target, the reference has every setting and flag.

`.ci/run` builds the site with `mkdocs build --strict`; here is what that does not see, and what is quick enough to run
before each commit.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import yaml

from or1_data.run.recipe import Recipe
from or1_trainer.config.load import resolve
from or1_trainer.config.loss import LossSettings
from or1_trainer.config.rollout import StageSettings
from or1_trainer.config.schema import RunConfig

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/*.md"), ROOT / "docs/llms.txt"])
GENERATED = ("docs/reference/",)
"""Folders of the site that scripts/site/hook.py writes."""


def load(name: str) -> ModuleType:
    """A module of scripts/site, which is no package."""
    spec = importlib.util.spec_from_file_location(f"site_{name}", ROOT / "scripts" / "site" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


settings, commands = load("settings"), load("commands")


def addresses(nav: Any) -> set[str]:
    """Every address in a navigation."""
    if isinstance(nav, str):
        return {nav}
    inner = nav.values() if isinstance(nav, dict) else nav
    return {address for entry in inner for address in addresses(entry)}


def test_every_page_is_in_the_navigation() -> None:
    nav = addresses(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    missing = {page for page in pages - nav if not page.startswith("studies/")}  # those are added by the hook
    assert not missing, f"add to nav in mkdocs.yml: {sorted(missing)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_has_a_target(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    paths = {target: page.parent.joinpath(target).resolve() for target in targets if target and ":" not in target}
    dead = [
        target
        for target, path in paths.items()
        if not path.exists() and not path.relative_to(ROOT).as_posix().startswith(GENERATED)
    ]
    assert not dead


def leaves(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of the plain settings of a recipe."""
    if not isinstance(tree, dict):
        return {prefix: tree}
    return {key: value for name, inner in tree.items() for key, value in leaves(inner, f"{prefix}.{name}").items()}


def test_the_reference_has_every_setting_with_its_default() -> None:
    page = settings.settings_page("t", "", [("", RunConfig)])
    stage = {"steps": 1, "context_tokens": 1, "prompts": 1}
    written = msgspec.to_builtins(resolve({"name": "x", "stages": [stage]}))
    flat = leaves({key: value for key, value in written.items() if key not in {"name", "stages"}})
    assert len(flat) > 100
    sections = {match[1]: match[2] for match in re.finditer(r"^## (.*)\n((?:(?!^## ).*\n?)*)", page, re.MULTILINE)}
    for dotted, value in flat.items():
        *parents, key = dotted.removeprefix(".").split(".")
        rows = sections[f"`{'.'.join(parents)}`" if parents else "Top level"]
        if value in ([], ()) and f"| `{key}` |" not in rows:
            continue  # a list of tables, which has a section of its own
        row = next(line for line in rows.splitlines() if line.startswith(f"| `{key}` |"))
        shown = re.split(r"(?<!\\)\|", row)[3].strip().strip("`").replace("\\|", "|")
        if not isinstance(value, str | list | tuple | dict):
            assert shown == str(value).lower() or float(shown) == value, row


@pytest.mark.parametrize("kind", [RunConfig, Recipe])
def test_every_setting_says_what_it_is(kind: type) -> None:
    sections = list(settings.nested("", kind))
    silent = [
        f"{name}.{setting.key}"
        for name, inner in sections
        for setting in settings.settings_of(inner)
        if not setting.text
    ]
    assert len(sections) > 10
    assert not silent, f"write a string below these fields: {silent}"


def test_ranges_are_shown() -> None:
    kinds = {s.key: s.kind for kind in (LossSettings, StageSettings) for s in settings.settings_of(kind)}
    assert kinds["clip_low"] == "float > 0, < 1"
    assert kinds["group"] == "int ≥ 2"
    assert kinds["advantage_mask"] == 'one of `"none"`, `"before"`, `"after"`'
    assert kinds["rows"] == "list of text"


@pytest.mark.parametrize("program", commands.PROGRAMS)
def test_the_reference_has_every_command_and_flag(program: str) -> None:
    page = commands.command_page(program)
    helped = subprocess.run(
        [sys.executable, "-m", commands.PROGRAMS[program], "--help"], capture_output=True, text=True, timeout=60
    ).stdout
    named = re.findall(r"^    ([a-z][a-z-]+)\b", helped, flags=re.MULTILINE)
    assert named, helped
    for name in named:
        assert re.search(rf"^## {name}$", page, flags=re.MULTILINE), f"{program} {name}"
    parser = importlib.import_module(commands.PROGRAMS[program]).build_parser()
    for name, command in commands.subcommands(parser).items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        flags = set(re.findall(r"^ +(?:-\w(?: [A-Z]+)?, )?(--[a-z][\w-]*)", command.format_help(), flags=re.MULTILINE))
        assert all(f"`{flag}" in section for flag in flags - {"--help"}), (name, flags)


def test_the_diagrams_are_what_the_script_draws() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/diagrams.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_site_fetches_nothing() -> None:
    config = (ROOT / "mkdocs.yml").read_text()
    assert not re.search(r"https?://", config)
    assert yaml.safe_load(config)["theme"]["font"] is False
    for path in (ROOT / "docs/assets").iterdir():
        assert not re.search(r"https?://|@import", path.read_text()), path.name
