#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/sha256.h"

namespace souvenir::cache {

// The identity of a question, as 32 bytes. Questions with equal fingerprints have the same answer.
// Comparisons use all 32 bytes. A value type, cheap to copy.
struct Fingerprint {
  Sha256Digest bytes{};

  // Returns 64 lower-case hex digits.
  std::string Hex() const { return HexString(bytes); }

  // Parses 64 hex digits of either case. Returns nullopt for any other text.
  static std::optional<Fingerprint> FromHex(std::string_view hex);

  // Returns a view of the bytes, as a key of a store.
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // Returns the `i`-th 64 bits. They can serve as a hash, because those of a cryptographic hash
  // need no further mixing. REQUIRES: i < 4.
  uint64_t word(size_t i = 0) const {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i * sizeof(word), sizeof(word));
    return word;
  }

  bool operator==(const Fingerprint& other) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const Fingerprint& fingerprint) {
    return H::combine(std::move(state), fingerprint.word());
  }
};

}  // namespace souvenir::cache
