#include "common/grpc/http2_limits.h"

#include <grpcpp/version_info.h>

#include <atomic>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/grpc/open_metadata.h"
#include "common/grpc/reset_budget.h"

// This file replaces parts of gRPC, and must fit them exactly. gRPC has limits of its own from 1.59
// on (grpc.http2.max_concurrent_streams_overload_protection, and RST_STREAM throttling). With such
// a version this file is to be removed.
static_assert(GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR == 51,
              "http2_limits.cc is for gRPC 1.51; configure with -DSOUVENIR_HTTP2_LIMITS=OFF");

struct grpc_chttp2_transport;
struct grpc_chttp2_stream;
struct grpc_chttp2_stream_map;
struct grpc_endpoint;
struct grpc_slice;
struct grpc_transport;
struct grpc_transport_one_way_stats;
namespace grpc_core {
class ChannelArgs;
}

// gRPC's table of HTTP/2 settings (src/core/ext/transport/chttp2/transport/http2_settings.cc). The
// linker does not take it from the archive, because its symbols are here. Layout and values are
// gRPC's, except two defaults. A default holds until the client has acknowledged our settings;
// gRPC's defaults are "any number of streams" and "16 MB of metadata".
enum Setting { kMaxConcurrentStreams = 2, kMaxHeaderListSize = 5, kSettings = 7 };

enum class OnInvalid : int { kClamp = 0, kDisconnect = 1 };

struct SettingParameters {
  const char* name;
  uint32_t default_value;
  uint32_t min_value;
  uint32_t max_value;
  OnInvalid on_invalid;
  uint32_t error_code;  // of HTTP/2
};

constexpr uint32_t kProtocolError = 1;
constexpr uint32_t kFlowControlError = 3;
constexpr uint32_t kAny = 0xFFFFFFFF;

extern const uint16_t grpc_setting_id_to_wire_id[kSettings];
const uint16_t grpc_setting_id_to_wire_id[kSettings] = {1, 2, 3, 4, 5, 6, 0xFE03};

