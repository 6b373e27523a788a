#include "common/grpc/http2_limits.h"

// Replaces http2_limits.cc in programs that are built without the limits.

namespace souvenir {

bool HasHttp2Limits() { return false; }

void SetHttp2Limits(const Http2Limits&) {}

uint64_t ConnectionsClosedForResets() { return 0; }

uint64_t ConnectionsClosedForMetadata() { return 0; }

}  // namespace souvenir
