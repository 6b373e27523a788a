"""Makes a model of a Python function.

    import souvenir_worker

    def shout(inputs):
        return {"LOUD": [text.upper() for text in inputs["TEXT"].texts()]}

    souvenir_worker.serve(shout)

The function gets a dict of Tensor, by the names in the model's configuration, and returns a dict of
Tensor, list or bytes-like values. It is called for one request after another. A ValueError says that
the input is at fault, any other exception that the model is; either way the next request is served.

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


class Tensor:
    """A tensor: `datatype` ("INT32", "BYTES", ...), `shape` and `data`, its bytes, row by row."""

    def __init__(self, datatype, shape, data):
        self.datatype = datatype
        self.shape = list(shape)
        self.data = data

    @staticmethod
    def of(datatype, values, shape=None):
        """A tensor of a flat list of numbers, or of str or bytes for BYTES."""
        values = list(values)
        return Tensor(datatype, [len(values)] if shape is None else shape,
                      _encode(datatype, values))

    def values(self):
        """Its elements as a flat list: numbers, or bytes for BYTES."""
        return _decode(self.datatype, self.data)

    def texts(self):
        """The elements of BYTES as str; a ValueError where one is not UTF-8."""
        return [element.decode() for element in self.values()]

    def numpy(self):
        """The same as an array of numpy, where that is installed."""
        import numpy  # pylint: disable=import-outside-toplevel
        if self.datatype == "BYTES":
            return numpy.array(self.values(), dtype=object).reshape(self.shape)
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
        channel.send({"error": f"{type(error).__name__}: {error}"})
        return
    channel.send({"ready": True})
    while True:
        request = channel.receive()
        if request is None:
            return
        channel.send(*_answer(function, description, *request))


def _answer(function, description, header, data):
    try:
        inputs, at = {}, 0
        for entry in header["inputs"]:
            inputs[entry["name"]] = Tensor(entry["datatype"], entry["shape"],
                                           data[at:at + entry["size"]])
            at += entry["size"]
        rows = header["inputs"][0]["shape"][0] if description["max_batch_size"] > 0 else None
        result = function(inputs)
        outputs, parts = [], []
        for declared in description["outputs"]:
            name = declared["name"]
            if name not in header["outputs"]:
                continue
            if name not in result:
                raise KeyError(f"the function returned no {name!r}")
            tensor = _tensor(result[name], declared, rows)
            outputs.append({"name": name, "datatype": tensor.datatype, "shape": tensor.shape,
                            "size": len(tensor.data)})
            parts.append(tensor.data)
        return {"outputs": outputs}, parts
    except ValueError as error:
        return {"error": str(error) or "ValueError", "code": "INVALID_ARGUMENT"}, ()
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}", "code": "INTERNAL"}, ()


def _tensor(value, declared, rows):
    """What a function returned for an output, as the configuration declares it."""
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "tobytes") and hasattr(value, "shape"):  # numpy's
        return Tensor(declared["datatype"], value.shape, value.tobytes())
    values = _flat(value)
    return Tensor(declared["datatype"], _shape(len(values), declared["dims"], rows),
                  _encode(declared["datatype"], values))


def _flat(value):
    if isinstance(value, (list, tuple, array.array)):
        return [element for part in value for element in _flat(part)]
    return [value]


def _shape(count, dims, rows):
    """The declared dimensions, with what -1 has to be for so many elements."""
    shape = ([] if rows is None else [rows]) + list(dims)
    known = 1
    for dimension in shape:
        known *= dimension if dimension > 0 else 1
    if shape.count(-1) == 1 and known > 0 and count % known == 0:
        shape[shape.index(-1)] = count // known
    return shape


def _encode(datatype, values):
    if datatype == "BYTES":
        encoded = [value.encode() if isinstance(value, str) else bytes(value) for value in values]
        return b"".join(struct.pack("<I", len(element)) + element for element in encoded)
    try:
        return struct.pack(f"<{len(values)}{_FORMATS[datatype]}", *values)
    except struct.error as error:
        raise TypeError(f"values that are no {datatype}: {error}") from None


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
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb")
        # Whatever else reads or prints disturbs nothing.
        with open(os.devnull, "rb") as null:
            os.dup2(null.fileno(), 0)
        os.dup2(2, 1)

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
        text = json.dumps(header).encode()
        length = 4 + len(text) + sum(len(part) for part in parts)
        self._output.write(struct.pack("<II", length, len(text)))
        self._output.write(text)
        for part in parts:
            self._output.write(part)
        self._output.flush()


if __name__ == "__main__":
    sys.exit("souvenir_worker is a module: import it in your model.py")
