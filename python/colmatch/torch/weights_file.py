"""Weights files (docs/weights_format.md) in Python: safetensors with metadata, compressed entries included.

Read as strictly as C++ reads them (network/formats/safetensors.cc, network/formats/tensor_coding.cc): what is damaged, missing or of
another kind is a WeightsError that names file and entry.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np
import torch

from .._loading import weights_folder
from ..errors import InputError, UsageError, WeightsError

Tensors = Dict[str, Any]

_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
          "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
          "BOOL": torch.bool}
_MAX_HEADER = 100_000_000
_MAX_CODED_VALUES = 1 << 26


def find(weights: "str | os.PathLike", network: str) -> Path:
    """The file of `network` (superpoint, superglue): a file, a folder with NETWORK.safetensors, or a name such as
    default. Raises UsageError naming where it was looked for."""
    path = Path(weights)
    if path.is_file():
        return path
    folders = [path, *(Path(f) / str(weights) for f in (os.environ.get("COLMATCH_WEIGHTS"), weights_folder()) if f)]
    for folder in folders:
        if (folder / f"{network}.safetensors").is_file():
            return folder / f"{network}.safetensors"
    raise UsageError(f"weights {os.fspath(weights)}: no such file, and no {network}.safetensors in "
                     + ", ".join(map(str, folders)))


def _no_twice(pairs):
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{sorted(twice)[0]} is there twice")
    return dict(pairs)


def _header(data: bytes, path: Path) -> Tuple[Dict[str, Any], int]:
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else _MAX_HEADER + 1
    if length > min(_MAX_HEADER, len(data) - 8):
        raise WeightsError(f"{path}: is no safetensors file, or cut off: its header does not end in the file")
    try:
        header = json.loads(data[8:8 + length].decode(), object_pairs_hook=_no_twice)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its header is damaged: {error}") from None
    if not isinstance(header, dict):
        raise WeightsError(f"{path}: its header is not a JSON object")
    return header, 8 + length


def _tensor(data: bytes, name: str, entry: Any, base: int, path: Path) -> Tuple[int, int, Any]:
    where = f"{path}: entry '{name}'"
    try:
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        dtype = _TYPES[kind]
        count = 1
        for size in shape:
            if not isinstance(size, int) or size < 0:
                raise ValueError
            count *= size
    except (KeyError, TypeError, ValueError):
        raise WeightsError(f"{where} is damaged: {str(entry)[:100]}") from None
    size = torch.empty(0, dtype=dtype).element_size()
    if not 0 <= begin <= end <= len(data) - base or end - begin != count * size:
        raise WeightsError(f"{where}: its bytes {begin} to {end} are not those of {kind} {shape}")
    raw = bytearray(data[base + begin:base + end])
    tensor = torch.frombuffer(raw, dtype=dtype).reshape(shape) if count else torch.empty(shape, dtype=dtype)
    return begin, end, tensor


def read(path: "str | os.PathLike") -> Tuple[Tensors, Dict[str, str]]:
    """Tensors, the compressed ones decoded, and metadata. Raises WeightsError, InputError (no such file)."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    header, base = _header(data, path)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise WeightsError(f"{path}: its metadata are not texts")
    tensors, spans = {}, []
    for name, entry in header.items():
        begin, end, tensors[name] = _tensor(data, name, entry, base, path)
        spans.append((begin, end))
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise WeightsError(f"{path}: its tensors overlap or leave bytes unused, at byte {at}")
        at = end
    if at != len(data) - base:
        raise WeightsError(f"{path}: has {len(data) - base - at} bytes after its last tensor")
    return _decode(tensors, path), metadata


