#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// The answers of bench-model-server's models, shared with bench-infer-load, which checks them.

namespace souvenir::bench {

// Range of the sizes of values in bytes. Within it small values are frequent and large ones rare,
// in inverse proportion to their size, as in most caches. If both bounds are equal, all values have
// that size.
struct ValueBytes {
  uint64_t least = 300;
  uint64_t most = 1024;
};

constexpr uint64_t kLeastValueBytes = 8;  // size of the seed, which identifies the input

// Returns the seed of a value: FNV-1a, then mixed, because numbered inputs differ only in their
// last bytes.
inline uint64_t ValueSeed(std::string_view input) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : input) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

// Returns the value of an input. It begins with the seed, which identifies the input. The other
// bytes are incompressible, so that as many bytes are written to disk as were accepted.
inline std::string MakeValue(std::string_view input, const ValueBytes& bytes) {
  const uint64_t seed = ValueSeed(input);
  const double share = static_cast<double>(seed >> 11) * 0x1p-53;
  const double growth = static_cast<double>(bytes.most) / static_cast<double>(bytes.least);
  const auto size = static_cast<size_t>(static_cast<double>(bytes.least) * std::pow(growth, share));
  std::string value(size, '\0');
  uint64_t word = seed;
  for (size_t at = 0; at < size; at += sizeof(word)) {
    std::memcpy(value.data() + at, &word, std::min(sizeof(word), size - at));
    word = (word ^ (word << 13)) + 0x9e3779b97f4a7c15;
    word ^= word >> 7;
    word ^= word << 17;
  }
  return value;
}

// Returns true if the first bytes of `value` identify `input`.
inline bool IsValueOf(std::string_view input, std::string_view value) {
  const uint64_t seed = ValueSeed(input);
  return value.size() >= sizeof(seed) && std::memcmp(value.data(), &seed, sizeof(seed)) == 0;
}

}  // namespace souvenir::bench
