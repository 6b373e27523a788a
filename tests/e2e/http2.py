"""An HTTP/2 client that writes its frames by hand, to do what no well-behaved client does."""

import gzip
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
CONTINUATION = 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(
        "!I", stream) + payload


def literal(name, value, first=b"\x00"):
    """Returns a header as a literal of HPACK; without indexing, unless `first` says otherwise."""
    return first + _string(name) + _string(value)


def _string(text):
    raw = text.encode() if isinstance(text, str) else text
    return length(len(raw)) + raw


def length(number, huffman=False):
    """Returns the length of a string in HPACK's encoding."""
    flag = 128 if huffman else 0
    if number < 127:
        return bytes((flag + number,))
    out, number = bytearray((flag + 127,)), number - 127
    while number >= 128:
        out.append(number % 128 + 128)
        number //= 128
    return bytes((*out, number))


def answer_headers(more=()):
    """Returns the header block with which a gRPC server begins an answer."""
    fields = [(":status", "200"), ("content-type", "application/grpc"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def headers(path, more=()):
    """Returns the header block of a gRPC call."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
              ("content-type", "application/grpc"), ("te", "trailers"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def message(payload, compressed=False):
    """Returns a message with gRPC's prefix."""
    body = gzip.compress(payload) if compressed else payload
    return bytes((1 if compressed else 0,)) + struct.pack("!I", len(body)) + body


def serve(listener, block, data, calls):
    """Accepts one connection, and answers `calls` calls on it with `block` and `data`, whatever was
    asked."""
    with listener.accept()[0] as client:
        reader = client.makefile("rb")
        reader.read(len(PREFACE))
        client.sendall(frame(SETTINGS, 0, 0))
        while calls > 0 and (head := reader.read(9)):
            reader.read(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
            if kind == SETTINGS and not flags & ACK:
                client.sendall(frame(SETTINGS, ACK, 0))
            if kind == HEADERS:
                calls -= 1
                client.sendall(frame(HEADERS, END_HEADERS, stream, block))
                # The data fits into the window, so there is no need to wait for updates.
                for at in range(0, len(data), 16384):
                    client.sendall(frame(DATA, 0, stream, data[at:at + 16384]))


class Connection:
    """One connection. By itself it answers no frame; with `acknowledge` it acknowledges
    settings."""

    def __init__(self, address, acknowledge=False):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._next_stream = 1
        self._windows = {}  # bytes that may still be sent, by stream; 0 is the connection
        self.send(PREFACE + frame(SETTINGS, 0, 0))
        if acknowledge:
            self.wait_for(SETTINGS)
            self.send(frame(SETTINGS, ACK, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def new_stream(self):
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        return stream

    def begin(self, path, more=()):
        """Sends the headers of a call, and returns its stream."""
        stream = self.new_stream()
        self.send(frame(HEADERS, END_HEADERS, stream, headers(path, more)))
        return stream

    def begin_in_parts(self, stream, block, size, flags=0):
        """Sends a header block as a HEADERS frame and CONTINUATION frames of `size` bytes."""
        parts = [block[at:at + size] for at in range(0, len(block), size)]
        kinds = [(HEADERS, flags)] + [(CONTINUATION, 0)] * (len(parts) - 1)
        kinds[-1] = (kinds[-1][0], kinds[-1][1] | END_HEADERS)
        self.send(b"".join(frame(kind, flags, stream, part)
                           for (kind, flags), part in zip(kinds, parts)))

    def send_data(self, stream, data, end=False, chunk=16384):
        parts = [data[at:at + chunk] for at in range(0, len(data), chunk)] or [b""]
        for part in parts[:-1]:
            self.send(frame(DATA, 0, stream, part))
        self.send(frame(DATA, END_STREAM if end else 0, stream, parts[-1]))

    def send_within_window(self, stream, data):
        """Sends `data` once the server's window has room for it. Only for one stream at a time,
        because frames that come meanwhile are dropped."""
        while min(self._window(0), self._window(stream)) < len(data):
            found = self.wait_for(WINDOW_UPDATE)
            self._windows[found[2]] = self._window(found[2]) + int.from_bytes(found[3], "big")
        for window in (0, stream):
            self._windows[window] = self._window(window) - len(data)
        self.send(frame(DATA, 0, stream, data))

    def _window(self, stream):
        return self._windows.get(stream, 65_535)

    def reset(self, stream):
        self.send(frame(RST_STREAM, 0, stream, struct.pack("!I", CANCEL)))

    def ping(self):
        self.send(frame(PING, 0, 0, bytes(8)))

    def read(self):
        """Returns (kind, flags, stream, payload) of the next frame; None if the server has
        closed."""
        head = self._read_exactly(9)
        if head is None:
            return None
        length = int.from_bytes(head[:3], "big")
        payload = self._read_exactly(length)
        if payload is None:
            return None
        return head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def wait_for(self, kind, stream=None):
        """Returns the next frame of that kind; None if the server closes before it."""
        while True:
            found = self.read()
            if found is None or (found[0] == kind and stream in (None, found[2])):
                return found

    def wait_until_closed(self):
        """Returns (error code, text) of the server's last GOAWAY, or None if it closed without
        one."""
        said = None
        while True:
            found = self.read()
            if found is None:
                return said
            if found[0] == GOAWAY:
                said = int.from_bytes(found[3][4:8], "big"), found[3][8:].decode()

    def _read_exactly(self, length):
        while len(self._buffer) < length:
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._buffer += data
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken
