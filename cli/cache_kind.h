#pragma once

#include <string>

#include "souvenir/v1/translation.pb.h"

namespace souvenir::cli {

// Returns "memory", "miss" and so on; "unknown" if the gateway sent none, and "kind 42" for a kind
// of a newer gateway.
std::string CacheKindName(souvenir::v1::CacheKind kind);

}  // namespace souvenir::cli
