"""One client, whatever it does to a port, harms no other client and takes little memory."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import threading
import time
import unittest

import grpc
import harness
import http2
import metrics
from clients import text_request
from services import PATIENT, SOURCE_DIRECTORY, wait_for

INFER = "/inference.GRPCInferenceService/ModelInfer"
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
TRANSLATE = "/souvenir.v1.TranslationService/Translate"
READY = "/inference.GRPCInferenceService/ServerReady"
ENHANCE_YOUR_CALM = 11

CONFIG = """
connections {
  max_connections: 300
  max_connections_per_peer: 40
  max_concurrent_streams: 200
  max_resets_per_second: 100
  min_ping_interval_ms: 1
}
"""


# True if the build has HTTP/2 limits; builds with sanitizers have none.
HAS_LIMITS = os.environ.get("SOUVENIR_HTTP2_LIMITS", "1") == "1"


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


def add_identity(services):
    """Adds the model "simple_identity", which gives back what it gets, before compute starts."""
    folder = services.directory / "models" / "simple_identity"
    folder.mkdir(parents=True)
    (folder / "config.pbtxt").write_text('backend: "builtin"')


def identity_request(*texts):
    request = text_request(texts, model="simple_identity")
    request.inputs[0].name = "INPUT0"
    return request


def wait_for_identity(server):
    ready = harness.clients.oip.ModelReadyRequest(name="simple_identity")
    wait_for(lambda: server.inference.ModelReady(ready, timeout=60).ready, "the model")


def send_until_closed(connection, step, times):
    """Repeats `step` until the server closes, `times` at most. Returns the number of steps."""
    for done in range(times):
        try:
            step(connection)
        except (BrokenPipeError, ConnectionResetError):
            return done
    return times


class HostileClientsTest(harness.SharedServicesTest):

    gateway_options = {"config": CONFIG}
    compute_options = {"config": CONFIG}

    def on_both(self):
        return (("gateway", self.gateway), ("compute", self.compute))

    def assert_serves(self, name, service):
        """Checks that another client is answered: on a new connection, and at the gateway on an old
        one, too."""
        if name == "gateway":
            self.assertTrue(self.server.languages())
        self.assertEqual(self.connect(service.listen).health(), "SERVING")

    def active(self, name, service, method):
        return metrics.sum_of(service.metrics, f"souvenir_{name}_active_requests", method=method)

    def connection(self, service, **options):
        connection = http2.Connection(service.listen, **options)
        self.addCleanup(connection.close)
        return connection

    @unittest.skipUnless(HAS_LIMITS, "built without SOUVENIR_HTTP2_LIMITS")
    def test_streams_are_bounded_also_without_an_acknowledgement(self):
        for name, service in self.on_both():
            with self.subTest(service=name):
                before = resident_bytes(service.pid)
                flood = self.connection(service)
                send_until_closed(flood, lambda client: client.begin(INFER), 50_000)
                flood.wait_until_closed()
                self.assertLess(resident_bytes(service.pid) - before, 48 << 20)
                self.assert_serves(name, service)

    @unittest.skipUnless(HAS_LIMITS, "built without SOUVENIR_HTTP2_LIMITS")
    def test_resets_are_bounded_and_counted(self):
        for name, service in self.on_both():
            with self.subTest(service=name):
                closed = f"souvenir_{name}_connections_reset_total"
                count = metrics.sum_of(service.metrics, closed)
                # An honest client with a short deadline resets far fewer calls than a burst may
                # have.
                honest = self.connection(service, acknowledge=True)
                for _ in range(100):
                    honest.reset(honest.begin(INFER))
                honest.ping()
                self.assertIsNotNone(honest.wait_for(http2.PING))
                self.assertEqual(metrics.sum_of(service.metrics, closed), count)

                before = resident_bytes(service.pid)
                flood = self.connection(service, acknowledge=True)
                send_until_closed(flood, lambda client: client.reset(client.begin(INFER)), 50_000)
                flood.wait_until_closed()
                self.assertEqual(metrics.sum_of(service.metrics, closed), count + 1)
                self.assertLess(resident_bytes(service.pid) - before, 64 << 20)
                self.assert_serves(name, service)

    @unittest.skipUnless(HAS_LIMITS, "built without SOUVENIR_HTTP2_LIMITS")
    def test_the_metadata_of_the_open_calls_of_a_connection_is_bounded(self):
        block = http2.headers(INFER, [("cookie", "x" * 60_000)])
        for name, service in self.on_both():
            with self.subTest(service=name):
                closed = f"souvenir_{name}_connections_metadata_exceeded_total"
                count = metrics.sum_of(service.metrics, closed)
                # Calls that have ended hold none.
                ready = http2.headers(READY, [("cookie", "x" * 60_000)])
                with http2.Connection(service.listen, acknowledge=True) as honest:
                    for _ in range(100):
                        stream = honest.new_stream()
                        honest.begin_in_parts(stream, ready, 16_384)
                        honest.send_data(stream, http2.message(b""), end=True)
                        self.assertIsNotNone(honest.wait_for(http2.HEADERS, stream))
                self.assertEqual(metrics.sum_of(service.metrics, closed), count)
                flood = self.connection(service, acknowledge=True)
                send_until_closed(
                    flood, lambda client: client.begin_in_parts(client.new_stream(), block, 16_384),
                    150)
                flood.wait_until_closed()
                self.assertEqual(metrics.sum_of(service.metrics, closed), count + 1)
                self.assert_serves(name, service)

    @unittest.skipUnless(HAS_LIMITS, "built without SOUVENIR_HTTP2_LIMITS")
    def test_calls_that_the_server_has_to_end_count_as_resets(self):
        """A deadline that has passed has the server end the call, which then does not count as a
        stream any more ("MadeYouReset")."""
        message = http2.message(b"")

        def ask(client):
            """Makes 50 calls, and waits until the server has ended them."""
            open_streams = set()
            for _ in range(50):
                stream = client.begin(INFER, [("grpc-timeout", "1n")])
                client.send(http2.frame(http2.DATA, http2.END_STREAM, stream, message))
                open_streams.add(stream)
            while open_streams:
                found = client.read()
                if found is None:
                    raise ConnectionResetError
                if found[0] == http2.RST_STREAM or found[1] & http2.END_STREAM:
                    open_streams.discard(found[2])

        for name, service in self.on_both():
            with self.subTest(service=name):
                closed = f"souvenir_{name}_connections_reset_total"
                count = metrics.sum_of(service.metrics, closed)
                before = resident_bytes(service.pid)
                flood = self.connection(service, acknowledge=True)
                self.assertLess(send_until_closed(flood, ask, 1000), 1000)
                self.assertEqual(metrics.sum_of(service.metrics, closed), count + 1)
                self.assertLess(resident_bytes(service.pid) - before, 64 << 20)
                self.assert_serves(name, service)

    def test_calls_that_wait_for_their_message_are_active_requests(self):
        for name, service in self.on_both():
            with self.subTest(service=name):
                # gRPC does not count the end of some calls that other tests have made.
                before = self.active(name, service, "waiting")
                with http2.Connection(service.listen, acknowledge=True) as connection:
                    for _ in range(50):
                        connection.begin(INFER)
                    wait_for(lambda n=name, s=service, b=before:
                             self.active(n, s, "waiting") >= b + 50, "the calls to come")
                wait_for(lambda n=name, s=service, b=before:
                         self.active(n, s, "waiting") < b + 50, "the calls to be gone")

    def test_calls_without_a_message_end_themselves_and_nothing_else(self):
        self.server.infer(text_request(["The house is red."]))  # known and cached from now on
        for name, service in self.on_both():
            for path in (INFER, TRANSLATE) if name == "gateway" else (INFER,):
                with self.subTest(service=name, path=path):
                    connection = self.connection(service, acknowledge=True)
                    for _ in range(30):
                        stream = connection.begin(path)
                        connection.send(http2.frame(http2.DATA, http2.END_STREAM, stream))
                        self.assertIsNotNone(connection.wait_for(http2.HEADERS, stream))
                        connection.reset(connection.begin(path))
                        cut = connection.begin(path)
                        connection.send_data(cut, b"\0\0\0\0\x20half")
                        connection.reset(cut)
                    self.assert_serves(name, service)

    def test_idle_reflection_and_health_streams_take_no_threads(self):
        reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        for name, service in self.on_both():
            with self.subTest(service=name):
                threads = pathlib.Path(f"/proc/{service.pid}/task")
                before = len(list(threads.iterdir()))
                connection = self.connection(service, acknowledge=True)
                for _ in range(100):
                    connection.begin(reflection)
                    watch = connection.begin("/grpc.health.v1.Health/Watch")
                    connection.send_data(watch, http2.message(b""), end=True)
                    self.assertIsNotNone(connection.wait_for(http2.HEADERS, watch))
                self.assertLess(len(list(threads.iterdir())) - before, 10)

    def test_metadata_of_sixty_kilobytes_passes(self):
        for name, service in self.on_both():
            with self.subTest(service=name):
                server = self.connect(service.listen)
                answer = server.inference.ServerReady.with_call(
                    harness.clients.oip.ServerReadyRequest(), timeout=60,
                    metadata=[("cookie", "x" * 60_000)])[0]
                self.assertTrue(answer.ready)

    def test_keepalive_is_answered_with_calls_and_without(self):
        for name, service in self.on_both():
            with self.subTest(service=name):
                connection = self.connection(service, acknowledge=True)
                for _ in range(30):
                    # The pause is twenty times the least interval, because the server's clock
                    # counts milliseconds.
                    due = time.monotonic() + 0.02
                    wait_for(lambda due=due: time.monotonic() >= due, "some time")
                    connection.ping()
                    self.assertIsNotNone(connection.wait_for(http2.PING))

    def test_a_flood_of_pings_is_sent_away(self):
        compute = self.services.start_compute()  # with the default interval of five seconds
        connection = self.connection(compute, acknowledge=True)
        for _ in range(5):
            with contextlib.suppress(OSError):
                connection.ping()
        self.assertEqual(connection.wait_until_closed(), (ENHANCE_YOUR_CALM, "too_many_pings"))

    def test_a_peer_has_so_many_connections_and_no_more(self):
        for name, service in self.on_both():
            with self.subTest(service=name):
                clients = [socket.create_connection(service.listen.rsplit(":", 1), timeout=60)
                           for _ in range(60)]
                refused = f"souvenir_{name}_connections_refused_total"
                wait_for(lambda n=refused, s=service: metrics.sum_of(
                    s.metrics, n, port="public", reason="peer") >= 20, "refusals")
                self.assertEqual(self.connect(service.admin).health(), "SERVING")
                for client in clients:
                    client.close()
                wait_for(lambda n=name, s=service: metrics.sum_of(
                    s.metrics, f"souvenir_{n}_connections", port="public") < 40, "room")
                self.assert_serves(name, service)


@unittest.skipUnless(HAS_LIMITS, "built without SOUVENIR_HTTP2_LIMITS")
class HeaderBlocksTest(harness.SharedServicesTest):
    """Header blocks of several frames, with the default of 64 KiB for the metadata of a call."""

    FIELD = http2.literal("x", "y" * 1000)
    # A field of 4 KB that HPACK's table keeps; later one byte refers to it.
    KEPT, KEPT_AGAIN = http2.literal("k" * 3900, "", first=b"\x40"), b"\xbe"
    UNFINISHED = b"\x00\x01x"  # the name of a field without its value

    # The end of the first frame, and the content of each later frame. No frame is above 64 KiB, but
    # the block has no end.
    FLOODS = {
        "large fields": (b"", FIELD * 16),
        "small fields": (b"", http2.literal("a", "b") * 1500),
        "fields of the table": (KEPT, KEPT_AGAIN * 15),
        "a value": (UNFINISHED + http2.length(1 << 28), b"y" * 16_384),
        "a name": (b"\x00" + http2.length(1 << 28), b"y" * 16_384),
        "a value in Huffman's code": (UNFINISHED + http2.length(1 << 28, huffman=True),
                                      b"\0" * 16_384),
        "a length": (UNFINISHED + b"\x7f", b"\x80" * 16_384),
        "an index": (b"\xff", b"\x80" * 16_384),
    }

    def assert_flood_ends(self, service, stream, first, more, flags=0):
        """Checks that the service closes the connection for its metadata and takes little
        memory."""
        name = service.name.removeprefix("souvenir-")
        closed = f"souvenir_{name}_connections_metadata_exceeded_total"
        count = metrics.sum_of(service.metrics, closed)
        before = resident_bytes(service.pid)
        connection, stream = stream if stream else (self.connection(service.listen), 1)
        connection.send(http2.frame(http2.HEADERS, flags, stream, first))
        part = http2.frame(http2.CONTINUATION, 0, stream, more)
        times = (32 << 20) // max(len(more), 4096)
        done = send_until_closed(connection, lambda client: client.send(part), times)
        if len(more) > 4096:  # more than the kernel's buffers can hold
            self.assertLess(done, times)
        connection.wait_until_closed()
        self.assertEqual(metrics.sum_of(service.metrics, closed), count + 1)
        self.assertLess(resident_bytes(service.pid) - before, 16 << 20)
        self.assertEqual(self.connect(service.listen).health(), "SERVING")

    def connection(self, address):
        connection = http2.Connection(address, acknowledge=True)
        self.addCleanup(connection.close)
        return connection

    def assert_answers(self, connection, stream):
        connection.send_data(stream, http2.message(b""), end=True)
        answer = connection.wait_for(http2.DATA, stream)
        self.assertIsNotNone(answer)
        self.assertEqual(answer[3], http2.message(b"\x08\x01"))  # ready

    def test_headers_without_end_are_bounded(self):
        for flood, (first, more) in self.FLOODS.items():
            for service in (self.gateway, self.compute):
                with self.subTest(flood=flood, service=service.name):
                    self.assert_flood_ends(service, None, http2.headers(READY) + first, more)
        self.assertIn("its metadata is above the limit", self.gateway.log())
        self.assertTrue(self.server.languages())

    def test_trailers_without_end_are_bounded(self):
        for flood in ("large fields", "fields of the table", "a value"):
            with self.subTest(flood=flood):
                connection = self.connection(self.gateway.listen)
                stream = connection.begin(INFER)
                self.assert_flood_ends(self.gateway, (connection, stream), *self.FLOODS[flood],
                                       flags=http2.END_STREAM)

    def test_headers_without_end_on_the_admin_port_are_bounded(self):
        connection = self.connection(self.gateway.admin)
        first, more = self.FLOODS["large fields"]
        self.assert_flood_ends(self.gateway, (connection, 1), http2.headers(READY) + first, more)

    def test_a_name_without_end_in_a_block_that_is_skipped_is_bounded(self):
        connection = self.connection(self.gateway.listen)
        self.assert_answers(connection, connection.begin(READY))
        self.assert_flood_ends(self.gateway, (connection, 1), *self.FLOODS["a name"])

    def test_a_field_does_not_go_on_in_the_next_block(self):
        connection = self.connection(self.gateway.listen)
        self.assert_answers(connection, connection.begin(READY))
        # The stream has ended, so the server skips this block.
        connection.send(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, self.FLOODS["a name"][0]))
        connection.wait_until_closed()

    def test_large_metadata_passes_in_many_frames(self):
        metadata = [("cookie", "x" * 30_000), *((f"name-{i}", "y" * 100) for i in range(100))]
        block = http2.headers(READY, metadata)
        for service in (self.gateway, self.compute):
            for size in (16_384, 1_000, 100, 1):
                with self.subTest(service=service.name, size=size):
                    connection = self.connection(service.listen)
                    for _ in range(3):  # together above the limit of one call
                        stream = connection.new_stream()
                        connection.begin_in_parts(stream, block, size)
                        self.assert_answers(connection, stream)

    def test_blocks_that_are_skipped_are_not_added_up(self):
        connection = self.connection(self.gateway.listen)
        self.assert_answers(connection, connection.begin(READY))
        for _ in range(100):  # the stream has ended
            connection.begin_in_parts(1, http2.literal("x", "y" * 1000), 400)
            connection.send(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, self.FIELD))
        stream = connection.new_stream()
        connection.begin_in_parts(stream, http2.headers(READY, [("cookie", "x" * 30_000)]), 10_000)
        self.assert_answers(connection, stream)


class CompressionTest(harness.SharedServicesTest):

    MESSAGE = 1 << 20  # max_message_bytes
    gateway_options = {"config": f"max_message_bytes: {MESSAGE}"}
    compute_options = {"config": f"max_message_bytes: {MESSAGE}"}
    # Inflates to a thousand times its size, and fits into the first flow-control window.
    BOMB = http2.message(bytes(60 << 20), compressed=True)

    def test_compressed_questions_to_the_public_port_are_answered(self):
        request = text_request(["The sea is blue."])
        plain = self.server.infer(request)[0]
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            with self.subTest(compression=compression):
                self.assertEqual(self.server.inference.ModelInfer(
                    request, timeout=60, compression=compression).raw_output_contents,
                                 plain.raw_output_contents)
                stream = self.server.inference.ModelStreamInfer(
                    iter([request]), timeout=60, compression=compression)
                self.assertEqual(next(stream).infer_response.raw_output_contents,
                                 plain.raw_output_contents)
                translated = self.server.translation.Translate(
                    harness.clients.translate_request("The sea is blue."), timeout=60,
                    compression=compression)
                self.assert_translated(translated.translations[0], harness.clients.MEMORY)

    def test_compressed_requests_are_refused_everywhere_else(self):
        request = text_request(["The sea is blue."])
        for address in (self.gateway.admin, self.compute.listen, self.compute.admin):
            server = self.connect(address)
            self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, lambda s=server: s.inference.ModelInfer(
                request, timeout=60, compression=grpc.Compression.Gzip))
        # gRPC itself refuses this one, without a message.
        with self.assertRaises(grpc.RpcError) as failure:
            self.server.inference.ModelReady(
                harness.clients.oip.ModelReadyRequest(name="apertium-eng-spa" * 10), timeout=60,
                compression=grpc.Compression.Gzip)
        self.assertEqual(failure.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_a_bomb_is_refused_before_it_takes_memory(self):
        self.assertLess(len(self.BOMB), 65_535)
        for service, methods in ((self.gateway, (INFER, TRANSLATE, READY)),
                                 (self.compute, (INFER, READY))):
            before = resident_bytes(service.pid)
            for path in methods:
                with self.subTest(service=service.name, path=path):
                    for _ in range(5):
                        with http2.Connection(service.listen, acknowledge=True) as connection:
                            stream = connection.begin(path, [("grpc-encoding", "gzip")])
                            connection.send_data(stream, self.BOMB, end=True)
                            self.assertIsNotNone(connection.wait_for(http2.HEADERS, stream))
            self.assertLess(resident_bytes(service.pid) - before, 40 << 20)

    def test_an_answer_of_compute_that_is_a_bomb_takes_no_memory(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            gateway = self.services.start_gateway(address)
            before = resident_bytes(gateway.pid)
            for _ in range(3):
                http2.serve(listener, http2.answer_headers([("grpc-encoding", "gzip")]), self.BOMB,
                            calls=1)
            self.assertLess(resident_bytes(gateway.pid) - before, 30 << 20)


class MemoryTest(harness.ServicesTest):
    """The documentation is right about the memory that clients can take."""

    PAGE = (SOURCE_DIRECTORY / "docs" / "operations.md").read_text(encoding="utf-8")
    FORMULA = re.compile(r"`max_connections_per_peer` × \((\d+) KiB \+ "
                         r"\(`max_concurrent_streams` \+ 1\) × (\d+) KiB\)")

    def setUp(self):
        super().setUp()
        add_identity(self.services)
        self.compute = self.start_compute()
        self.gateway = self.start_gateway(self.compute)
        self.before = {service: resident_bytes(service.pid)
                       for service in (self.gateway, self.compute)}

    def connections(self, service, count):
        for _ in range(count):
            connection = http2.Connection(service.listen, acknowledge=True)
            self.addCleanup(connection.close)
            yield connection

    def taken(self, service):
        return resident_bytes(service.pid) - self.before[service]

    def test_connections_and_streams_without_messages(self):
        of_connection, of_stream = (int(kib) << 10 for kib in self.FORMULA.search(self.PAGE).groups())
        for service, connections, streams in ((self.gateway, 4, 1000), (self.compute, 1, 4000)):
            with self.subTest(service=service.name):
                for connection in self.connections(service, connections):
                    for _ in range(streams):
                        connection.begin(INFER)
                    connection.ping()
                    self.assertIsNotNone(connection.wait_for(http2.PING))
                expected = connections * (of_connection + (streams + 1) * of_stream)
                self.assertLess(self.taken(service), expected)
                for connection in self.connections(service, 50):
                    connection.ping()
                    self.assertIsNotNone(connection.wait_for(http2.PING))
                self.assertLess(self.taken(service), expected + 50 * of_connection)

    def test_what_is_configured_by_default(self):
        of_connection, of_stream = map(int, self.FORMULA.search(self.PAGE).groups())
        for streams, where in ((1024, "the gateway"), (4096, "compute")):
            total = 64 * (of_connection + (streams + 1) * of_stream) >> 10
            self.assertIn(f"64 × ({of_connection} KiB + {streams + 1:,} × {of_stream} KiB) = "
                          f"{total:,} MiB at {where}", self.PAGE)
            metadata = 64 * (8 * 64 * 64 + streams * 8) >> 10
            self.assertIn(f"64 × (8 × 64 × 64 KiB + {streams:,} × 8 KiB) = {metadata:,} MiB at {where}",
                          self.PAGE)

    @unittest.skipUnless(HAS_LIMITS, "sanitizers take memory, and keep what was freed")
    def test_metadata_of_calls(self):
        self.assertIn("| the metadata of one call, beside it | 8 × `max_metadata_bytes`:", self.PAGE)
        of_stream, calls = int(self.FORMULA.search(self.PAGE).group(2)) << 10, 60
        block = http2.headers(STREAM, [("a", "")] * 1900)  # many small fields take most
        connections = 5
        for connection in self.connections(self.gateway, connections):
            for _ in range(calls):
                connection.begin_in_parts(connection.new_stream(), block, 16_384)
            connection.ping()
            self.assertIsNotNone(connection.wait_for(http2.PING))
        self.assertLess(self.taken(self.gateway),
                        connections * calls * (8 * (64 << 10) + of_stream))

    def test_messages_that_come(self):
        self.assertIn("| 2 × `max_message_bytes`, a compressed one 3 × |", self.PAGE)
        size, messages = 16 << 20, 4
        for connection in self.connections(self.gateway, messages):
            stream = connection.begin(INFER)
            part = http2.message(bytes(size - 1024))[:-1]  # all but the last byte
            for at in range(0, len(part), 16384):
                connection.send_within_window(stream, part[at:at + 16384])
        self.assertLess(self.taken(self.gateway), 2 * size * messages)

    @unittest.skipUnless(HAS_LIMITS, "sanitizers take memory, and keep what was freed")
    def test_all_messages_together(self):
        self.assertIn("| all messages on both ports | about `max_buffer_bytes`:", self.PAGE)
        most, size, messages = 128 << 20, 16 << 20, 16
        gateway = self.start_gateway(
            self.compute, config=f"connections {{ max_buffer_bytes: {most} }}")
        before = resident_bytes(gateway.pid)
        part = http2.message(bytes(size - 1024))[:-1]
        sent = [0] * messages

        def send(i, connection):
            stream = connection.begin(INFER)
            # Sends until the server has no more room. wait_for() then returns None, or send()
            # raises once it is closed.
            with contextlib.suppress(OSError, TypeError):
                for at in range(0, len(part), 16384):
                    connection.send_within_window(stream, part[at:at + 16384])
                    sent[i] += 1

        for i, connection in enumerate(self.connections(gateway, messages)):
            threading.Thread(target=send, args=(i, connection), daemon=True).start()
        seen = [0, time.monotonic()]

        def nothing_moves():
            if sum(sent) != seen[0]:
                seen[:] = sum(sent), time.monotonic()
            return sum(sent) * 16384 > most // 2 and time.monotonic() > seen[1] + 1

        wait_for(nothing_moves, "clients to have sent what they may")
        self.assertLess(resident_bytes(gateway.pid) - before, most * 3 // 2)
        self.assertEqual(self.connect(gateway.listen).health(), "SERVING")


    @unittest.skipUnless(HAS_LIMITS, "sanitizers take memory, and keep what was freed")
    def test_questions_that_wait_for_compute(self):
        self.assertIn("| questions that wait for compute | 6 × `flights.max_bytes`, in all forms:",
                      self.PAGE)
        most, size = 16 << 20, 1 << 20
        gateway = self.start_gateway(self.compute, config=(
            f"flights {{ max_bytes: {most} }} upstream {{ poll_interval_ms: 60000 }}"))
        server = self.connect(gateway.listen)
        wait_for_identity(server)
        # Compute does not answer, but its connections stay.
        os.kill(self.compute.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.compute.pid, signal.SIGCONT)
        before = resident_bytes(gateway.pid)
        waiting = [server.inference.ModelInfer.future(
            identity_request(str(i) + "x" * (size - 4096)), timeout=120)
                   for i in range(most // size)]
        self.addCleanup(lambda: [call.cancel() for call in waiting])

        def bytes_that_wait():
            return metrics.sum_of(gateway.metrics, "souvenir_gateway_waiting_bytes", lane="text")

        wait_for(lambda: bytes_that_wait() > most * 99 // 100, "all questions to wait")
        for i in range(20):
            self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda i=i: server.infer(
                identity_request(str(i) + "y" * (size - 4096))), str(most))
        self.assertLessEqual(bytes_that_wait(), most)
        self.assertLess(resident_bytes(gateway.pid) - before, 6 * most)

    def test_limits_that_have_defaults(self):
        page = (SOURCE_DIRECTORY / "docs" / "configuration.md").read_text(encoding="utf-8")
        lanes = re.findall(r"^\| `speech\.\w+\.max_bytes` \| (\d+) ", page, re.MULTILINE)
        self.assertEqual(len(lanes), 3)
        total = 2 * sum(map(int, lanes)) >> 20
        self.assertIn("| requests for speech, and what of them waits for compute | 2 × the sum of "
                      f"`speech.*.max_bytes`: {total:,} MiB by default |", self.PAGE)
        queue = re.search(r"^\| `max_queue_bytes` .*0: (\d+) MiB", page, re.MULTILINE).group(1)
        self.assertIn(f"| requests that compute holds | `max_queue_bytes` of compute: {queue} MiB by "
                      "default |", self.PAGE)


class UnreadAnswersTest(harness.ServicesTest):
    """A client that does not read its answers takes no memory above the limit, and no answer from
    others."""

    SIZE = 1 << 20
    LIMIT = 16 << 20
    CALLS = 60
    CONFIG = f"max_message_bytes: {2 << 20} connections {{ max_unread_bytes: {LIMIT} }}"

    def setUp(self):
        super().setUp()
        add_identity(self.services)
        self.compute = self.start_compute(config=PATIENT + self.CONFIG)
        self.gateway = self.start_gateway(self.compute, config=self.CONFIG)
        self.request = identity_request("x" * self.SIZE)

    def ask_without_reading(self, address):
        """Returns a connection on which the server may send headers only."""
        connection = http2.Connection(address)
        self.addCleanup(connection.close)
        connection.send(http2.frame(http2.SETTINGS, 0, 0, struct.pack("!HI", 4, 0)))
        asked = http2.message(self.request.SerializeToString())
        for _ in range(self.CALLS):
            stream = connection.begin(INFER)
            for at in range(0, len(asked), 16_384):
                connection.send_within_window(stream, asked[at:at + 16_384])
            connection.send(http2.frame(http2.DATA, http2.END_STREAM, stream))
        return connection

    def test_the_oldest_are_given_up(self):
        page = MemoryTest.PAGE
        self.assertIn("| answers that clients do not read | 2 × `max_unread_bytes`,", page)
        for name, service in (("gateway", self.gateway), ("compute", self.compute)):
            with self.subTest(service=name):
                server = self.connect(service.listen)
                wait_for_identity(server)
                server.infer(self.request)
                before = resident_bytes(service.pid)
                ended = f"souvenir_{name}_unread_answers_ended_total"
                connection = self.ask_without_reading(service.listen)
                # Each keeps its request, too.
                expected = self.CALLS - self.LIMIT // (2 * self.SIZE)
                wait_for(lambda e=ended, s=service, n=expected: metrics.sum_of(s.metrics, e) >= n,
                         "answers to be given up")
                self.assertLessEqual(
                    metrics.sum_of(service.metrics, f"souvenir_{name}_unread_answer_bytes"),
                    self.LIMIT)
                if HAS_LIMITS:  # sanitizers take memory, and keep what was freed
                    self.assertLess(resident_bytes(service.pid) - before,
                                    4 * self.LIMIT + 16 * self.SIZE)
                self.assertEqual(len(server.infer(self.request)[0].raw_output_contents[0]),
                                 4 + self.SIZE)
                while b"was not read" not in (found := connection.wait_for(http2.HEADERS))[3]:
                    pass
                self.assertTrue(found[1] & http2.END_STREAM)


class OpenFilesTest(harness.ServicesTest):

    def test_a_service_that_had_no_files_left_serves_when_it_has(self):
        compute = self.start_compute()
        with http2.Connection(compute.listen, acknowledge=True):
            used = len(list(pathlib.Path(f"/proc/{compute.pid}/fd").iterdir()))
            resource.prlimit(compute.pid, resource.RLIMIT_NOFILE, (used + 5, used + 5))
            clients = [socket.create_connection(compute.listen.rsplit(":", 1), timeout=60)
                       for _ in range(50)]
            # Refused connections are logged at once.
            wait_for(lambda: "too many open files" in compute.log(), "a line about it")
            for client in clients:
                client.close()
            server = self.connect(compute.listen)
            wait_for(server.ready, "the service to take connections again")
            self.assertGreater(metrics.sum_of(
                compute.metrics, "souvenir_compute_connections_refused_total",
                reason="descriptors"), 0)
            wait_for(lambda: server.health("souvenir.connections") == "SERVING", "health")


class SilentClientsTest(harness.ServicesTest):

    def test_a_client_that_never_speaks_is_closed(self):
        compute = self.start_compute(config="connections { handshake_timeout_ms: 100 }")
        with socket.create_connection(compute.listen.rsplit(":", 1), timeout=60) as client:
            while client.recv(4096):  # the server's own settings may come first
                pass

    def test_a_stop_does_not_wait_for_clients_that_do_not_read(self):
        """The client lets the server send anything, so answers fill the kernel's buffers."""
        compute = self.start_compute()
        client = http2.Connection(compute.listen)
        self.addCleanup(client.close)
        most = (1 << 31) - 1
        client.send(http2.frame(http2.SETTINGS, 0, 0, struct.pack("!HI", 4, most))
                    + http2.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", most - 65_535)))
        symbol = b"inference.GRPCInferenceService"
        asked = http2.message(b"\x22" + bytes((len(symbol),)) + symbol)
        for _ in range(300):
            stream = client.begin("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
            client.send_data(stream, asked * 20)
        wait_for(lambda: self.connect(compute.listen).health(), "some answers to be on their way")
        self.assertEqual(compute.terminate(12), 0)

    def half_sent(self, address):
        """Sends a part of a call, on a connection of its own for each kind of part."""
        headers = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.headers(INFER))
        data = http2.frame(http2.DATA, 0, 1, http2.message(bytes(200))[:100])
        block = http2.headers(READY)
        for sent in (headers, headers + data[:50], headers + data,
                     http2.frame(http2.HEADERS, 0, 1, block),
                     http2.frame(http2.HEADERS, 0, 1, block[:-10]),
                     http2.frame(http2.HEADERS, http2.END_HEADERS, 1, block)[:-10]):
            connection = http2.Connection(address, acknowledge=True)
            self.addCleanup(connection.close)
            connection.send(sent)

    def test_a_stop_does_not_wait_for_calls_that_have_come_by_half(self):
        compute, gateway, _ = self.start_both()
        for name, service in (("gateway", gateway), ("compute", compute)):
            for address in (service.listen, service.admin):
                self.half_sent(address)
            waiting = f"souvenir_{name}_active_requests"
            wait_for(lambda n=waiting, s=service: metrics.sum_of(
                s.metrics, n, method="waiting") >= 10, "the calls to come")
            self.assertEqual(service.terminate(4), 0)

    def test_a_stop_does_not_wait_for_idle_channels(self):
        compute, gateway, _ = self.start_both()
        for service in (gateway, compute):
            for address in (service.listen, service.admin):
                self.addCleanup(http2.Connection(address, acknowledge=True).close)
            self.assertEqual(service.terminate(4), 0)


if __name__ == "__main__":
    harness.main()
