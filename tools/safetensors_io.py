"""Reads and writes safetensors files with numpy alone, for those without the safetensors package.

    from safetensors_io import load_file, save_file
    state_dict = {name: torch.from_numpy(array) for name, array in load_file(PATH).items()}

The layout is huggingface/safetensors': 8 bytes little-endian n, n bytes of JSON, the data. A file
whose metadata has "sha256" (hourglass writes it) is checked: it is the SHA-256 of the whole file in
which these 64 digits count as "0".
"""

import hashlib
import json
import os

import numpy as np

DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}
MAX_HEADER_BYTES = 100_000_000


def load_file(path):
    """The tensors of a file: {name: array}, each its own writable memory."""
    return _load(path)[0]


def load_metadata(path):
    """The strings of a file's "__metadata__": {key: text}."""
    return _load(path)[1]


def save_file(tensors, path, metadata=None):
    """Writes {name: array} whole or not at all, as the safetensors package would (no checksum)."""
    arrays = {name: np.asarray(array) for name, array in tensors.items()}
    # Wide elements first: then each tensor is aligned to its elements.
    names = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header = {} if metadata is None else {"__metadata__": dict(metadata)}
    offset = 0
    for name in names:
        array = arrays[name]
        header[name] = {
            "dtype": _dtype_name(name, array.dtype),
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    folder, base = os.path.split(path)
    temporary = os.path.join(folder, f".{base}.tmp")
    with open(temporary, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name in names:
            file.write(arrays[name].astype(arrays[name].dtype.newbyteorder("<")).tobytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _dtype_name(name, dtype):
    for text, known in DTYPES.items():
        if dtype.newbyteorder("<") == known:
            return text
    raise ValueError(f"tensor {name} is of {dtype}: convert it to one of {', '.join(DTYPES)}")


def _load(path):
    with open(path, "rb") as file:
        content = file.read()

    def require(condition, what):
        if not condition:
            raise ValueError(f"{path}: {what}: it is damaged or not a safetensors file")

    require(len(content) >= 8, "too short")
    length = int.from_bytes(content[:8], "little")
    require(length <= min(MAX_HEADER_BYTES, len(content) - 8), "its header is too long")
    start = 8 + length
    header = json.loads(content[8:start].decode())
    metadata = header.pop("__metadata__", {})
    data = memoryview(content)[start:]
    if "sha256" in metadata:
        digits = metadata["sha256"].encode()
        require(len(digits) == 64 and content[:start].count(digits) == 1, "its checksum is odd")
        digest = hashlib.sha256(content[:start].replace(digits, b"0" * 64))
        digest.update(data)
        require(digest.hexdigest().encode() == digits, "its checksum does not match")

    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        require(entry["dtype"] in DTYPES, f"tensor {name} is of the unknown {entry['dtype']}")
        dtype = DTYPES[entry["dtype"]]
        array_bytes = int(np.prod(entry["shape"], dtype=object)) * dtype.itemsize
        begin, begin_of_next = entry["data_offsets"]
        require(
            begin == end and begin_of_next - begin == array_bytes and begin_of_next <= len(data),
            f"tensor {name} is out of place",
        )
        end = begin_of_next
        tensors[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"]).copy()
    require(end == len(data), "bytes are left over")
    return tensors, metadata
