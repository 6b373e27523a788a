#include "common/grpc/http2_limits.h"

// For programs that are built without them.

namespace souvenir {

bool HasHttp2Limits() { return false; }

void SetHttp2Limits(const Http2Limits&) {}

uint64_t ConnectionsClosedForResets() { return 0; }

uint64_t ConnectionsClosedForMetadata() { return 0; }

}  // namespace souvenir
