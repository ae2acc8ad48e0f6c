"""A folder of safetensors files read by tensor name and slice, without loading more than the slice."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from safetensors import SafetensorError, safe_open
from torch import Tensor

from or1_trainer.policy.errors import WeightError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"


class SafetensorsFolder:
    """The tensors of a Hugging Face folder, one file or many; files are opened when first needed."""

    def __init__(self, folder: Path) -> None:
        """Read the index of `folder`.

        Raises:
            WeightError: the folder holds neither of the two known files, or they cannot be read.
        """
        self._folder, self._stack = folder, ExitStack()
        self._open_files: dict[str, Any] = {}
        if (folder / INDEX).is_file():
            self._file_of = _read_index(folder / INDEX)
        elif (folder / SINGLE).is_file():
            self._file_of = dict.fromkeys(self._file(SINGLE).keys(), SINGLE)
        else:
            raise WeightError(
                f"{folder} holds neither {SINGLE} nor {INDEX}; give the folder of a model in safetensors format"
            )

    def __enter__(self) -> Self:
        """Close the files at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        self._stack.close()

    def keys(self) -> list[str]:
        """Names of all tensors."""
        return list(self._file_of)

    def shape(self, name: str) -> list[int]:
        """Shape of a tensor, from the header alone."""
        shape: list[int] = self._file(self._file_of[name]).get_slice(name).get_shape()
        return shape

    def read(self, name: str, axis: int | None, bounds: tuple[int, int] | None) -> Tensor:
        """Read a tensor, or only the rows (axis 0) or columns (axis 1) within `bounds`."""
        view = self._file(self._file_of[name]).get_slice(name)
        if axis is None or bounds is None:
            whole: Tensor = view[:]
            return whole
        start, stop = bounds
        part: Tensor = view[start:stop] if axis == 0 else view[:, start:stop]
        return part

    def _file(self, name: str) -> Any:
        if name not in self._open_files:
            path = self._folder / name
            try:
                self._open_files[name] = self._stack.enter_context(safe_open(path, framework="pt"))
            except (OSError, SafetensorError) as error:
                raise WeightError(
                    f"{path} cannot be read: {error}; the download or copy is incomplete, fetch it again"
                ) from error
        return self._open_files[name]


def _read_index(path: Path) -> dict[str, str]:
    try:
        weight_map: dict[str, str] = json.loads(path.read_text())["weight_map"]
    except (ValueError, KeyError) as error:
        raise WeightError(f"{path} is not an index of safetensors files ({error!r}); fetch it again") from error
    return weight_map
