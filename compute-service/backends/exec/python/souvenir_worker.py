"""Makes a model of a Python function.

    import souvenir_worker

    def shout(inputs):
        return {"LOUD": [text.upper() for text in inputs["TEXT"].texts()]}

    souvenir_worker.serve(shout)

The function gets a dict of Tensor, by the names in the model's configuration, and returns a dict of
Tensor, array of numpy, list, or a single value. It is called for one request after another. A
ValueError says that the input is at fault, any other exception that the model is; either way the next
request is served. A value that the output's datatype cannot hold is the model's fault, and named.

What the program prints goes to its standard error: standard output belongs to the service.
"""

import array
import json
import os
import struct
import sys
import traceback

# struct's letters of the protocol's datatypes, which are numpy's too; BF16 has none and stays bytes.
_FORMATS = {"BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b",
            "INT16": "h", "INT32": "i", "INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d"}
_SIZES = {**{name: struct.calcsize(letter) for name, letter in _FORMATS.items()}, "BF16": 2}

# As numpy writes them: in the order of bytes that the protocol has, which single bytes are without.
_ARRAY_TYPES = {"BOOL": ("|b1",), "UINT8": ("|u1",), "INT8": ("|i1",), "UINT16": ("<u2",),
                "UINT32": ("<u4",), "UINT64": ("<u8",), "INT16": ("<i2",), "INT32": ("<i4",),
                "INT64": ("<i8",), "FP16": ("<f2",), "FP32": ("<f4",), "FP64": ("<f8",)}

# Of an error, which travels in a header.
_MOST_ERROR_CHARACTERS = 1000


def _take_pipes():
    """Returns the service's pipes, which were standard input and output. From now on, reading finds
    the end and printing goes to standard error."""
    pipes = (os.dup(0), os.dup(1))
    with open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), 0)
    os.dup2(2, 1)
    return pipes


# The service sets the variable, so that modules which are imported later may print. Processes that
# the program starts have a standard output of their own.
_PIPES = _take_pipes() if os.environ.pop("SOUVENIR_MODEL_PIPES", "") else None


class _ModelError(Exception):
    """What the function returned is not what the configuration declares."""


class Tensor:
    """A tensor: `datatype` ("INT32", "BYTES", ...), `shape` and `data`, its bytes, row by row."""

    def __init__(self, datatype, shape, data):
        self.datatype = datatype
        self.shape = list(shape)
        self.data = data

    @staticmethod
    def of(datatype, values, shape=None):
        """A tensor of a flat list of numbers, or of str or bytes for BYTES; a TypeError or ValueError
        where the datatype cannot hold one of them."""
        values = list(values)
        return Tensor(datatype, [len(values)] if shape is None else shape,
                      _encode(datatype, values))

    def values(self):
        """Its elements as a flat list: numbers, or bytes for BYTES."""
        if self.datatype == "BF16":
            raise TypeError("BF16 has no values in Python: its bytes are in data")
        return _decode(self.datatype, self.data)

    def texts(self):
        """The elements of BYTES as str; a ValueError where one is not UTF-8."""
        if self.datatype != "BYTES":
            raise TypeError(f"texts() is for BYTES, and this is {self.datatype}")
        return [element.decode() for element in self.values()]

    def numpy(self):
        """The same as an array of numpy, where that is installed."""
        import numpy  # pylint: disable=import-outside-toplevel
        if self.datatype == "BYTES":
            return numpy.array(self.values(), dtype=object).reshape(self.shape)
        if self.datatype == "BF16":
            raise TypeError("numpy has no BF16: its bytes are in data")
        return numpy.frombuffer(self.data, dtype="<" + _FORMATS[self.datatype]).reshape(
            self.shape)


def serve(function, setup=None):
    """Serves until the service ends it. `setup`, if there is one, is called first, with the model's
    description, a dict with `model`, `max_batch_size`, `inputs` and `outputs`."""
    channel = _Channel()
    model = channel.receive()
    if model is None:
        return
    description, _ = model
    try:
        if setup is not None:
            setup(description)
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        channel.send({"error": _text(error)})
        return
    channel.send({"ready": True})
    while True:
        request = channel.receive()
        if request is None:
            return
        channel.send(*_answer(function, description, *request))


