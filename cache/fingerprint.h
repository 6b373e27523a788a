#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "common/sha256.h"

namespace souvenir::cache {

// What is asked, as 32 bytes: two questions have the same answer when their fingerprints are equal.
// All 32 are compared, always. A value; free to copy.
struct Fingerprint {
  Sha256Digest bytes{};

  // 64 lower-case hex digits.
  std::string Hex() const { return HexString(bytes); }

  // The reverse; upper case too. Nothing where `hex` is not 64 hex digits.
  static std::optional<Fingerprint> FromHex(std::string_view hex);

  // The bytes as a key of a store.
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // 64 of its bits, as good as any: a cryptographic hash needs no further mixing.
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
