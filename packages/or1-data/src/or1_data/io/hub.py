"""Rows of a hub set through `datasets`, imported only when a hub id is read.

An id is `owner/name`, `owner/name:config`, `owner/name#split` or both; without a split, all splits are read in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from or1_data.errors import SourceError
from or1_data.io.rows import Located

HUB_ID: Final = re.compile(
    r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<config>[\w.-]+))?(?:@(?P<revision>[\w.-]+))?(?:#(?P<split>[\w.-]+))?"
)


def is_hub_id(text: str) -> bool:
    """Whether `text` can be a hub id; the caller first checks that no such file exists."""
    return HUB_ID.fullmatch(text) is not None


def iter_hub(identifier: str) -> Iterator[Located]:
    """Rows of a hub set, streamed.

    Raises:
        SourceError: not an id, the extra is not installed, or the hub does not give it.
    """
    found = HUB_ID.fullmatch(identifier)
    if found is None:
        raise SourceError(
            f"{identifier!r} is neither a file nor a hub id; expected owner/name[:config][@revision][#split]"
        )
    datasets = _datasets(identifier)
    try:
        loaded = datasets.load_dataset(
            found["name"], found["config"], split=found["split"], revision=found["revision"], streaming=True
        )
        splits = {found["split"]: loaded} if found["split"] else dict(loaded.items())
        for split, rows in splits.items():
            for number, row in enumerate(rows, start=1):
                yield Located(f"{found['name']}#{split}", number, dict(row))
    except (OSError, ValueError, RuntimeError) as error:  # what `datasets` raises for missing sets and no network
        raise SourceError(
            f"hub set {identifier!r} cannot be read ({error}); check its name, network and login"
        ) from error


def _datasets(identifier: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise SourceError(f"{identifier!r} is a hub set; install `or1-data[hub]` to read it") from error
    return datasets
