#include "cache/memory/eviction/eviction_policy.h"

#include "cache/memory/eviction/lru_policy.h"
#include "cache/memory/eviction/s3_fifo_policy.h"

namespace souvenir::cache {

std::unique_ptr<EvictionPolicy> EvictionPolicy::Create(Kind kind, size_t limit_bytes) {
  switch (kind) {
    case Kind::kS3Fifo:
      return std::make_unique<S3FifoPolicy>(limit_bytes);
    case Kind::kLru:
      return std::make_unique<LruPolicy>();
  }
  return nullptr;
}

}  // namespace souvenir::cache