def write(path: "str | os.PathLike", tensors: Tensors, metadata: Dict[str, str]) -> None:
    """The same bytes as C++ writes for the same network and metadata; to a temporary name, then renamed."""
    path = Path(path)
    names = {dtype: name for name, dtype in _TYPES.items()}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsError(f"{path}: entry '{name}' holds NaN or infinity: not saved")
    header: Dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    blobs, at = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        value = tensor.detach().cpu().contiguous()
        blob = value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        header[name] = {"dtype": names[value.dtype], "shape": list(value.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _symbols(message: np.ndarray, count: int, where: str) -> np.ndarray:
    """Entropy-coded symbols (network/formats/entropy_coder.h): byte-wise asymmetric numeral systems."""
    damaged = WeightsError(f"{where}: its coded values are damaged")
    data = message.tobytes()
    try:
        used = int.from_bytes(data[:2], "little")
        frequency, at, last = [0] * 256, 2, -1
        for _ in range(used):
            symbol, frequency_here = data[at], int.from_bytes(data[at + 1:at + 3], "little")
            if symbol <= last or frequency_here == 0:
                raise damaged
            frequency[symbol], last, at = frequency_here, symbol, at + 3
        if sum(frequency) != 4096 or at + 4 > len(data):
            raise damaged
        table = []
        for symbol, count_here in enumerate(frequency):
            table += [(symbol, count_here, i) for i in range(count_here)]
        state, at = int.from_bytes(data[at:at + 4], "little"), at + 4
        symbols = bytearray(count)
        for i in range(count):
            symbols[i], count_here, offset = table[state & 4095]
            state = count_here * (state >> 12) + offset
            while state < 1 << 23:
                state = state << 8 | data[at]
                at += 1
    except IndexError:
        raise damaged from None
    if state != 1 << 23 or at != len(data):
        raise damaged
    return np.frombuffer(bytes(symbols), np.uint8)


def _part(tensors: Tensors, entry: str, dtype, path: Path) -> np.ndarray:
    if entry not in tensors:
        raise WeightsError(f"{path}: entry '{entry}' is missing")
    tensor = tensors[entry]
    if tensor.dim() != 1 or (dtype is not None and tensor.dtype != dtype):
        raise WeightsError(f"{path}: entry '{entry}' must be a list of {dtype}")
    return tensor.numpy()


def _dense(tensors: Tensors, name: str, path: Path, allowed: int) -> Tuple[Any, str]:
    """A compressed tensor, and which of the four codings it has."""
    shape = [int(size) for size in _part(tensors, f"{name}:shape", torch.int64, path)]
    count = 1
    for size in shape:
        count *= size
        if size < 0 or count > allowed:
            raise WeightsError(f"{path}: entry '{name}:shape' is not that of a tensor; those of a file have at most "
                               f"{_MAX_CODED_VALUES} values together")
    where = f"{path}: entry '{name}:codes'"
    codes = _symbols(_part(tensors, f"{name}:codes", torch.uint8, path), count, where)
    codings = [part for part in (":codebook", ":scale", ":scales", ":values") if name + part in tensors]
    if len(codings) != 1:
        raise WeightsError(f"{path}: entry '{name}' is compressed in {len(codings)} ways, expected one")
    coding = codings[0]
    if coding in (":codebook", ":scale"):
        book = _part(tensors, (name if coding == ":codebook" else "") + ":codebook", torch.float32, path)
        if coding == ":scale":
            book = book * _part(tensors, name + coding, torch.float32, path)[0]
        if count and int(codes.max()) >= len(book):
            raise WeightsError(f"{where} names value {int(codes.max())} of a codebook of {len(book)}")
        values = book[codes]
    elif coding == ":scales":
        scales = _part(tensors, name + coding, torch.float32, path)
        rows = shape[0] if shape else 1
        if len(scales) != rows or (count and codes.min() == 0):
            raise WeightsError(f"{path}: entry '{name}' has {len(scales)} scales of {rows} rows, or the code 0")
        values = (codes.astype(np.float32) - 128) * np.repeat(scales, count // max(rows, 1))
    else:
        packed = _part(tensors, name + coding, None, path)
        if (count and codes.max() > 1) or int(codes.sum()) != len(packed) or packed.dtype.kind != "f":
            raise WeightsError(f"{where} does not fit to its {len(packed)} values")
        values = np.zeros(count, packed.dtype)
        values[codes == 1] = packed
    return torch.from_numpy(np.ascontiguousarray(values)).reshape(shape), coding


def _decode(tensors: Tensors, path: Path) -> Tensors:
    dense, used, allowed = {}, set(), _MAX_CODED_VALUES
    for name in [entry[:-len(":shape")] for entry in tensors if entry.endswith(":shape")]:
        if name in tensors:
            raise WeightsError(f"{path}: entry '{name}' is there compressed and as it is")
        dense[name], coding = _dense(tensors, name, path, allowed)
        allowed -= dense[name].numel()
        used |= {f"{name}:shape", f"{name}:codes", name + coding} | ({":codebook"} if coding == ":scale" else set())
    return {**{name: tensor for name, tensor in tensors.items() if name not in used}, **dense}
