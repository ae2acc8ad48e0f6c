"""A folder of safetensors files read by tensor name and slice, without loading more than the slice."""

import json
from pathlib import Path
from typing import Any

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
        self._folder = folder
        self._open_files: dict[str, Any] = {}
        if (folder / INDEX).is_file():
            self._file_of = _read_index(folder / INDEX)
        elif (folder / SINGLE).is_file():
            self._file_of = dict.fromkeys(self._file(SINGLE).keys(), SINGLE)
        else:
            raise WeightError(
                f"{folder} holds neither {SINGLE} nor {INDEX}; give the folder of a model in safetensors format"
            )

    def keys(self) -> list[str]:
        """Names of all tensors."""
        return list(self._file_of)

    def shape(self, name: str) -> list[int]:
        """Shape of a tensor, from the header alone."""
        shape: list[int] = self._file(self._file_of[name]).get_slice(name).get_shape()
        return shape

    def read(self, name: str, axis: int, held: range) -> Tensor:
        """Read the rows (axis 0) or columns (axis 1) `held` of a tensor."""
        view = self._file(self._file_of[name]).get_slice(name)
        part: Tensor = view[held.start : held.stop] if axis == 0 else view[:, held.start : held.stop]
        return part

    def _file(self, name: str) -> Any:
        if name not in self._open_files:
            path = self._folder / name
            try:
                self._open_files[name] = safe_open(path, framework="pt")
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
