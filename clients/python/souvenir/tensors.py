"""Tensors as the Open Inference Protocol has them, from Python's values and back. numpy is used if
the caller uses it, and is not needed otherwise."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, List, Sequence, Tuple

from souvenir.errors import InvalidArgument

# For struct, little-endian. BF16 has no values in Python.
_FORMATS = {"BOOL": "?", "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "UINT8": "B",
            "UINT16": "H", "UINT32": "I", "UINT64": "Q", "FP16": "e", "FP32": "f", "FP64": "d"}
# For numpy.
_DTYPES = {"BOOL": "?", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
           "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "FP16": "<f2",
           "FP32": "<f4", "FP64": "<f8"}
_NESTED = (list, tuple, range)


@dataclass(frozen=True)
class Tensor:
    """Elements of one datatype in a shape. `raw` has them in row-major order, little-endian; each
    element of BYTES comes after its length in 4 bytes. Immutable.

    numpy.asarray(tensor) works, if numpy is installed."""

    datatype: str
    shape: Tuple[int, ...]
    raw: bytes

    def elements(self) -> List[Any]:
        """Returns all elements in one list. Those of BYTES are `bytes`."""
        if self.datatype == "BYTES":
            return _split(self.raw)
        code = _FORMATS.get(self.datatype)
        if code is None:
            raise InvalidArgument(f"elements of {self.datatype} have no form in Python; use `raw`")
        return list(struct.unpack(f"<{len(self.raw) // struct.calcsize(code)}{code}", self.raw))

    def tolist(self) -> Any:
        """Returns the elements as lists nested as the shape says; a shape of () is one element."""
        values: List[Any] = self.elements()
        for axis in range(len(self.shape) - 1, 0, -1):
            size = self.shape[axis]
            values = [values[i * size:(i + 1) * size] for i in range(math.prod(self.shape[:axis]))]
        return values if self.shape else values[0]

    def texts(self) -> List[str]:
        """Returns the elements of BYTES as text, in one list."""
        if self.datatype != "BYTES":
            raise InvalidArgument(f"a tensor of {self.datatype} has no texts")
        return [element.decode() for element in _split(self.raw)]

    def item(self) -> Any:
        """Returns the only element; BYTES as `bytes`."""
        values = self.elements()
        if len(values) != 1:
            raise InvalidArgument(f"item() is for one element, and there are {len(values)}")
        return values[0]

    def numpy(self) -> Any:
        """Returns an array of numpy. It is read-only, except for BYTES, which are objects."""
        import numpy  # pylint: disable=import-outside-toplevel
        if self.datatype == "BYTES":
            array = numpy.empty(len(elements := _split(self.raw)), dtype=object)
            array[:] = elements
            return array.reshape(self.shape)
        if self.datatype not in _DTYPES:
            raise InvalidArgument(f"numpy has no {self.datatype}; use `raw`")
        return numpy.frombuffer(self.raw, dtype=_DTYPES[self.datatype]).reshape(self.shape)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        del copy
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)


def encode(value: Any, datatype: str, declared: Sequence[int], name: str) -> Tensor:
    """Returns `value` as a tensor for the input `name`, which is declared with a datatype and a
    shape (-1: any size).

    `value` is a Tensor, an array of numpy, a number, text, bytes, or lists of these. If it has
    fewer dimensions than declared, dimensions of 1 are added: in front if it fits so, else behind.
    Raises InvalidArgument if it does not fit the datatype."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "__array_interface__"):
        shape, raw = _from_numpy(value, datatype, name)
    else:
        shape, elements = _flatten(value, name)
        raw = _join(elements, name) if datatype == "BYTES" else _pack(elements, datatype, name)
    return Tensor(datatype, _fit(shape, declared), raw)


def _fits(shape: Sequence[int], declared: Sequence[int]) -> bool:
    return len(shape) == len(declared) and all(
        wanted in (-1, size) for size, wanted in zip(shape, declared))


def _fit(shape: Tuple[int, ...], declared: Sequence[int]) -> Tuple[int, ...]:
    missing = (1,) * (len(declared) - len(shape))
    front, behind = missing + shape, shape + missing
    return behind if _fits(behind, declared) and not _fits(front, declared) else front


def _flatten(value: Any, name: str) -> Tuple[Tuple[int, ...], List[Any]]:
    """Returns the shape of nested lists and their elements, level by level."""
    if not isinstance(value, _NESTED):
        return (), [value]
    shape: Tuple[int, ...] = (len(value),)
    level = list(value)
    while level and any(isinstance(element, _NESTED) for element in level):
        sizes = {len(element) if isinstance(element, _NESTED) else -1 for element in level}
        if len(sizes) != 1:
            raise InvalidArgument(f"input '{name}': lists of one level must have the same length")
        shape += (sizes.pop(),)
        level = [inner for element in level for inner in element]
    return shape, level


def _pack(elements: List[Any], datatype: str, name: str) -> bytes:
    code = _FORMATS.get(datatype)
    if code is None:
        raise InvalidArgument(f"input '{name}': give {datatype} as a Tensor with its bytes")
    try:
        if code == "?" and any(element not in (True, False) for element in elements):
            raise struct.error("not a truth value")
        return struct.pack(f"<{len(elements)}{code}", *elements)
    except (struct.error, OverflowError, TypeError):
        pass
    for element in elements:  # looks for the one at fault
        try:
            struct.pack("<" + code, element)
        except (struct.error, OverflowError, TypeError):
            raise InvalidArgument(
                f"input '{name}': {element!r:.80} is no {datatype}") from None
    raise InvalidArgument(f"input '{name}': BOOL takes True, False, 0 and 1")


def _join(elements: List[Any], name: str) -> bytes:
    parts = []
    for element in elements:
        data = element.encode() if isinstance(element, str) else element
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise InvalidArgument(f"input '{name}': {element!r:.80} is neither text nor bytes")
        data = bytes(data)
        parts += [struct.pack("<I", len(data)), data]
    return b"".join(parts)


def _split(raw: bytes) -> List[bytes]:
    elements, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from("<I", raw, at)
        elements.append(raw[at + 4:at + 4 + size])
        at += 4 + size
    return elements


def _from_numpy(value: Any, datatype: str, name: str) -> Tuple[Tuple[int, ...], bytes]:
    import numpy  # pylint: disable=import-outside-toplevel
    array = numpy.asarray(value)
    if datatype == "BYTES":
        return array.shape, _join(array.ravel().tolist(), name)
    if datatype not in _DTYPES:
        raise InvalidArgument(f"input '{name}': give {datatype} as a Tensor with its bytes")
    wanted = numpy.dtype(_DTYPES[datatype])
    if not numpy.can_cast(array.dtype, wanted, "same_kind") and not (
            array.dtype.kind in "iu" and wanted.kind in "iu"):
        raise InvalidArgument(f"input '{name}': an array of {array.dtype} is no {datatype}")
    converted = numpy.ascontiguousarray(array, dtype=wanted)
    if wanted.kind in "iu" and not numpy.array_equal(converted, array):
        raise InvalidArgument(f"input '{name}': numbers of the array do not fit {datatype}")
    return array.shape, converted.tobytes()
