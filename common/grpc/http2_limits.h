#pragma once

#include <cstdint>

namespace souvenir {

// HTTP/2 limits that gRPC 1.51 has no arguments for; docs/adr/0024-http2-limits.md explains how
// they work. A program has them if it was built with SOUVENIR_HTTP2_LIMITS.
struct Http2Limits {
  // Streams of a connection until the client has acknowledged our settings, which have the same
  // limit. gRPC itself enforces the limit only after that.
  uint32_t max_concurrent_streams = 1024;
  // Metadata of a call, until the same moment.
  uint32_t max_metadata_bytes = 64u << 10;
  // Calls of a connection that may end early in a second, given up by the client, or by the server
  // because of a deadline or of wrong frames; up to four seconds' worth of them at once. A client
  // with more is disconnected.
  uint32_t max_resets_per_second = 500;
};

// Returns true if this program has the limits.
bool HasHttp2Limits();

// Sets the limits of the whole process. The limit of resets applies at once, the others to
// connections that come later. If a process has several servers, the last call decides. Must be
// called before a server starts. Has no effect if !HasHttp2Limits().
void SetHttp2Limits(const Http2Limits& limits);

// Returns the number of connections of this process that were closed because of their resets.
uint64_t ConnectionsClosedForResets();

// Returns true, once, if `connection`, a transport of gRPC, must be closed because too many of its
// calls ended early, and counts it. For the wrapped functions of gRPC.
bool MustCloseForResets(const void* connection);

// Adds a header block of `bytes` of a call to what the calls of `connection`, a transport of gRPC,
// hold until they end. Returns false if that is above the limit: kBlocks of the largest blocks, see
// OpenMetadata. For the wrapped functions of gRPC.
bool AddOpenMetadata(const void* connection, uint32_t stream, uint32_t bytes);

// Returns the number of connections of this process that were closed because the metadata of a
// call, or of all their calls, was above the limit.
uint64_t ConnectionsClosedForMetadata();

}  // namespace souvenir