def _answer(function, description, header, data):
    number = {"number": header["number"]} if "number" in header else {}
    try:
        inputs, at = {}, 0
        for entry in header["inputs"]:
            inputs[entry["name"]] = Tensor(entry["datatype"], entry["shape"],
                                           data[at:at + entry["size"]])
            at += entry["size"]
        rows = header["inputs"][0]["shape"][0] if description["max_batch_size"] > 0 else None
        outputs, parts = _outputs(function(inputs), description, header["outputs"], rows)
        return {"outputs": outputs, **number}, parts
    except ValueError as error:
        return {"error": _text(error, with_type=False), "code": "INVALID_ARGUMENT", **number}, ()
    except _ModelError as error:
        return {"error": _text(error, with_type=False), "code": "INTERNAL", **number}, ()
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        return {"error": _text(error), "code": "INTERNAL", **number}, ()


def _text(error, with_type=True):
    """An exception's message, whatever is in it: with what UTF-8 cannot say replaced."""
    try:
        message = str(error)
    except Exception:  # pylint: disable=broad-except
        message = "(its message cannot be shown)"
    name = type(error).__name__
    text = message if not with_type else f"{name}: {message}"
    text = text if message else name
    return text[:_MOST_ERROR_CHARACTERS].encode(errors="backslashreplace").decode()


def _outputs(result, description, asked, rows):
    """The headers and the bytes of the outputs asked for, of what the function returned."""
    if not hasattr(result, "keys"):
        raise _ModelError(f"the function returned {_kind(result)}; a dict of outputs by name is "
                          "expected")
    declared = {output["name"]: output for output in description["outputs"]}
    outputs, parts = [], []
    for name in asked:
        if name not in result:
            raise _ModelError(f"the function returned no {name!r}")
        try:
            tensor = _tensor(result[name], declared[name], rows)
        except (TypeError, ValueError, OverflowError) as error:
            raise _ModelError(f"output {name!r}: {_text(error, with_type=False)}") from None
        outputs.append({"name": name, "datatype": tensor.datatype, "shape": tensor.shape,
                        "size": len(tensor.data)})
        parts.append(tensor.data)
    return outputs, parts


def _tensor(value, declared, rows):
    """What a function returned for an output, as the configuration declares it."""
    datatype = declared["datatype"]
    if isinstance(value, Tensor):
        if not isinstance(value.data, (bytes, bytearray, memoryview)):
            raise TypeError(f"the data of a Tensor is {_kind(value.data)}; bytes are expected")
        tensor = Tensor(value.datatype, [int(size) for size in value.shape], bytes(value.data))
    elif isinstance(value, memoryview) and datatype != "BYTES":
        tensor = Tensor(datatype, value.shape, value.tobytes())
    elif _is_array(value):
        tensor = Tensor(datatype, [int(size) for size in value.shape], _encode_array(datatype, value))
    else:
        values = _flat(value)
        tensor = Tensor(datatype, _shape(len(values), declared["dims"], rows),
                        _encode(datatype, values))
    _check(tensor, declared, rows)
    return tensor


def _check(tensor, declared, rows):
    """A ValueError unless the tensor is of the declared datatype and shape, and has the bytes for it."""
    if tensor.datatype != declared["datatype"]:
        raise ValueError(f"it is {tensor.datatype}; by the configuration {declared['datatype']} is "
                         "expected")
    expected = ([] if rows is None else [rows]) + list(declared["dims"])
    fits = len(tensor.shape) == len(expected) and all(
        size >= 0 and wanted in (-1, size) for size, wanted in zip(tensor.shape, expected))
    if not fits:
        raise ValueError(f"its shape is {tensor.shape}; by the configuration and the request "
                         f"{expected} is expected")
    count = 1
    for size in tensor.shape:
        count *= size
    if tensor.datatype == "BYTES":
        found = _count_bytes_elements(tensor.data)
        if found != count:
            raise ValueError(f"it has {found} elements; its shape {tensor.shape} is of {count}")
    elif len(tensor.data) != count * _SIZES[tensor.datatype]:
        raise ValueError(f"it has {len(tensor.data)} bytes; {tensor.datatype} of shape "
                         f"{tensor.shape} has {count * _SIZES[tensor.datatype]}")


def _count_bytes_elements(data):
    count, at = 0, 0
    while at < len(data):
        if at + 4 > len(data):
            raise ValueError("its bytes end within the length of an element")
        at += 4 + struct.unpack_from("<I", data, at)[0]
        count += 1
    if at > len(data):
        raise ValueError("its bytes end within an element")
    return count


