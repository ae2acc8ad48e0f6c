"""Which files a source means: one file, a folder, a pattern, or several of them."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from or1_data.errors import SourceError
from or1_data.io.rows import SUFFIXES, suffix_of

_ABOUT: Final = frozenset({"dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json"})
"""Files that `datasets.save_to_disk` writes beside the data."""


def is_local(text: str) -> bool:
    """Whether a text names files of this machine: it exists, or it is a pattern that matches."""
    return Path(text).exists() or (has_magic(text) and bool(matches(text)))


def matches(pattern: str) -> list[str]:
    """The paths that a pattern matches, in order; `**` is any number of folders."""
    return sorted(glob(pattern, recursive=True))  # noqa: PTH207  the pattern may be absolute


def files_of(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """The files in order of their names; a folder or a pattern must hold one kind of file.

    Raises:
        SourceError: nothing is found, or several kinds of files are.
    """
    if isinstance(source, str | Path):
        return _found(Path(source))
    return [file for one in source for file in _found(Path(one))]


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        return _one_kind([file for file in sorted(path.rglob("*")) if _is_data(file)], path)
    if path.exists() or not has_magic(str(path)):
        return [path]
    return _one_kind([Path(name) for name in matches(str(path)) if _is_data(Path(name))], path)


def _is_data(file: Path) -> bool:
    return file.is_file() and file.name[0] not in "._" and file.name not in _ABOUT and suffix_of(file) in SUFFIXES


def _one_kind(files: list[Path], path: Path) -> list[Path]:
    kinds = sorted({suffix_of(file) for file in files})
    if not files:
        raise SourceError(f"{path}: not a readable file; known endings: {', '.join(SUFFIXES)}")
    if len(kinds) > 1:
        raise SourceError(f"{path}: has files of several kinds ({', '.join(kinds)}); name one, as {path}/*{kinds[0]}")
    return files
