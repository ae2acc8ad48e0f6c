"""What mkdocs does beside rendering docs/: generated reference pages, the READMEs as pages, KaTeX from or1-eval."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import PROGRAMS, command_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from modules import module_pages
from settings import settings_page

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("or1-reward", "or1-data", "or1-rollout", "or1-eval", "or1-trainer")
KATEX = ROOT / "packages/or1-eval/src/or1_eval/view/assets/katex"
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    **{f"packages/{name}/README.md": f"packages/{name}.md" for name in NAMES},
    **{f"packages/{name}/CHANGELOG.md": f"changes/{name}.md" for name in NAMES},
    "packages/or1-reward/CODE.md": "packages/or1-reward-code.md",
}
"""Pages that lie outside of docs/ -> their address in the site."""
EXAMPLES = {f"examples/{path.name}": f"examples/{path.stem}.md" for path in sorted((ROOT / "examples").glob("*.py"))}
"""Example programs -> the page that shows each."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the generated pages of modules, and the pages of single studies, to the navigation."""
    sections = {title: entries for section in config.nav or [] for title, entries in section.items()}
    api: dict[str, list[dict[str, str]]] = {}
    for address, _ in module_pages():
        name = Path(address).stem
        api.setdefault(name.partition(".")[0], []).append({name: address})
    sections["Reference"] += [{"Functions and classes": [{package: pages} for package, pages in api.items()]}]
    sections["Examples"] += [{Path(source).name: address} for source, address in EXAMPLES.items()]
    (studies,) = (entry["Studies"] for entry in sections["Explanation"] if "Studies" in entry)
    named = {address for entry in studies for address in entry.values()}
    found = sorted(f"studies/{path.name}" for path in (ROOT / "docs/studies").glob("*.md"))
    studies += [address for address in found if address not in named]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files that are not in docs/."""
    for address, text in pages():
        files.append(File.generated(config, address, content=text))
    for path in sorted(KATEX.rglob("*")):
        if path.suffix in {".js", ".css", ".woff2"}:
            files.append(File.generated(config, f"katex/{path.relative_to(KATEX).as_posix()}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Marks behind the language of a code block (`no-run`) are for the tests, not for readers."""
    address = page.file.src_uri
    if (ROOT / "docs" / address).is_file():
        markdown = with_links_moved(markdown, f"docs/{address}", address)
    return re.sub(r"^(```\w+) no-run$", r"\1", markdown, flags=re.MULTILINE)


def pages() -> Iterator[tuple[str, str]]:
    """(address, text) of each page that is not in docs/."""
    for source, address in ELSEWHERE.items():
        if (ROOT / source).is_file():
            yield address, with_links_moved((ROOT / source).read_text(), source, address)
    for source, address in EXAMPLES.items():
        code = (ROOT / source).read_text()
        yield address, f"# {Path(source).name}\n\n```python\n{code}```\n"
    for program in PROGRAMS:
        yield f"reference/commands/{program}.md", command_page(program)
    yield from settings_pages()
    yield from module_pages()


def settings_pages() -> Iterator[tuple[str, str]]:
    """The settings of each program and library."""
    from or1_data.run.recipe import Recipe
    from or1_eval.types import Sampling
    from or1_reward.code_settings import CodeSettings
    from or1_reward.comparison import Compare
    from or1_reward.maths.settings import MathSettings
    from or1_reward.types import Limits
    from or1_rollout.engines.openai.settings import EndpointSettings
    from or1_rollout.engines.vllm.settings import VllmSettings
    from or1_rollout.types import SamplingParams
    from or1_trainer.config.schema import RunConfig

    yield (
        "reference/settings/or1-trainer.md",
        settings_page(
            "Settings of or1-trainer",
            "A recipe is a TOML file with these keys. On the command line each is a flag, `--section.key VALUE`. An "
            "unknown key and a value out of range are errors. `or1-trainer train RECIPE --dry-run` prints all values.",
            [("", RunConfig)],
        ),
    )
    yield (
        "reference/settings/or1-data.md",
        settings_page(
            "Settings of or1-data",
            "The keys of a recipe for `or1-data run`. `or1-data recipes NAME` prints a shipped one.",
            [("", Recipe)],
        ),
    )
    libraries = (MathSettings, CodeSettings, Compare, Limits, SamplingParams, EndpointSettings, VllmSettings, Sampling)
    yield (
        "reference/settings/libraries.md",
        settings_page(
            "Settings of or1-reward, or1-rollout and or1-eval",
            "Keyword arguments of the classes that functions of these packages take.",
            [(f"{kind.__module__.partition('.')[0]}.{kind.__name__}", kind) for kind in libraries],
        ),
    )


def with_links_moved(text: str, source: str, address: str) -> str:
    """The page with its relative links pointing to where their targets are in the site."""
    up = "../" * address.count("/")

    def moved(match: re.Match[str]) -> str:
        target, hash_mark, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", target) or not target:
            return match[0]
        path = (ROOT / source).parent.joinpath(target).resolve().relative_to(ROOT).as_posix()
        where = (ELSEWHERE | EXAMPLES).get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        return match[0] if where is None else f"]({up}{where}{hash_mark}{anchor})"

    return re.sub(r"\]\(([^)\s]+)\)", moved, text)
