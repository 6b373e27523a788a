#pragma once

#include <cstdint>

#include "cache/fingerprint.h"
#include "common/sha256.h"

namespace souvenir::bench {

// Returns the key of the input with that number, with bits as random as those of a fingerprint.
inline cache::Fingerprint KeyOf(uint64_t number) {
  Sha256 hash;
  hash.Add(number);
  return {hash.Finish()};
}

}  // namespace souvenir::bench
