// Compares lookups in the memory tier with RocksDB's caches in the same process, and prints a JSON
// object per line. Every cache has the same number of values of the same size. A lookup reads the
// value and releases it.

#include "cache/memory/memory_tier.h"

#include <fmt/format.h>
#include <jemalloc/jemalloc.h>
#include <rocksdb/cache.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "tests/bench/command_line.h"
#include "tests/bench/model_value.h"
#include "tests/bench/numbered_key.h"

ABSL_FLAG(std::string, cache, "souvenir", "souvenir, souvenir-lru, rocksdb-lru or rocksdb-hyper");
ABSL_FLAG(std::string, keys, "zipf", "asked for: zipf (exponent 0.99) or uniform");
ABSL_FLAG(int, threads, 2, "that look up");
ABSL_FLAG(double, seconds, 2, "to measure, after a tenth of it to warm up");
ABSL_FLAG(int, entries, 200'000, "in the cache; every lookup finds one");
ABSL_FLAG(int, value_bytes, 200, "of a value");
ABSL_FLAG(int, most_value_bytes, 0, "where values differ: of the largest; 0: they do not");

namespace souvenir::bench {
namespace {

using cache::Entry;
using cache::EntryPtr;
using cache::Fingerprint;

// A cache. Look() returns the first byte of the value, or ends the benchmark if there is none.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual void Put(const Fingerprint& key, const std::string& value) = 0;
  virtual char Look(const Fingerprint& key) = 0;
};

class Souvenir final : public Subject {
 public:
  explicit Souvenir(cache::EvictionPolicy::Kind policy) {
    // The tier has as many shards as one that this number of entries fills.
    tier_ =
        *cache::MemoryTier::Create({.limit_bytes = size_t{8} << 30, .shards = 8, .policy = policy});
    origin_ = cache::Origin::Create({"", "model", "1", ""});
  }
  void Put(const Fingerprint& key, const std::string& value) override {
    Entry::Fields fields;
    fields.key = key;
    fields.origin = origin_;
    fields.value = value;
    fields.created_at = absl::Now();
    tier_->Insert(Entry::Create(fields));
  }
  char Look(const Fingerprint& key) override {
    const EntryPtr entry = tier_->Lookup(key);
    if (entry == nullptr) std::abort();
    return entry->value()[0];
  }

 private:
  std::unique_ptr<cache::MemoryTier> tier_;
  cache::OriginPtr origin_;
};

class RocksCache final : public Subject {
 public:
  explicit RocksCache(std::shared_ptr<rocksdb::Cache> cache) : cache_(std::move(cache)) {}
  void Put(const Fingerprint& key, const std::string& value) override {
    const auto drop = [](const rocksdb::Slice&, void* held) {
      delete static_cast<std::string*>(held);
    };
    const auto status =
        cache_->Insert(KeyOf16(key), new std::string(value), value.size() + sizeof(value), drop);
    if (!status.ok()) std::abort();
  }
  char Look(const Fingerprint& key) override {
    rocksdb::Cache::Handle* const handle = cache_->Lookup(KeyOf16(key));
    if (handle == nullptr) std::abort();
    const char found = (*static_cast<std::string*>(cache_->Value(handle)))[0];
    cache_->Release(handle);
    return found;
  }

 private:
  // HyperClockCache accepts only keys of 16 bytes.
  static rocksdb::Slice KeyOf16(const Fingerprint& key) {
    return {reinterpret_cast<const char*>(key.bytes.data()), 16};
  }
  const std::shared_ptr<rocksdb::Cache> cache_;
};

std::unique_ptr<Subject> MakeSubject(const std::string& name) {
  constexpr size_t kRoom = size_t{8} << 30;
  if (name == "souvenir") {
    return std::make_unique<Souvenir>(cache::EvictionPolicy::Kind::kS3Fifo);
  }
  if (name == "souvenir-lru") return std::make_unique<Souvenir>(cache::EvictionPolicy::Kind::kLru);
  if (name == "rocksdb-lru") return std::make_unique<RocksCache>(rocksdb::NewLRUCache(kRoom));
  if (name == "rocksdb-hyper") {
    // Its documentation requires room, and a table, for one and a half times the values.
    const int value_bytes =
        std::max(absl::GetFlag(FLAGS_value_bytes), absl::GetFlag(FLAGS_most_value_bytes));
    const size_t charge = static_cast<size_t>(value_bytes) + 32;
    const size_t room = charge * static_cast<size_t>(absl::GetFlag(FLAGS_entries)) * 3 / 2;
    return std::make_unique<RocksCache>(
        rocksdb::HyperClockCacheOptions(room + (64u << 20), charge).MakeSharedCache());
  }
  return nullptr;
}

// Returns the index of the entry for each lookup. Called before the measurement.
std::vector<uint32_t> Ranks(const std::string& kind, size_t entries, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> ranks(1u << 20);
  if (kind == "uniform") {
    for (uint32_t& rank : ranks) rank = static_cast<uint32_t>(random() % entries);
    return ranks;
  }
  std::vector<double> cumulated(entries);
  double sum = 0;
  for (size_t i = 0; i < entries; ++i) {
    sum += std::pow(static_cast<double>(i + 1), -0.99);
    cumulated[i] = sum;
  }
  for (uint32_t& rank : ranks) {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    const auto found = std::lower_bound(cumulated.begin(), cumulated.end(), at);
    rank = static_cast<uint32_t>(found - cumulated.begin());
  }
  return ranks;
}

// Returns the allocated bytes, rounded up by the allocator.
size_t HeldBytes() {
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  mallctl("epoch", &epoch, &size, &epoch, size);  // refreshes the statistics
  size_t allocated = 0;
  size = sizeof(allocated);
  mallctl("stats.allocated", &allocated, &size, nullptr, 0);
  return allocated;
}

int Run() {
  const std::string name = absl::GetFlag(FLAGS_cache);
  const std::string keys = absl::GetFlag(FLAGS_keys);
  const auto entries = static_cast<size_t>(absl::GetFlag(FLAGS_entries));
  const int threads = absl::GetFlag(FLAGS_threads);
  if ((keys != "zipf" && keys != "uniform") || entries < 1 || threads < 1) {
    fmt::print(stderr, "bench-memory-tier: --keys is zipf or uniform, counts are at least 1\n");
    return 2;
  }
  std::vector<Fingerprint> names(entries);
  for (size_t i = 0; i < entries; ++i) names[i] = KeyOf(i);
  const auto value_bytes = static_cast<size_t>(absl::GetFlag(FLAGS_value_bytes));
  const auto most_value_bytes =
      std::max(value_bytes, static_cast<size_t>(absl::GetFlag(FLAGS_most_value_bytes)));
  if (value_bytes < kLeastValueBytes) {
    fmt::print(stderr, "bench-memory-tier: --value_bytes is at least {}\n", kLeastValueBytes);
    return 2;
  }

  const size_t before = HeldBytes();
  const std::unique_ptr<Subject> subject = MakeSubject(name);
  if (subject == nullptr) {
    fmt::print(stderr, "bench-memory-tier: no cache '{}'; see --help\n", name);
    return 2;
  }
  size_t accepted = 0;  // bytes of keys and values
  for (const Fingerprint& key : names) {
    const std::string value = MakeValue(key.view(), {value_bytes, most_value_bytes});
    subject->Put(key, value);
    accepted += sizeof(key) + value.size();
  }
  const size_t held = HeldBytes() - before;

  std::atomic<bool> counting{false};
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> lookups{0};
  std::vector<std::thread> workers;
  workers.reserve(static_cast<size_t>(threads));
  for (int thread = 0; thread < threads; ++thread) {
    workers.emplace_back([&, thread] {
      const std::vector<uint32_t> ranks = Ranks(keys, entries, static_cast<unsigned>(thread));
      uint64_t done = 0;
      uint64_t sum = 0;
      for (size_t i = 0; !stopping.load(std::memory_order_relaxed); i += 64) {
        if (!counting.load(std::memory_order_relaxed)) done = 0;
        for (size_t j = i; j < i + 64; ++j) {
          sum += static_cast<uint8_t>(subject->Look(names[ranks[j % ranks.size()]]));
        }
        done += 64;
      }
      if (sum == 0 && done > 0) std::abort();  // prevents the work from being optimised away
      lookups += done;
    });
  }
  const double seconds = absl::GetFlag(FLAGS_seconds);
  std::this_thread::sleep_for(std::chrono::duration<double>(0.3 + seconds / 10));
  counting = true;
  const auto began = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stopping = true;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  for (std::thread& worker : workers) worker.join();
  fmt::print(
      "{{\"cache\": \"{}\", \"keys\": \"{}\", \"threads\": {}, \"per_second\": {:.0f}, "
      "\"overhead_bytes\": {:.1f}}}\n",
      name, keys, threads, static_cast<double>(lookups) / took.count(),
      (static_cast<double>(held) - static_cast<double>(accepted)) / static_cast<double>(entries));
  return 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(
      argc, argv,
      "Lookups a second of a cache in this process, and its bytes beyond key and value, e.g.\n"
      "  bench-memory-tier --cache=rocksdb-hyper --keys=zipf --threads=2");
  return souvenir::bench::Run();
}
