#include "cache/memory/eviction/s3_fifo_policy.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace souvenir::cache {
namespace {

// The small queue's share of the limit: the usual one, where the paper has a tenth, and its bounds.
constexpr double kUsualShare = 0.15;
constexpr double kLeastShare = 0.01;
constexpr double kMostShare = 0.9;

// The ghosts cover what the rest of the cache holds: with the small queue that is all of the limit,
// so that whatever would fit is noticed when it comes back. Less is better on some traces (0.7: 1%
// less missed on web12), but then a new working set of nine tenths never drives out the old one.
constexpr double kGhostShare = 0.9;

// The worth of an entry that was never asked for again, in half octaves below its own: 1/8.
constexpr double kUnseen = 6;

// How much less than the mean of those evicted lately an entry may be worth to be kept, in half
// octaves: where worths differ, many of those that were as good as any are below their mean.
constexpr double kSlack = 1;

// How many count as lately.
constexpr double kRecent = 256;

// A worth of 1 ns of computing for 1 MiB.
constexpr int kWorthOffset = 40;

// 2^(-worth / 2).
const std::array<float, 128> kInverse = [] {
  std::array<float, 128> inverse{};
  for (size_t i = 0; i < inverse.size(); ++i) {
    inverse[i] = std::exp2(-0.5f * static_cast<float>(i));
  }
  return inverse;
}();

// What having been asked for so often adds to a worth: 2 log2(1 + frequency), to the nearest.
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
  node->frequency = 1;  // that is what brought it here
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
  // Ends: each turn evicts, empties the small queue by one, or takes the hits of one in the main
  // one.
  for (;;) {
    EvictionNode* node = small.Last(now_);
    // One larger than the small queue's share stays until as much has come after it.
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
                        EvictionNode::kMaxFrequency;  // which changes nothing: it fits its bits
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
  // One of less worth than what is kept counts less: squared, once because its computation is
  // cheap, once because keeping it takes so much.
  const double step = bytes * std::min(1.0, std::exp2(WorthOf(node) - kept_worth_.value()));
  if (from == GhostList::From::kSmall) {
    small_target_ += step * std::max(1.0, main / small);
  } else {
    small_target_ -= step * std::max(1.0, small / main);
  }
  // Some of what ghosts say is luck, most where few entries fit or costs differ. So the share goes
  // back the more, the farther it is from the usual one, and stays away only where they insist.
  small_target_ -= bytes * (small_target_ / limit_ - kUsualShare);
  small_target_ = std::clamp(small_target_, kLeastShare * limit_, kMostShare * limit_);
}

}  // namespace souvenir::cache
