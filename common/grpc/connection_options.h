#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "souvenir/config/v1/common.pb.h"

namespace souvenir {

// The limits of a server for its clients, and how it keeps connections alive. docs/configuration.md
// has the reasons.
struct ConnectionOptions {
  size_t max_connections = 4096;
  size_t max_connections_per_peer = 64;
  uint32_t max_concurrent_streams = 1024;  // of one connection
  uint32_t max_resets_per_second = 500;    // of one connection
  size_t max_metadata_bytes = 64u << 10;
  absl::Duration min_ping_interval = absl::Seconds(5);
  absl::Duration keepalive = absl::Seconds(60);  // zero: never
  absl::Duration handshake_timeout = absl::Seconds(10);
};

// The defaults of ConnectionOptions; `max_buffer_bytes` and `max_unread_bytes` are 0.
config::v1::Connections DefaultConnections();

// Checks the ranges of the fields. INVALID_ARGUMENT names the field, what came and what was
// expected. `max_message_bytes` is the server's limit of one message. REQUIRES: no field is left
// out.
absl::Status CheckConnections(const config::v1::Connections& connections,
                              uint64_t max_message_bytes);

// REQUIRES: CheckConnections() is OK.
ConnectionOptions ConnectionOptionsOf(const config::v1::Connections& connections);

// Returns the limit of UnreadAnswers. If the configuration has none, it is an eighth of the
// machine's memory, but at least eight messages of `max_message_bytes`.
uint64_t UnreadBytes(const config::v1::Connections& connections, uint64_t machine_bytes,
                     uint64_t max_message_bytes);

// Returns the memory that messages under way may take on all ports of a process together. If the
// configuration has no limit, it is `share` of the machine's memory, but at least eight messages of
// `max_message_bytes`, because a small machine could receive none otherwise.
uint64_t BufferBytes(const config::v1::Connections& connections, double share,
                     uint64_t machine_bytes, uint64_t max_message_bytes);

}  // namespace souvenir