extern SettingParameters grpc_chttp2_settings_parameters[kSettings];
SettingParameters grpc_chttp2_settings_parameters[kSettings] = {
    {"HEADER_TABLE_SIZE", 4096, 0, kAny, OnInvalid::kClamp, kProtocolError},
    {"ENABLE_PUSH", 1, 0, 1, OnInvalid::kDisconnect, kProtocolError},
    {"MAX_CONCURRENT_STREAMS", 1025, 0, kAny, OnInvalid::kDisconnect, kProtocolError},
    {"INITIAL_WINDOW_SIZE", 65'535, 0, 0x7FFFFFFF, OnInvalid::kDisconnect, kFlowControlError},
    {"MAX_FRAME_SIZE", 16'384, 16'384, 0xFFFFFF, OnInvalid::kDisconnect, kProtocolError},
    {"MAX_HEADER_LIST_SIZE", (64u << 10) + 1, 0, 16u << 20, OnInvalid::kClamp, kProtocolError},
    {"GRPC_ALLOW_TRUE_BINARY_METADATA", 0, 0, 1, OnInvalid::kClamp, kProtocolError},
};

// This enum must have the name of gRPC's own, which is part of the linker's name of the function
// below.
enum grpc_chttp2_setting_id : unsigned int {};

bool grpc_wire_id_to_setting_id(uint32_t wire_id, grpc_chttp2_setting_id* setting);
bool grpc_wire_id_to_setting_id(uint32_t wire_id, grpc_chttp2_setting_id* setting) {
  for (unsigned i = 0; i < kSettings; ++i) {
    if (grpc_setting_id_to_wire_id[i] != wire_id) continue;
    *setting = static_cast<grpc_chttp2_setting_id>(i);
    return true;
  }
  return false;
}

// gRPC's own. Returns the stream with this number, or null.
void* grpc_chttp2_stream_map_find(grpc_chttp2_stream_map* map, uint32_t stream);

namespace souvenir {
namespace {

OpenMetadata& Metadata() {
  static auto* const metadata = new OpenMetadata(Http2Limits().max_metadata_bytes);
  return *metadata;
}

// The place of a transport's table of streams behind its beginning; 0 until a transport was made.
std::atomic<std::ptrdiff_t> streams_offset{0};
// The table of the transport that this thread makes.
thread_local const void* new_streams = nullptr;

// Learns the place of the table, which was made while RealCreateTransport() made `transport`.
void LearnPlace(const void* transport) {
  if (new_streams == nullptr) return;
  streams_offset.store(static_cast<const char*>(std::exchange(new_streams, nullptr)) -
                           static_cast<const char*>(transport),
                       std::memory_order_relaxed);
}

ResetBudget& Budget() {
  static auto* const budget = new ResetBudget(Http2Limits().max_resets_per_second);
  return *budget;
}

std::atomic<uint64_t> closed_for_resets{0};

// Counts half a reset. A call that ends early shows twice: as a reset of the client and then one of
// the server, or as two of the server.
bool TakeHalf(const void* connection) {
  return Budget().Take(connection, Clock::System()->Monotonic(), 0.5);
}

// Sets the default to one more than `configured`, because gRPC does not send clients a setting that
// equals its default.
void SetDefault(Setting setting, uint32_t configured) {
  uint32_t& value = grpc_chttp2_settings_parameters[setting].default_value;
  if (value != configured + 1) value = configured + 1;
}

}  // namespace

bool HasHttp2Limits() { return true; }

void SetHttp2Limits(const Http2Limits& limits) {
  SetDefault(kMaxConcurrentStreams, limits.max_concurrent_streams);
  SetDefault(kMaxHeaderListSize, limits.max_metadata_bytes);
  Budget().SetRate(limits.max_resets_per_second);
  Metadata().SetMost(limits.max_metadata_bytes);
}

uint64_t ConnectionsClosedForResets() { return closed_for_resets.load(); }

bool AddOpenMetadata(const void* connection, uint32_t stream, uint32_t bytes) {
  const std::ptrdiff_t offset = streams_offset.load(std::memory_order_relaxed);
  if (bytes <= OpenMetadata::kSmallBytes || offset == 0) return true;
  auto* const streams = const_cast<char*>(static_cast<const char*>(connection)) + offset;
  // A call that has ended meanwhile would never be removed.
  if (grpc_chttp2_stream_map_find(reinterpret_cast<grpc_chttp2_stream_map*>(streams), stream) ==
      nullptr) {
    return true;
  }
  return Metadata().Add(connection, stream, bytes);
}

bool MustCloseForResets(const void* connection) {
  if (!Budget().TakeOverdrawn(connection)) return false;
  closed_for_resets.fetch_add(1);
  return true;
}

}  // namespace souvenir

// The linker replaces five functions of gRPC by those below (--wrap). The symbols with __real_ are
// gRPC's own functions.

// Begins a connection of a client or of a server.
grpc_transport*
RealCreateTransport(const grpc_core::ChannelArgs& args, grpc_endpoint* endpoint, bool is_client) asm(
    "__real__Z28grpc_create_chttp2_transportRKN9grpc_core11ChannelArgsEP13grpc_endpointb");
grpc_transport*
CreateTransport(const grpc_core::ChannelArgs& args, grpc_endpoint* endpoint, bool is_client) asm(
    "__wrap__Z28grpc_create_chttp2_transportRKN9grpc_core11ChannelArgsEP13grpc_endpointb");

grpc_transport* CreateTransport(const grpc_core::ChannelArgs& args, grpc_endpoint* endpoint,
                                bool is_client) {
  grpc_transport* const transport = RealCreateTransport(args, endpoint, is_client);
  souvenir::Budget().Begin(transport, !is_client);
  souvenir::LearnPlace(transport);
  return transport;
}

// Parses a part of a RST_STREAM frame, by which a peer gives up a call. An error closes the
// connection.
absl::Status
RealParseReset(void* parser, grpc_chttp2_transport* transport, grpc_chttp2_stream* stream, const grpc_slice& slice, int is_last) asm(
    "__real__Z35grpc_chttp2_rst_stream_parser_parsePvP21grpc_chttp2_transport"
    "P18grpc_chttp2_streamRK10grpc_slicei");
absl::Status
ParseReset(void* parser, grpc_chttp2_transport* transport, grpc_chttp2_stream* stream, const grpc_slice& slice, int is_last) asm(
    "__wrap__Z35grpc_chttp2_rst_stream_parser_parsePvP21grpc_chttp2_transport"
    "P18grpc_chttp2_streamRK10grpc_slicei");

absl::Status ParseReset(void* parser, grpc_chttp2_transport* transport, grpc_chttp2_stream* stream,
                        const grpc_slice& slice, int is_last) {
  if (is_last != 0 && !souvenir::TakeHalf(transport)) {
    souvenir::closed_for_resets.fetch_add(1);
    return absl::ResourceExhaustedError("too many calls were given up");
  }
  return RealParseReset(parser, transport, stream, slice, is_last);
}

// Sends a RST_STREAM frame for a call that ends before its time: it was cancelled, or its frames
// were wrong. A call that the server ends with its answer does not come here. A client can bring
// this about by a deadline that has passed, and does not reset the call itself then. This function
// cannot close the connection, so the next call of it does (MustCloseForResets()).
void RealAddReset(grpc_chttp2_transport* transport, uint32_t stream, uint32_t code, grpc_transport_one_way_stats* stats) asm(
    "__real__Z40grpc_chttp2_add_rst_stream_to_next_writeP21grpc_chttp2_transportjj"
    "P28grpc_transport_one_way_stats");
void AddReset(grpc_chttp2_transport* transport, uint32_t stream, uint32_t code, grpc_transport_one_way_stats* stats) asm(
    "__wrap__Z40grpc_chttp2_add_rst_stream_to_next_writeP21grpc_chttp2_transportjj"
    "P28grpc_transport_one_way_stats");

void AddReset(grpc_chttp2_transport* transport, uint32_t stream, uint32_t code,
              grpc_transport_one_way_stats* stats) {
  if (!souvenir::TakeHalf(transport)) souvenir::Budget().Overdraw(transport);
  RealAddReset(transport, stream, code, stats);
}

// Makes the table of the streams of a transport, which is a part of the transport.
void RealMakeStreams(grpc_chttp2_stream_map* map, size_t capacity) asm(
    "__real__Z27grpc_chttp2_stream_map_initP22grpc_chttp2_stream_mapm");
void MakeStreams(grpc_chttp2_stream_map* map, size_t capacity) asm(
    "__wrap__Z27grpc_chttp2_stream_map_initP22grpc_chttp2_stream_mapm");

void MakeStreams(grpc_chttp2_stream_map* map, size_t capacity) {
  souvenir::new_streams = map;
  RealMakeStreams(map, capacity);
}

// Removes a stream whose call has ended.
void* RealDeleteStream(grpc_chttp2_stream_map* map, uint32_t stream) asm(
    "__real__Z29grpc_chttp2_stream_map_deleteP22grpc_chttp2_stream_mapj");
void* DeleteStream(grpc_chttp2_stream_map* map, uint32_t stream) asm(
    "__wrap__Z29grpc_chttp2_stream_map_deleteP22grpc_chttp2_stream_mapj");

void* DeleteStream(grpc_chttp2_stream_map* map, uint32_t stream) {
  const std::ptrdiff_t offset = souvenir::streams_offset.load(std::memory_order_relaxed);
  souvenir::Metadata().Remove(reinterpret_cast<const char*>(map) - offset, stream);
  return RealDeleteStream(map, stream);
}