def _is_array(value):
    """Of numpy, or what looks so; a number of numpy's is none, and bytes are none."""
    return not isinstance(value, memoryview) and hasattr(value, "tolist") and tuple(getattr(value, "shape", None) or ()) != ()


def _flat(value):
    if isinstance(value, (list, tuple, array.array)):
        return [element for part in value for element in _flat(part)]
    if _is_array(value):
        return _flat(value.tolist())
    return [value]


def _shape(count, dims, rows):
    """The declared dimensions, with what -1 has to be for so many elements."""
    shape = ([] if rows is None else [rows]) + list(dims)
    known = 1
    for dimension in shape:
        known *= dimension if dimension > 0 else 1
    if shape.count(-1) == 1 and known > 0 and count % known == 0:
        shape[shape.index(-1)] = count // known
    elif -1 in shape or count != known:
        raise ValueError(f"{count} elements came; by the configuration and the request its shape is "
                         f"{shape}" + (", which is told by an array or a Tensor"
                                       if shape.count(-1) > 1 else ""))
    return shape


def _encode(datatype, values):
    if datatype == "BYTES":
        encoded = [_bytes_element(value) for value in values]
        return b"".join(struct.pack("<I", len(element)) + element for element in encoded)
    if datatype not in _FORMATS:
        raise TypeError(f"a list cannot be {datatype}: return a Tensor with its bytes")
    if datatype == "BOOL":
        values = [_bool(value) for value in values]
    try:
        return struct.pack(f"<{len(values)}{_FORMATS[datatype]}", *values)
    except (struct.error, OverflowError) as error:
        raise TypeError(f"values that are no {datatype}: {error}") from None


def _bytes_element(value):
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise TypeError("a str that UTF-8 cannot say (a lone surrogate); return bytes to say "
                            "them anyway") from None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{_kind(value)} in BYTES; str or bytes are expected")


def _bool(value):
    # Anything at all has a truth, so that struct would take anything.
    if hasattr(value, "item") and not _is_array(value):  # a bool of numpy's
        value = value.item()
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    raise TypeError(f"{value!r:.100} in BOOL; True or False is expected")


def _encode_array(datatype, value):
    """The bytes of an array; one of another type than declared becomes what a list of the same elements
    would."""
    dtype = getattr(value, "dtype", None)
    if datatype == "BF16":
        if getattr(dtype, "itemsize", None) == _SIZES["BF16"] and hasattr(value, "tobytes"):
            return value.tobytes()
    elif datatype != "BYTES" and getattr(dtype, "str", None) in _ARRAY_TYPES[datatype]:
        return value.tobytes()
    return _encode(datatype, _flat(value.tolist()))


def _kind(value):
    return type(value).__name__


def _decode(datatype, data):
    if datatype == "BYTES":
        elements, at = [], 0
        while at < len(data):
            (length,) = struct.unpack_from("<I", data, at)
            elements.append(data[at + 4:at + 4 + length])
            at += 4 + length
        return elements
    letter = _FORMATS[datatype]
    return list(struct.unpack(f"<{len(data) // struct.calcsize(letter)}{letter}", data))


class _Channel:
    """Messages on what were standard input and output."""

    def __init__(self):
        pipes = _PIPES or _take_pipes()
        self._input = os.fdopen(pipes[0], "rb")
        self._output = os.fdopen(pipes[1], "wb")
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")  # printing is no reason to fail

    def receive(self):
        """(header, data) of the next message; None where the service has closed its end."""
        head = self._input.read(4)
        if len(head) < 4:
            return None
        (length,) = struct.unpack("<I", head)
        message = self._input.read(length)
        if len(message) < length:
            return None
        (size,) = struct.unpack_from("<I", message)
        return json.loads(message[4:4 + size]), message[4 + size:]

    def send(self, header, parts=()):
        # What was printed belongs to this message, and not to the next.
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # pylint: disable=broad-except
                pass  # the program's own, or closed
        text = json.dumps(header).encode()
        length = 4 + len(text) + sum(len(part) for part in parts)
        self._output.write(struct.pack("<II", length, len(text)))
        self._output.write(text)
        for part in parts:
            self._output.write(part)
        self._output.flush()


if __name__ == "__main__":
    sys.exit("souvenir_worker is a module: import it in your model.py")
