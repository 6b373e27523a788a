"""Writes the first inputs of fuzzing, tests/fuzz/corpus/<target>/*. Needs protoc.

Inputs that a fuzzer found have other names, and are not changed.
"""

import hashlib
import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROTOS = HERE.parent.parent / "protos"


def framed(*elements):
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def number(value):
    """Encodes like Number() of common/byte_codec.h."""
    value &= 2**64 - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def text(value):
    return number(len(value)) + value


def tensors(*items):
    """Encodes like common/tensor/tensor_codec.h."""
    out = number(len(items))
    for name, datatype, shape, data in items:
        out += bytes([datatype]) + number(len(shape)) + b"".join(map(number, shape))
        out += text(name) + text(data)
    return out


def record(created, cost, lifetime, code, origin, epochs, tags, value):
    """Encodes like cache/entry_codec.h, without the checksum."""
    return (struct.pack("<qfIB", created, cost, lifetime, code) + number(origin) + number(epochs)
            + number(len(tags)) + b"".join(map(text, tags)) + value)


def checked(name, body):
    return hashlib.sha256(name + body).digest()[:8] + body


def snapshot(origins, entries):
    """Encodes like cache/snapshot.h."""
    def piece(sort, name, body):
        return struct.pack("<I", 1 + len(name) + 8 + len(body)) + sort + name + checked(name, body)

    out = b"souvenir-snapshot-1\n"
    for i, names in enumerate(origins):
        out += piece(b"o", struct.pack("<I", i), b"".join(map(text, names)))
    for key, body in entries:
        out += piece(b"e", key, body)
    return out + struct.pack("<IQ", 0, len(entries))


def segment(start, end, said, *words):
    """Encodes like ReadSegments() of subtitles.cc; times are in milliseconds."""
    said = said.encode()
    return (struct.pack("<hh", start, end) + bytes([len(said)]) + said + bytes([len(words)])
            + b"".join(struct.pack("<hh", *word) for word in words))


def message(name, proto, text):
    return subprocess.run(["protoc", f"-I{PROTOS}", f"--encode={name}", proto], check=True,
                          input=text.encode(), stdout=subprocess.PIPE).stdout


def inference_messages():
    def request(text):
        return message("inference.ModelInferRequest", "inference/grpc_service.proto", text)

    def response(text):
        return message("inference.ModelInferResponse", "inference/grpc_service.proto", text)

    return {
        # The server refuses these two.
        "rows_differ": request(
            "inputs { name: 'text' datatype: 'BYTES' shape: [2, 1]"
            " contents { bytes_contents: ['a', 'b'] } }"
            "inputs { name: 'flag' datatype: 'BOOL' shape: [1, 1]"
            " contents { bool_contents: true } }"),
        "bytes_left_over": request(
            "inputs { name: 'text' datatype: 'BYTES' shape: [1, 1] }"
            r" raw_input_contents: '\001\000\000\000abc'"),
        "raw": request(
            "model_name: 'model' model_version: '1' id: 'a'"
            " inputs { name: 'text' datatype: 'BYTES' shape: [2, 1] }"
            " inputs { name: 'number' datatype: 'FP32' shape: [2, 2, 3] }"
            r" raw_input_contents: '\001\000\000\000a\002\000\000\000bc'"
            f" raw_input_contents: '{'1234' * 12}'"
            " outputs { name: 'b' } parameters { key: 'priority' value { int64_param: 1 } }"),
        "typed": request(
            "model_name: 'model' inputs { name: 'text' datatype: 'BYTES' shape: [1, 2]"
            " contents { bytes_contents: ['a', ''] } }"
            " inputs { name: 'flag' datatype: 'BOOL' shape: [1, 1]"
            " contents { bool_contents: true } }"),
        "numbers": request(
            "inputs { name: 'a' datatype: 'INT8' shape: 2 contents { int_contents: [-1, 127] } }"
            "inputs { name: 'b' datatype: 'UINT16' shape: 1 contents { uint_contents: 65535 } }"
            "inputs { name: 'c' datatype: 'INT64' contents { int64_contents: -1 } }"
            "inputs { name: 'd' datatype: 'UINT64' shape: 0 }"
            "inputs { name: 'e' datatype: 'FP64' shape: 1 contents { fp64_contents: 0.5 } }"),
        # More dimensions than a stored tensor can have.
        "many_dimensions": response(
            f"outputs {{ name: 'a' datatype: 'BOOL' shape: [{', '.join(['1'] * 256)}] }}"
            " raw_output_contents: 'x'"),
        "answer": response(
            "model_name: 'model' model_version: '1'"
            " outputs { name: 'a' datatype: 'BYTES' shape: 1 }"
            r" raw_output_contents: '\001\000\000\000x'"
            " parameters { key: 'souvenir.digest' value { string_param: 'ab' } }"),
    }


