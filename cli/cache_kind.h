#pragma once

#include <string>

#include "souvenir/v1/translation.pb.h"

namespace souvenir::cli {

// "memory", "miss"; "unknown" for what the gateway did not say, "kind 42" for a newer gateway's.
std::string CacheKindName(souvenir::v1::CacheKind kind);

}  // namespace souvenir::cli
