"""What both networks share: loading, saving and what a file must hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Type, TypeVar

import torch

from ..errors import InputError, WeightsError
from . import weights_file


def count_from(metadata: Dict[str, str], key: str, otherwise: int, path: Any) -> int:
    text = metadata.get(key, str(otherwise))
    if not text.isdigit() or int(text) < 1:
        raise WeightsError(f"{path}: metadata '{key}' is '{text}', expected a positive number")
    return int(text)


def output_width(tensors: Dict[str, Any], layer: str, rank: int, path: Any) -> int:
    weight = tensors.get(f"{layer}.weight")
    if weight is None:
        raise WeightsError(f"{path}: entry '{layer}.weight' is missing")
    if weight.dim() != rank:
        raise WeightsError(f"{path}: entry '{layer}.weight' has {weight.dim()} dimensions, expected {rank}")
    return weight.shape[0]


def read_pth(path: Path) -> Dict[str, Any]:
    """An official state_dict, old pickle or zip; only tensors are read. Raises WeightsError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # torch raises what its parsers raise
        raise WeightsError(f"{path}: is no state_dict that torch.load reads as weights: {error}") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(f"{path}: is no state_dict: expected names and tensors")
    return dict(state)


Module = TypeVar("Module", bound="WeightsModule")


class WeightsModule(torch.nn.Module):
    """A network that is built from a file and written to one. `metadata` keeps the file's free text."""

    network = ""

    def __init__(self) -> None:
        super().__init__()
        self.metadata: Dict[str, str] = {}

    @classmethod
    def load(cls: "Type[Module]", weights: "str | os.PathLike" = "default") -> "Module":
        """From a file (.safetensors, also compressed; official .pth), a folder, or a name such as `default`.

        In evaluation mode, float32, on the CPU. Raises WeightsError naming the entry that is missing, extra, misshaped or
        not finite, UsageError where there is no such file.
        """
        path = weights_file.find(weights, cls.network)
        tensors, metadata = (read_pth(path), {}) if path.suffix in (".pth", ".pt") else weights_file.read(path)
        found = metadata.get("architecture", cls.network if not metadata else "none")
        if found != cls.network:
            raise WeightsError(f"{path}: its architecture is {found}, expected {cls.network}")
        module = cls._build(tensors, metadata, path)
        module._fill(tensors, path)
        module.metadata = metadata
        return module.eval()

    def save(self, path: "str | os.PathLike", metadata: "Dict[str, str] | None" = None, half: bool = False) -> None:
        """To safetensors, which `colmatch --weights` loads; half: in float16. `metadata` is added to what the file had."""
        texts = {**self.metadata, **(metadata or {}), **self.architecture_metadata()}
        tensors = {}
        for name, value in self.state_dict().items():
            dtype = torch.int64 if not value.is_floating_point() else torch.float16 if half else torch.float32
            tensors[name] = value.to(dtype)
        weights_file.write(path, tensors, texts)

    def save_pth(self, path: "str | os.PathLike") -> None:
        """To a state_dict under the official names, for torch.load."""
        torch.save(self.state_dict(), path)

    @classmethod
    def _build(cls: "Type[Module]", tensors: Dict[str, Any], metadata: Dict[str, str], path: Any) -> "Module":
        """A module of the widths that the tensors and the metadata have, not yet filled. Raises WeightsError."""
        raise NotImplementedError

    def architecture_metadata(self) -> Dict[str, str]:
        """What a weights file says of the network's widths (docs/weights_format.md)."""
        raise NotImplementedError

    def _fill(self, tensors: Dict[str, Any], path: Any) -> None:
        state = self.state_dict()
        for name in tensors:
            if name not in state:
                raise WeightsError(f"{path}: entry '{name}' does not belong to this architecture")
        for name, target in state.items():
            where = f"{path}: entry '{name}'"
            if name not in tensors:
                raise WeightsError(f"{where} is missing")
            found = tensors[name]
            if found.shape != target.shape or found.is_floating_point() != target.is_floating_point():
                raise WeightsError(f"{where} is {found.dtype} {tuple(found.shape)}, expected {target.dtype} "
                                   f"{tuple(target.shape)}")
            if found.is_floating_point() and not torch.isfinite(found).all():
                raise WeightsError(f"{where} holds NaN or infinity")
        with torch.no_grad():
            for name, target in state.items():
                target.copy_(tensors[name])
