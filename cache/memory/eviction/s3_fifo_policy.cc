#include "cache/memory/eviction/s3_fifo_policy.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace souvenir::cache {
namespace {

// The small queue's usual share of the limit (the paper has a tenth), and the bounds of the share.
constexpr double kUsualShare = 0.15;
constexpr double kLeastShare = 0.01;
constexpr double kMostShare = 0.9;

// The ghosts' window as a share of the limit. Together with the small queue, the ghosts cover about
// the whole limit, so that a returning entry is noticed if it would have fitted. A smaller window
// is better on some traces (with 0.7, web12 has 1% fewer misses), but then a new working set of
// nine tenths of the limit never displaces the old one.
constexpr double kGhostShare = 0.9;

// An entry without a hit counts as worth this much less, in half octaves: an eighth.
constexpr double kUnseen = 6;

// An entry is kept if its worth is at least mean(recently evicted) - kSlack, in half octaves. If
// worths differ, many entries that are as good as the others are below the mean.
constexpr double kSlack = 1;

// Number of entries over which a recent mean is taken.
constexpr double kRecent = 256;

// Gives 1 ns of computation for 1 MiB a worth of 0, so that worths are seldom negative.
constexpr int kWorthOffset = 40;

// Reciprocals of worths: 2^(-worth / 2).
const std::array<float, 128> kInverse = [] {
  std::array<float, 128> inverse{};
  for (size_t i = 0; i < inverse.size(); ++i) {
    inverse[i] = std::exp2(-0.5f * static_cast<float>(i));
  }
  return inverse;
}();

// Half octaves that a frequency adds to a worth: 2 log2(1 + frequency), rounded to the nearest.
const std::array<uint8_t, EvictionNode::kMaxFrequency + 1> kFrequencyWorth = [] {
  std::array<uint8_t, EvictionNode::kMaxFrequency + 1> worth{};
  for (size_t i = 0; i < worth.size(); ++i) {
    worth[i] = static_cast<uint8_t>(std::lround(2 * std::log2(1.0 + static_cast<double>(i))));
  }
  return worth;
}();

}  // namespace

void S3FifoPolicy::RecentMean::Add(double number) {
  count_ = std::min(count_ + 1, kRecent);
  mean_ += (number - mean_) / count_;
}

void S3FifoPolicy::WorthQueues::Push(EvictionNode* node) {
  queues_[node->worth].PushNewest(node);
  occupied_[node->worth / 64] |= uint64_t{1} << (node->worth % 64);
  bytes_ += node->charge;
}

void S3FifoPolicy::WorthQueues::Unlink(EvictionNode* node) {
  EvictionQueue::Unlink(node);
  if (queues_[node->worth].empty()) {
    occupied_[node->worth / 64] &= ~(uint64_t{1} << (node->worth % 64));
  }
  bytes_ -= node->charge;
}

EvictionNode* S3FifoPolicy::WorthQueues::Last(uint32_t now) {
  EvictionNode* last = nullptr;
  float greatest = -1;
  for (size_t word = 0; word < occupied_.size(); ++word) {
    for (uint64_t bits = occupied_[word]; bits != 0; bits &= bits - 1) {
      const size_t worth = 64 * word + static_cast<size_t>(std::countr_zero(bits));
      EvictionNode* const node = queues_[worth].oldest();
      const float pressure = static_cast<float>(now - node->born + 1) * kInverse[worth];
      if (pressure <= greatest) continue;
      greatest = pressure;
      last = node;
    }
  }
  return last;
}

S3FifoPolicy::S3FifoPolicy(size_t limit_bytes)
    : limit_(static_cast<double>(limit_bytes)),
      small_target_(kUsualShare * limit_),
      ghosts_(static_cast<uint64_t>(kGhostShare * limit_)) {}

int S3FifoPolicy::WorthOf(const EvictionNode& node) {
  return kWorthOffset + node.cost_bucket - EvictionNode::HalfOctave(node.charge);
}

void S3FifoPolicy::Link(EvictionNode* node, Queue queue) {
  const int worth = WorthOf(*node) + kFrequencyWorth[node->frequency];
  node->worth = static_cast<uint8_t>(std::clamp(worth, 0, static_cast<int>(kWorths) - 1));
  node->queue = queue;
  node->born = now_;
  queues_[queue].Push(node);
  if (queue == kMain) kept_worth_.Add(WorthOf(*node));
}

