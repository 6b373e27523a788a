#include "common/grpc/connection_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "common/config/range.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr uint32_t kDayMs = 86'400'000;
constexpr uint64_t kLeastMessages = 8;

// Checks a limit of bytes that has a default by the memory.
absl::Status CheckBytes(std::string_view field, uint64_t bytes, uint64_t max_message_bytes) {
  const uint64_t least = kLeastMessages * max_message_bytes;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (bytes == 0 || (bytes >= least && bytes <= kMost)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("connections.{} is {}; it must be 0, for a share of the memory, or a number from "
                  "{}, which is {} messages of max_message_bytes, to {}",
                  field, bytes, least, kLeastMessages, kMost));
}

}  // namespace

config::v1::Connections DefaultConnections() {
  const ConnectionOptions options;
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<uint32_t>(absl::ToInt64Milliseconds(duration));
  };
  config::v1::Connections connections;
  connections.set_max_connections(static_cast<uint32_t>(options.max_connections));
  connections.set_max_connections_per_peer(static_cast<uint32_t>(options.max_connections_per_peer));
  connections.set_max_concurrent_streams(options.max_concurrent_streams);
  connections.set_max_resets_per_second(options.max_resets_per_second);
  connections.set_max_metadata_bytes(static_cast<uint32_t>(options.max_metadata_bytes));
  connections.set_min_ping_interval_ms(milliseconds(options.min_ping_interval));
  connections.set_keepalive_ms(milliseconds(options.keepalive));
  connections.set_handshake_timeout_ms(milliseconds(options.handshake_timeout));
  connections.set_max_buffer_bytes(0);
  connections.set_max_unread_bytes(0);
  return connections;
}

absl::Status CheckConnections(const config::v1::Connections& connections,
                              uint64_t max_message_bytes) {
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("connections.max_connections", connections.max_connections(), 1, 1'000'000));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("connections.max_connections_per_peer",
                                      connections.max_connections_per_peer(), 1, 1'000'000));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("connections.max_concurrent_streams",
                                      connections.max_concurrent_streams(), 1, 1'000'000));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("connections.max_resets_per_second",
                                      connections.max_resets_per_second(), 1, 1'000'000));
  // A lower limit would refuse the metadata that every client sends. The highest limit bounds
  // memory, because metadata is held until its end has come.
  SOUVENIR_RETURN_IF_ERROR(CheckRange("connections.max_metadata_bytes",
                                      connections.max_metadata_bytes(), 4096, 16u << 20));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("connections.min_ping_interval_ms",
                                      connections.min_ping_interval_ms(), 1, kDayMs));
  SOUVENIR_RETURN_IF_ERROR(
      CheckRange("connections.keepalive_ms", connections.keepalive_ms(), 0, kDayMs));
  SOUVENIR_RETURN_IF_ERROR(CheckRange("connections.handshake_timeout_ms",
                                      connections.handshake_timeout_ms(), 1, kDayMs));
  // A smaller buffer would let allowed messages close the connections of others, and allowed
  // answers end those of others.
  SOUVENIR_RETURN_IF_ERROR(
      CheckBytes("max_buffer_bytes", connections.max_buffer_bytes(), max_message_bytes));
  return CheckBytes("max_unread_bytes", connections.max_unread_bytes(), max_message_bytes);
}

ConnectionOptions ConnectionOptionsOf(const config::v1::Connections& connections) {
  return {.max_connections = connections.max_connections(),
          .max_connections_per_peer = connections.max_connections_per_peer(),
          .max_concurrent_streams = connections.max_concurrent_streams(),
          .max_resets_per_second = connections.max_resets_per_second(),
          .max_metadata_bytes = connections.max_metadata_bytes(),
          .min_ping_interval = absl::Milliseconds(connections.min_ping_interval_ms()),
          .keepalive = absl::Milliseconds(connections.keepalive_ms()),
          .handshake_timeout = absl::Milliseconds(connections.handshake_timeout_ms())};
}

uint64_t UnreadBytes(const config::v1::Connections& connections, uint64_t machine_bytes,
                     uint64_t max_message_bytes) {
  if (connections.max_unread_bytes() > 0) return connections.max_unread_bytes();
  return std::max(machine_bytes / 8, kLeastMessages * max_message_bytes);
}

uint64_t BufferBytes(const config::v1::Connections& connections, double share,
                     uint64_t machine_bytes, uint64_t max_message_bytes) {
  if (connections.max_buffer_bytes() > 0) return connections.max_buffer_bytes();
  return std::max(static_cast<uint64_t>(share * static_cast<double>(machine_bytes)),
                  kLeastMessages * max_message_bytes);
}

}  // namespace souvenir
