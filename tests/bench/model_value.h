#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// What the models of bench-model-server answer. Here, so that bench-infer-load can tell a right
// answer from another one.

namespace souvenir::bench {

// Bytes of an answer's value. Between the two small ones are as frequent as large ones twice their
// size are seldom, as in most caches; both the same: all are of that size.
struct ValueBytes {
  uint64_t least = 300;
  uint64_t most = 1024;
};

constexpr uint64_t kLeastValueBytes = 8;  // of any value: what says which input it belongs to

// FNV-1a, and then mixed, because inputs that are counted up differ in their last bytes only.
inline uint64_t ValueSeed(std::string_view input) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : input) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

// The value of an input: first its seed, so that an answer tells what it is an answer to, and then
// bytes that no compression makes smaller, so that what is written to disk is what was accepted.
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

// Whether `value` is an answer to `input`, as far as its first bytes say.
inline bool IsValueOf(std::string_view input, std::string_view value) {
  const uint64_t seed = ValueSeed(input);
  return value.size() >= sizeof(seed) && std::memcmp(value.data(), &seed, sizeof(seed)) == 0;
}

}  // namespace souvenir::bench