void S3FifoPolicy::Unlink(EvictionNode* node) { queues_[node->queue].Unlink(node); }

void S3FifoPolicy::Insert(EvictionNode* node) {
  ++now_;
  if (!has_evicted_) evicted_worth_.Add(WorthOf(*node));
  const std::optional<GhostList::From> ghost = ghosts_.Take(node->key);
  if (!ghost) return Link(node, kSmall);
  Adapt(*node, *ghost);
  node->frequency = 1;  // the request that brought it back
  Link(node, kMain);
}

void S3FifoPolicy::Replace(EvictionNode* old, EvictionNode* node) {
  const auto queue = static_cast<Queue>(old->queue);
  Unlink(old);
  node->hits.store(old->hits.load(std::memory_order_relaxed), std::memory_order_relaxed);
  node->frequency = old->frequency;
  Link(node, queue);
}

void S3FifoPolicy::Remove(EvictionNode* node) { Unlink(node); }

bool S3FifoPolicy::IsWorthKeeping(const EvictionNode& node) const {
  const uint8_t hits = node.hits.load(std::memory_order_relaxed);
  const double worth = WorthOf(node) + (hits == 0 ? -kUnseen : 2 * std::log2(hits));
  return worth >= evicted_worth_.value() - kSlack;
}

EvictionNode* S3FifoPolicy::Evict() {
  WorthQueues& small = queues_[kSmall];
  WorthQueues& main = queues_[kMain];
  // The loop ends because each turn evicts an entry, moves one out of the small queue, or clears
  // the hits of one in the main queue.
  for (;;) {
    EvictionNode* node = small.Last(now_);
    // An entry larger than the small queue's share stays until as many bytes have come after it.
    const bool from_small = node != nullptr && (main.bytes() == 0 ||
                                                static_cast<double>(small.bytes() - node->charge) >=
                                                    std::min(small_target_, limit_ - 1));
    if (from_small) {
      small.Unlink(node);
      if (IsWorthKeeping(*node)) {
        node->hits.store(0, std::memory_order_relaxed);
        Link(node, kMain);
        continue;
      }
      Evicted(node, GhostList::From::kSmall);
      return node;
    }
    node = main.Last(now_);
    if (node == nullptr) return nullptr;
    main.Unlink(node);
    const uint8_t hits = node->hits.load(std::memory_order_relaxed);
    if (hits > 0) {
      node->hits.store(0, std::memory_order_relaxed);
      node->frequency = std::min(node->frequency + hits, EvictionNode::kMaxFrequency) &
                        EvictionNode::kMaxFrequency;  // no effect, but shows that the value fits
      Link(node, kMain);
      continue;
    }
    Evicted(node, GhostList::From::kMain);
    return node;
  }
}

void S3FifoPolicy::Evicted(EvictionNode* node, GhostList::From from) {
  has_evicted_ = true;
  evicted_worth_.Add(WorthOf(*node));
  ghosts_.Add(node->key, from, node->charge);
}

void S3FifoPolicy::Adapt(const EvictionNode& node, GhostList::From from) {
  const auto small =
      static_cast<double>(std::max<size_t>(1, ghosts_.count(GhostList::From::kSmall)));
  const auto main = static_cast<double>(std::max<size_t>(1, ghosts_.count(GhostList::From::kMain)));
  const double bytes = std::clamp<double>(node.charge, 1, std::max(1.0, 0.01 * limit_));
  // An entry worth less than those that are kept counts less. The factor is the square of the
  // ratio of worths, since a worth is in half octaves: once because the entry is cheap to compute,
  // and once because it takes much room.
  const double step = bytes * std::min(1.0, std::exp2(WorthOf(node) - kept_worth_.value()));
  if (from == GhostList::From::kSmall) {
    small_target_ += step * std::max(1.0, main / small);
  } else {
    small_target_ -= step * std::max(1.0, small / main);
  }
  // Signs from ghosts are partly chance, most of all if few entries fit or costs differ. The share
  // is therefore pulled back in proportion to its distance from the usual one, and only persistent
  // signs keep it away.
  small_target_ -= bytes * (small_target_ / limit_ - kUsualShare);
  small_target_ = std::clamp(small_target_, kLeastShare * limit_, kMostShare * limit_);
}

}  // namespace souvenir::cache
