"""Rows of a hub set through `datasets`, imported only when a hub id is read.

An id is `owner/name[:config][@revision][#split]`; without a split, all splits are read in order. A set that comes
with a loading script, which `datasets` no longer runs, is read by its files:
`hf://datasets/owner/name[@revision]/path/to/*.parquet` (or .jsonl, .json, .arrow).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from or1_data.errors import ConfigError, SourceError
from or1_data.io.located import Located

HUB_ID: Final = re.compile(
    r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.-]+))?(?:@(?P<revision>[\w.-]+))?(?:#(?P<split>[\w.-]+))?"
)
FILES: Final = "hf://datasets/"
_BUILDERS: Final = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".jsonl.gz": "json", ".arrow": "arrow"}
_SCRIPT: Final = re.compile(r"[Ss]cripts? (?:are|is) no longer supported")
_GATED: Final = re.compile(r"gated|403|401|login|authenticat", re.I)


def is_hub_id(text: str) -> bool:
    """Whether `text` can be a hub id, or files of one; the caller first checks that no such file exists."""
    return text.startswith(FILES) or HUB_ID.fullmatch(text) is not None


def iter_hub(identifier: str) -> Iterator[Located]:
    """Rows of a hub set, streamed.

    Raises:
        SourceError: not an id, the extra is not installed, or the hub does not give it.
    """
    datasets = _datasets(identifier)
    try:
        for name, rows in _splits(datasets, identifier):
            for number, row in enumerate(rows, start=1):
                yield Located(name, number, dict(row))
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        told = " ".join(str(error).split())
        raise SourceError(f"hub set {identifier!r} cannot be read ({told}); {_advice(told)}") from error


def _splits(datasets: Any, identifier: str) -> Iterator[tuple[str, Any]]:
    if identifier.startswith(FILES):
        yield identifier, iter_files(datasets, identifier)
        return
    found = HUB_ID.fullmatch(identifier)
    if found is None:
        raise SourceError(
            f"{identifier!r} is neither a file nor a hub id; expected owner/name[:config][@revision][#split]"
        )
    loaded = datasets.load_dataset(
        found["name"], found["config"], split=found["split"], revision=found["revision"], streaming=True
    )
    for split, rows in [(found["split"], loaded)] if found["split"] else loaded.items():
        yield f"{found['name']}#{split}", rows


def iter_files(datasets: Any, url: str) -> Any:
    """The rows of the files that a pattern matches, streamed, through the builder that their ending names.

    Raises:
        SourceError: another ending.
    """
    for ending, builder in _BUILDERS.items():
        if url.endswith(ending):
            return datasets.load_dataset(builder, data_files=url, split="train", streaming=True)
    raise SourceError(f"{url}: unknown kind of file; use one of {', '.join(_BUILDERS)}")


def push(folder: Path, files: Iterable[str], identifier: str) -> str:
    """Upload the files of a run, its card and manifest to a hub set, private if new; returns its address.

    Not the report: it shows dropped rows, and benchmarks' texts beside them.

    Raises:
        ConfigError: the extra is not installed.
        SourceError: the hub refuses.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ConfigError("--push needs the hub; install `or1-data[hub]`") from error
    try:
        api = HfApi()
        api.create_repo(identifier, repo_type="dataset", private=True, exist_ok=True)
        wanted = [*files, "README.md", "manifest.json"]
        api.upload_folder(repo_id=identifier, repo_type="dataset", folder_path=folder, allow_patterns=wanted)
    except (HfHubHTTPError, OSError, ValueError) as error:
        told = " ".join(str(error).split())[:300]
        raise SourceError(f"{identifier}: cannot be uploaded ({told}); {_advice(told)}") from error
    return f"https://huggingface.co/datasets/{identifier}"


def _advice(error: str) -> str:
    if _SCRIPT.search(error):
        return f"it has a loading script, so name its files instead: {FILES}owner/name/*.parquet"
    if _GATED.search(error):
        return "ask for access on its page, then log in with `hf auth login` or set HF_TOKEN"
    return "check its name, config and split, the network, and HF_HUB_OFFLINE"


def _datasets(identifier: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise SourceError(f"{identifier!r} is a hub set; install `or1-data[hub]` to read it") from error
    return datasets
