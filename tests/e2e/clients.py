"""Clients of the services for tests and benchmarks: thin wrappers around the generated stubs."""

import struct

import services  # finds the generated stubs
import grpc

from inference import grpc_service_pb2 as oip
from inference import grpc_service_pb2_grpc as oip_grpc
from souvenir.v1 import cache_pb2
from souvenir.v1 import cache_pb2_grpc
from souvenir.v1 import stats_pb2
from souvenir.v1 import stats_pb2_grpc
from souvenir.v1 import translation_pb2
from souvenir.v1 import translation_pb2_grpc
from standard import health_pb2
from standard import health_pb2_grpc
from standard import reflection_pb2
from standard import reflection_pb2_grpc

MEMORY = translation_pb2.CACHE_KIND_MEMORY
DISK = translation_pb2.CACHE_KIND_DISK
COALESCED = translation_pb2.CACHE_KIND_COALESCED
MISS = translation_pb2.CACHE_KIND_MISS
BYPASS = translation_pb2.CACHE_KIND_BYPASS

TRANSLATE_METHOD = "/souvenir.v1.TranslationService/Translate"
CALL_SECONDS = 60


class Server:
    """One gRPC port, with a stub of every service. A call to a service that the port does not have
    is UNIMPLEMENTED. Close the object before the program that it talks to is started again."""

    def __init__(self, address):
        self.address = address
        self.channel = grpc.insecure_channel(address, options=[
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", 64 << 20),
            ("grpc.max_send_message_length", 64 << 20)])
        self.inference = oip_grpc.GRPCInferenceServiceStub(self.channel)
        self.translation = translation_pb2_grpc.TranslationServiceStub(self.channel)
        self.stats = stats_pb2_grpc.StatsServiceStub(self.channel)
        self.cache = cache_pb2_grpc.CacheServiceStub(self.channel)
        self._health = health_pb2_grpc.HealthStub(self.channel)
        self._reflection = reflection_pb2_grpc.ServerReflectionStub(self.channel)

    def close(self):
        self.channel.close()

    def translate(self, text, targets=("es",), source="en", cache_control=None,
                  seconds=CALL_SECONDS, **fields):
        """Returns the whole TranslateResponse."""
        return self.translation.Translate(
            translate_request(text, targets, source, **fields), timeout=_seconds(seconds),
            metadata=_metadata(cache_control))

    def translate_one(self, text, target="es", source="en", **more):
        """Returns the only Translation of the answer."""
        return self.translate(text, (target,), source, **more).translations[0]

    def translate_bytes(self, request, seconds=CALL_SECONDS):
        """Sends any bytes in the place of a TranslateRequest."""
        call = self.channel.unary_unary(
            TRANSLATE_METHOD, request_serializer=bytes,
            response_deserializer=translation_pb2.TranslateResponse.FromString)
        return call(request, timeout=_seconds(seconds))

    def infer(self, request, cache_control=None, seconds=CALL_SECONDS):
        """Returns (ModelInferResponse, initial metadata as a dict)."""
        response, call = self.inference.ModelInfer.with_call(
            request, timeout=_seconds(seconds), metadata=_metadata(cache_control))
        return response, {key: value for key, value in call.initial_metadata()}

    def languages(self):
        """Returns the pairs that can be translated: {(source, target): model}."""
        answer = self.translation.ListLanguages(
            translation_pb2.ListLanguagesRequest(), timeout=_seconds(10))
        return {(pair.source_language, pair.target_language): pair.model for pair in answer.pairs}

    def get_stats(self):
        return self.stats.GetStats(stats_pb2.GetStatsRequest(), timeout=_seconds(10))

    def lookups(self):
        """Returns the rows looked up since the gateway started, by kind, over all models."""
        counts = {}
        for model in self.get_stats().models:
            for lookup in model.lookups:
                counts[lookup.kind] = counts.get(lookup.kind, 0) + lookup.rows
        return counts

    def get_entry(self, key, with_value=False):
        return self.cache.GetEntry(
            cache_pb2.GetEntryRequest(key=key, with_value=with_value), timeout=_seconds(10))

    def invalidate(self, **scope):
        return self.cache.Invalidate(cache_pb2.InvalidateRequest(**scope), timeout=_seconds(10))

    def health(self, service=""):
        answer = self._health.Check(health_pb2.HealthCheckRequest(service=service),
                                    timeout=_seconds(10))
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    def reflected_services(self):
        request = reflection_pb2.ServerReflectionRequest(list_services="*")
        for answer in self._reflection.ServerReflectionInfo(iter([request]),
                                                            timeout=_seconds(10)):
            return {service.name for service in answer.list_services_response.service}
        raise AssertionError("reflection answered nothing")

    def ready(self):
        """Returns True if the server reports that it is ready; False also if it is away."""
        try:
            return self.inference.ServerReady(oip.ServerReadyRequest(), timeout=_seconds(5)).ready
        except grpc.RpcError:
            return False


def translate_request(text, targets=("es",), source="en", **fields):
    return translation_pb2.TranslateRequest(
        text=text, source_language=source, target_languages=list(targets), **fields)


def text_request(texts, model="apertium-eng-spa", raw=True, shape=None, **fields):
    """Returns a ModelInferRequest to a model of texts."""
    request = oip.ModelInferRequest(model_name=model, **fields)
    tensor = request.inputs.add(name="text", datatype="BYTES",
                                shape=[len(texts), 1] if shape is None else shape)
    encoded = [text if isinstance(text, bytes) else text.encode() for text in texts]
    if raw:
        request.raw_input_contents.append(encode_bytes_tensor(encoded))
    else:
        tensor.contents.bytes_contents.extend(encoded)
    return request


def encode_bytes_tensor(elements):
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def decode_bytes_tensor(raw):
    elements = []
    while raw:
        (length,) = struct.unpack_from("<I", raw)
        elements.append(raw[4:4 + length])
        raw = raw[4 + length:]
    return elements


def translations_of(response):
    """Returns the texts in a ModelInferResponse."""
    return [element.decode() for element in decode_bytes_tensor(response.raw_output_contents[0])]


def kinds_of(metadata):
    """Returns the header `souvenir-cache: memory=3,miss=1` as {"memory": 3, "miss": 1}."""
    return {kind: int(count) for kind, count in
            (part.split("=") for part in metadata["souvenir-cache"].split(","))}


def _metadata(cache_control):
    return [] if cache_control is None else [("cache-control", cache_control)]


def _seconds(seconds):
    return seconds * services.TIME_FACTOR