def loudness(count, *parts):
    """Returns samples of one byte: a square wave that is as loud as the part of `parts` says, `count`
    samples each."""
    return b"".join(bytes([128 + part if i // 4 % 2 else 128 - part for i in range(count)])
                    for part in parts)


def corpora():
    messages = inference_messages()
    translate = message("souvenir.v1.TranslateRequest", "souvenir/v1/translation.proto",
                        "text: 'good morning' source_language: 'en' target_languages: ['es', 'fr']")
    origin = (b"tenant", b"model", b"1", b"digest")

    def job(text):
        return message("souvenir.v1.SubmitJobRequest", "souvenir/v1/task_service.proto", text)

    call = "call { model: 'm' inputs { name: 'in' %s } }"
    forever = 2**32 - 1
    answer = record(1767225600 * 10**9, 3e6, forever, 0, 0, 300, [b"one", b"two"], b"the value")
    key = bytes(range(32))
    return {
        "bytes_elements": {
            "two": framed(b"a", b"", b"good morning"),
            "cut_off": framed(b"a", b"bcd")[:-1],
            "too_long": struct.pack("<I", 2**32 - 1) + b"a",
        },
        "job_steps": {
            "chord": job(
                "options { name: 'n' failure_policy: FAILURE_POLICY_RUN_ALL failure_step: 'f' }"
                "steps { id: 'a' " + call % "literal { datatype: 'BOOL' shape: 1 raw: 'x' }" + "}"
                "steps { id: 'b' " + call % "output { step: 'a' row: 0 } reshape: [-1]"
                + " after: 'a' countdown { seconds: 5 } }"
                "steps { id: 'c' " + call % "gather { steps: ['a', 'b', 'a'] output: 'o' }"
                + " retry { max_attempts: 2 jitter: 0.5 } time_limit { nanos: 5 } }"
                "steps { id: 'f' " + call % "failures {}" + "}"),
            "cycle": job("steps { id: 'a' call { model: 'm' } after: 'b' }"
                         "steps { id: 'b' call { model: 'm' } after: 'a' }"),
            "large": job("steps { id: 'a' " + call % (
                "literal { datatype: 'UINT8' shape: 2000 raw: '" + "x" * 2000 + "' }") + "}"),
        },
        "cache_control": {
            "all": b"no-cache, No-Store ,max-age=60,stale-while-revalidate=5, stale-if-error=7",
            "cached": b"only-if-cached",
            "contradiction": b"no-cache, only-if-cached",
            "too_large": b"max-age=99999999999",
        },
        "entry_codec": {
            "answer": answer,
            "error": record(1767225600 * 10**9, 0, 60, 3, 1, 0, [], b"no such thing"),
            "least": record(0, 0, 0, 0, 0, 0, [], b""),
        },
        "language_tag": {
            "language": b"en", "long": b"eng", "region": b"PT-br", "script": b"zh-hant-TW",
            "variant": b"sl-rozaj-biske", "extension": b"de-DE-u-co-phonebk-x-mine",
            "private": b"x-mine", "old": b"i-klingon", "more_than_a_tag": b"en,es",
            "extension_without_value": b"rl-t-true-u-mu0-eie",
            "not_ascii": b"X-lvariantu\xa8-co5xXXX1",
            "transformed": b"und-Cyrl-t-und-latn-m0-ungegn",
        },
        "message_tensors": messages,
        "raw_audio": {
            "speech": b"\x20u8;rate=16000\n" + loudness(800, 1, 90, 1, 60, 1, 1),
            "low_rate": b"\x03mulaw;rate=8000;channels=1\n" + bytes(range(256)) * 4,
            "stereo": b"\x06s16le;channels=2;rate=44100\n" + loudness(800, 1, 90, 1),
            "floats": b"\xfff32le;rate=48000\n" + struct.pack("<300f", *[0.1, -0.5, 2] * 100),
            "not_a_number": b"\x01f32le;rate=16000\n" + struct.pack("<3f", 0, 1, float("nan")),
            "cut_off": b"\x02s24le;rate=16000;channels=3\n" + b"abc" * 30 + b"d",
            "long": b"\xffalaw;rate=16000\n" + loudness(3000, 90, 80, 70, 90, 60, 90, 20, 90),
            "no_format": b"\x01flac;rate=16000\n",
        },
        "raw_message": {
            "translate_whole": b"\xff" + translate,
            "translate_pieces": b"\x02" + translate,
            "not_utf8": b"\x02" + translate.replace(b"good", b"g\xffod"),
            "infer_pieces": b"\x0f" + messages["raw"],
        },
        "snapshot": {
            "empty": snapshot([], []),
            "entries": snapshot([origin], [(key, answer), (key[::-1], answer)]),
            "cut_off": snapshot([origin], [(key, answer)])[:-20],
            "unknown_origin": snapshot([], [(key, answer)]),
        },
        "subtitles": {
            "words": segment(500, 1200, "good morning", (500, 800), (800, 1100)),
            "long": segment(0, 9001, " ".join(["a word"] * 30) + ". And more!")
                    + segment(9300, 9500, "yes"),
            "markup": segment(0, 900, "<i>R&D</i> --> {\\an8}\r\n\r\n1\r\n00:00:00,000 --> x"),
            "one_word": segment(0, 900, "w" * 41 + "e\u0301\u0301" + "\u8a9e" * 30),
            "times": segment(900, 100, "one two", (1000, 0), (-5, 5000)) + segment(0, 1, "three"),
            "no_time": b"\xff\xfe\x01a\x00\xfd\x07\xff\x02b\xc3\x01\xff\xfe",
        },
        "tensor_codec": {
            "none": tensors(),
            "two": tensors((b"text", 13, [2, 1], framed(b"a", b"")),
                           (b"score", 12, [], b"12345678")),
            "rows": tensors((b"n", 7, [3, 2], b"aabbccddeeff")),
            "empty": tensors((b"", 13, [4, 0], b"")),
        },
        "valid_inference": {name: data for name, data in messages.items()
                            if name not in ("answer", "many_dimensions")},
        "wav_stream": {
            "speech": b"\x07" + wav(fmt(1, 1, 16_000, 16), chunk(b"data", b"abcdef")),
            "live": b"\x00" + wav(fmt(3, 2, 48_000, 32), b"data\xff\xff\xff\xff" + bytes(64)),
            "no_length": b"\x01" + wav(fmt(7, 1, 8_000, 8), b"data" + bytes(4) + b"abc"),
            "chunks": b"\x02" + wav(chunk(b"LIST", b"odd"), fmt(6, 1, 8_000, 8),
                                    chunk(b"fact", b"1234"), chunk(b"data", b"ab"),
                                    chunk(b"LIST", b"after")),
            "extensible": b"\x10" + wav(fmt(0xfffe, 2, 44_100, 16,
                                            struct.pack("<HHIH", 22, 16, 3, 1) + bytes(14)),
                                        chunk(b"data", b"abcd")),
            "wrong_frames": b"\x03" + wav(fmt(1, 3, 16_000, 12)),
            "cut_off": b"\x04" + wav(fmt(1, 1, 16_000, 16))[:-5],
        },
    }


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def fmt(tag, channels, rate, bits, more=b""):
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
                 + more)


def wav(*chunks):
    return b"RIFF\xff\xff\xff\xffWAVE" + b"".join(chunks)


def main():
    for target, inputs in corpora().items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in inputs.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
