#include "cli/cache_kind.h"

#include <fmt/format.h>

namespace souvenir::cli {

std::string CacheKindName(souvenir::v1::CacheKind kind) {
  switch (kind) {
    case souvenir::v1::CACHE_KIND_UNSPECIFIED:
      return "unknown";
    case souvenir::v1::CACHE_KIND_MEMORY:
      return "memory";
    case souvenir::v1::CACHE_KIND_DISK:
      return "disk";
    case souvenir::v1::CACHE_KIND_STALE:
      return "stale";
    case souvenir::v1::CACHE_KIND_NEGATIVE:
      return "negative";
    case souvenir::v1::CACHE_KIND_COALESCED:
      return "coalesced";
    case souvenir::v1::CACHE_KIND_MISS:
      return "miss";
    case souvenir::v1::CACHE_KIND_BYPASS:
      return "bypass";
    case souvenir::v1::CACHE_KIND_SHARED:
      return "shared";
    case souvenir::v1::CacheKind_INT_MIN_SENTINEL_DO_NOT_USE_:
    case souvenir::v1::CacheKind_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  // A newer gateway may have more kinds.
  return fmt::format("kind {}", static_cast<int>(kind));
}

}  // namespace souvenir::cli
