#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cache/fingerprint.h"

namespace souvenir::cache {

// A set of keys that answers whether it may hold a key: always true for an added key, and for one
// in eighty of all others. It takes ten bits per key, and a question reads one cache line per part.
//
// It is a Bloom filter whose bits for a key are in one block (Putze, Sanders, Singler: "Cache-,
// Hash- and Space-Efficient Bloom Filters", 2007), one bit in each of the block's eight words. It
// grows by parts, each as large as all parts before it. A filter that was expected to be smaller
// therefore stays right, and only becomes slower to ask.
//
// Thread-safe for one writer and any number of readers. A reader sees an added key if it
// synchronises with the writer after Add().
class KeyFilter {
 public:
  // Creates a filter with room for `expected_keys` keys before it grows.
  explicit KeyFilter(uint64_t expected_keys);
  ~KeyFilter();
  KeyFilter(const KeyFilter&) = delete;
  KeyFilter& operator=(const KeyFilter&) = delete;

  void Add(const Fingerprint& key);
  bool MayHold(const Fingerprint& key) const;

  // Prefetches the cache lines that MayHold() reads. For callers that ask many filters, whose lines
  // then arrive in parallel.
  void Prefetch(const Fingerprint& key) const;

  // Returns the number of calls of Add().
  uint64_t keys() const { return keys_; }

  // Returns the filter as bytes. REQUIRES: no concurrent Add().
  std::string Encode() const;

  // Returns the filter that Encode() has written as `bytes`, or null if there is no such filter.
  static std::unique_ptr<KeyFilter> Decode(std::string_view bytes);

 private:
  struct alignas(64) Block {
    std::array<std::atomic<uint64_t>, 8> words;
  };
  static_assert(sizeof(Block) == 64);
  struct Part {
    explicit Part(uint64_t blocks) : blocks(blocks), block(new Block[blocks]()) {}
    Block& BlockFor(const Fingerprint& key) const;
    const uint64_t blocks;
    const std::unique_ptr<Block[]> block;
  };

  KeyFilter() = default;
  void Append(uint64_t blocks);

  // Each part is as large as all before it, so that 40 are always enough.
  std::array<std::unique_ptr<const Part>, 40> parts_;
  std::atomic<size_t> part_count_{0};
  uint64_t blocks_ = 0;  // of all parts
  uint64_t keys_ = 0;
};

}  // namespace souvenir::cache
