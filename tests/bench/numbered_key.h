#pragma once

#include <cstdint>

#include "cache/fingerprint.h"
#include "common/sha256.h"

namespace souvenir::bench {

// The key of the input with that number: as spread as a question's fingerprint.
inline cache::Fingerprint KeyOf(uint64_t number) {
  Sha256 hash;
  hash.Add(number);
  return {hash.Finish()};
}

}  // namespace souvenir::bench
