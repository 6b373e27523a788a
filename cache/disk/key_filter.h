#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cache/fingerprint.h"

namespace souvenir::cache {

// Whether a set of keys may hold one: always true of a key that was added, and of one in eighty of
// all others. Takes ten bits a key, and one cache line of them for a question.
//
// A Bloom filter whose bits for a key are in one block (Putze, Sanders, Singler: "Cache-, Hash- and
// Space-Efficient Bloom Filters", 2007), one in each of the block's eight words. It grows by parts,
// each as large as all before it, so that a filter that was expected to be smaller is right, and
// only slower to ask.
//
// Thread-safe for one who adds and any number who ask; an added key is seen by whoever learns of it
// from the one who added it.
class KeyFilter {
 public:
  // With room for so many keys before it grows.
  explicit KeyFilter(uint64_t expected_keys);
  ~KeyFilter();
  KeyFilter(const KeyFilter&) = delete;
  KeyFilter& operator=(const KeyFilter&) = delete;

  void Add(const Fingerprint& key);
  bool MayHold(const Fingerprint& key) const;

  // Has memory bring what MayHold() will look at: for who asks many filters, whose lines then come
  // at the same time.
  void Prefetch(const Fingerprint& key) const;

  // How many times Add() was called.
  uint64_t keys() const { return keys_; }

  // The filter as bytes; not beside Add().
  std::string Encode() const;

  // The reverse; null where `bytes` is nothing that Encode() gives.
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

  // Each as large as all before it: more than there can ever be.
  std::array<std::unique_ptr<const Part>, 40> parts_;
  std::atomic<size_t> part_count_{0};
  uint64_t blocks_ = 0;  // of all parts
  uint64_t keys_ = 0;
};

}  // namespace souvenir::cache
