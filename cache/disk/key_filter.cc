#include "cache/disk/key_filter.h"

#include <algorithm>
#include <cstring>

#include "absl/numeric/int128.h"
#include "common/byte_codec.h"

namespace souvenir::cache {
namespace {

constexpr uint64_t kBlockBits = 512;
constexpr uint64_t kBitsPerKey = 10;
constexpr uint64_t kLeastBlocks = 16;

constexpr uint64_t BlocksFor(uint64_t keys) {
  return std::max(kLeastBlocks, keys * kBitsPerKey / kBlockBits);
}
constexpr uint64_t KeysOf(uint64_t blocks) { return blocks * kBlockBits / kBitsPerKey; }

// Returns the bit of `key` in word `word` of its block. Uses other bits of the key than BlockFor().
uint64_t BitOf(const Fingerprint& key, size_t word) {
  return uint64_t{1} << (key.word(2) >> (6 * word) & 63);
}

}  // namespace

KeyFilter::KeyFilter(uint64_t expected_keys) { Append(BlocksFor(expected_keys)); }

KeyFilter::~KeyFilter() = default;

KeyFilter::Block& KeyFilter::Part::BlockFor(const Fingerprint& key) const {
  // The high half of the product is distributed over the blocks as evenly as the word is over all
  // numbers.
  return block[absl::Uint128High64(absl::uint128(key.word(1)) * blocks)];
}

void KeyFilter::Append(uint64_t blocks) {
  const size_t count = part_count_.load(std::memory_order_relaxed);
  parts_[count] = std::make_unique<const Part>(blocks);
  blocks_ += blocks;
  part_count_.store(count + 1, std::memory_order_release);
}

void KeyFilter::Add(const Fingerprint& key) {
  if (keys_ >= KeysOf(blocks_)) Append(blocks_);
  ++keys_;
  Block& block = parts_[part_count_.load(std::memory_order_relaxed) - 1]->BlockFor(key);
  for (size_t i = 0; i < block.words.size(); ++i) {
    std::atomic<uint64_t>& word = block.words[i];
    // There is only one writer, so reading and writing need not be one atomic step.
    word.store(word.load(std::memory_order_relaxed) | BitOf(key, i), std::memory_order_relaxed);
  }
}

bool KeyFilter::MayHold(const Fingerprint& key) const {
  const size_t count = part_count_.load(std::memory_order_acquire);
  for (size_t part = 0; part < count; ++part) {
    const Block& block = parts_[part]->BlockFor(key);
    // All words are read without a branch: they are in one cache line, and each test alone is as
    // unpredictable as a coin toss.
    uint64_t missing = 0;
    for (size_t i = 0; i < block.words.size(); ++i) {
      missing |= ~block.words[i].load(std::memory_order_relaxed) & BitOf(key, i);
    }
    if (missing == 0) return true;
  }
  return false;
}

void KeyFilter::Prefetch(const Fingerprint& key) const {
  const size_t count = part_count_.load(std::memory_order_acquire);
  for (size_t part = 0; part < count; ++part) __builtin_prefetch(&parts_[part]->BlockFor(key));
}

std::string KeyFilter::Encode() const {
  ByteWriter writer(64 + blocks_ * sizeof(Block));
  const size_t count = part_count_.load(std::memory_order_relaxed);
  writer.Number(keys_);
  writer.Number(count);
  for (size_t part = 0; part < count; ++part) writer.Number(parts_[part]->blocks);
  for (size_t part = 0; part < count; ++part) {
    const Part& from = *parts_[part];
    writer.Bytes({reinterpret_cast<const char*>(from.block.get()), from.blocks * sizeof(Block)});
  }
  return std::move(writer).Finish();
}

std::unique_ptr<KeyFilter> KeyFilter::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  std::unique_ptr<KeyFilter> filter(new KeyFilter());
  filter->keys_ = reader.Number();
  const uint64_t count = reader.Number();
  if (count == 0 || count > filter->parts_.size()) return nullptr;
  // Rejects sizes for which there are not enough bytes, before memory is allocated for them.
  uint64_t left = bytes.size() / sizeof(Block);
  for (uint64_t part = 0; part < count; ++part) {
    const uint64_t blocks = reader.Number();
    if (blocks == 0 || blocks > left) return nullptr;
    left -= blocks;
    filter->Append(blocks);
  }
  for (uint64_t part = 0; part < count; ++part) {
    const Part& into = *filter->parts_[part];
    const std::string_view words = reader.Bytes(into.blocks * sizeof(Block));
    if (!reader.ok()) return nullptr;
    std::memcpy(reinterpret_cast<char*>(into.block.get()), words.data(), words.size());
  }
  return reader.at_end() ? std::move(filter) : nullptr;
}

}  // namespace souvenir::cache
