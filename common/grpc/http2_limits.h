#pragma once

#include <cstdint>

namespace souvenir {

// Limits of HTTP/2 that gRPC 1.51 has no argument for; docs/adr/0024-http2-limits.md tells how they
// are put in. Only there if the program was built with SOUVENIR_HTTP2_LIMITS.
struct Http2Limits {
  // Streams of a connection before the client has acknowledged our settings, which say the same.
  // gRPC holds only clients to the limit that have.
  uint32_t max_concurrent_streams = 1024;
  // Metadata of a call, at that time.
  uint32_t max_metadata_bytes = 64u << 10;
  // Calls given up, of one connection; four seconds' worth of it at once. A client that gives up
  // more is disconnected.
  uint32_t max_resets_per_second = 500;
};

// Whether this program has them.
bool HasHttp2Limits();

// Sets them for the whole process: the connections that come hold to them. Of several servers in a
// process the last one decides. Before a server starts. Without effect if !HasHttp2Limits().
void SetHttp2Limits(const Http2Limits& limits);

// Connections that were closed because of their resets, of the whole process.
uint64_t ConnectionsClosedForResets();

// Connections that were closed because the metadata of a call was above their limit, of the whole
// process.
uint64_t ConnectionsClosedForMetadata();

}  // namespace souvenir
