"""Python's values as tensors, and back."""

import math
import random
import unittest

import souvenir
from souvenir import Tensor
from souvenir.tensors import encode

INTEGERS = {"INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64, "UINT8": 8, "UINT16": 16,
            "UINT32": 32, "UINT64": 64}


def nested(shape, elements):
    """Returns elements in lists, by another way than the package."""
    if not shape:
        return next(elements)
    return [nested(shape[1:], elements) for _ in range(shape[0])]


class TensorsTest(unittest.TestCase):

    def test_random_values_come_back(self):
        generator = random.Random(1)
        makers = {name: (lambda bits=bits, signed=name.startswith("I"): generator.randrange(
            -2 ** (bits - 1) if signed else 0, 2 ** (bits - 1) if signed else 2 ** bits))
            for name, bits in INTEGERS.items()}
        makers["BOOL"] = lambda: generator.random() < 0.5
        makers["FP64"] = generator.random
        makers["FP32"] = makers["FP16"] = lambda: generator.randrange(-100, 100) / 4
        makers["BYTES"] = lambda: generator.randbytes(generator.randrange(9))
        for datatype, make in makers.items():
            for _ in range(50):
                shape = tuple(generator.randrange(4) for _ in range(generator.randrange(4)))
                value = nested(shape, iter(make, None))
                with self.subTest(datatype=datatype, value=value):
                    tensor = encode(value, datatype, (), "x")
                    self.assertEqual(tensor.tolist(), value)
                    if math.prod(shape):
                        self.assertEqual(tensor.shape, shape)

    def test_limits_of_integers(self):
        for datatype, bits in INTEGERS.items():
            low, high = (0, 2 ** bits - 1) if datatype[0] == "U" else (
                -2 ** (bits - 1), 2 ** (bits - 1) - 1)
            self.assertEqual(encode([low, high], datatype, (2,), "x").tolist(), [low, high])
            for beyond in (low - 1, high + 1):
                with self.assertRaisesRegex(souvenir.InvalidArgument,
                                            f"'x': {beyond} is no {datatype}"):
                    encode([low, beyond], datatype, (2,), "x")

    def test_what_is_refused(self):
        for value, datatype, part in ((1.5, "INT64", "1.5 is no INT64"), ("1", "FP32", "'1' is no"),
                                      (None, "INT8", "None is no INT8"), (2, "BOOL", "BOOL takes"),
                                      (1, "BYTES", "1 is neither text nor bytes"),
                                      ([[1], 2], "INT64", "same length"),
                                      ([[1], [2, 3]], "INT64", "same length"),
                                      (1, "BF16", "BF16 as a Tensor"), (1e39, "FP32", "1e\\+39")):
            with self.subTest(value=value), self.assertRaisesRegex(souvenir.InvalidArgument, part):
                encode(value, datatype, (-1,), "x")
        with self.assertRaisesRegex(souvenir.InvalidArgument, "raw"):
            Tensor("BF16", (1,), b"\0\0").tolist()
        with self.assertRaisesRegex(souvenir.InvalidArgument, "no texts"):
            Tensor("INT8", (1,), b"\0").texts()
        with self.assertRaisesRegex(souvenir.InvalidArgument, "there are 2"):
            Tensor("INT8", (2,), b"\0\0").item()

    def test_missing_dimensions(self):
        for value, declared, wanted in ((5, (1,), (1,)), (5, (-1, -1), (1, 1)),
                                        ([1, 2], (-1, -1), (1, 2)), ([1, 2], (-1, 1), (2, 1)),
                                        ([1, 2], (-1, 2), (1, 2)), ([[1, 2]], (-1, 2), (1, 2)),
                                        ([[1]], (1,), (1, 1)), ([], (-1, 1), (0, 1)),
                                        ([1, 2, 3], (-1, 2), (1, 3))):
            with self.subTest(value=value, declared=declared):
                self.assertEqual(encode(value, "INT64", declared, "x").shape, wanted)

    def test_text(self):
        tensor = encode(["ä", b"b"], "BYTES", (-1, 1), "x")
        self.assertEqual((tensor.tolist(), tensor.texts()), ([["ä".encode()], [b"b"]], ["ä", "b"]))
        self.assertEqual(tensor.raw, b"\2\0\0\0\xc3\xa4\1\0\0\0b")

    def test_a_tensor_stays(self):
        tensor = Tensor("BF16", (1,), b"\1\2")
        self.assertIs(encode(tensor, "BF16", (-1, -1), "x"), tensor)


if __name__ == "__main__":
    unittest.main()
