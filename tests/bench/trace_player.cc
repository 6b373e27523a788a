// Plays a trace of requests against eviction policies and prints their miss ratios, as JSON or as a
// table. The policies are those of the memory tier, run as one shard with entries without values,
// and reference policies.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "cache/memory/eviction/eviction_policy.h"
#include "tests/bench/command_line.h"
#include "tests/bench/reference_policies.h"
#include "tests/bench/trace.h"

ABSL_FLAG(std::string, file, "-", "the trace; - is standard input; .xz is decompressed");
ABSL_FLAG(std::string, format, "be32", "be32, be64, keys, text, oracle; or made: scan, loop, zipf");
ABSL_FLAG(std::string, sizes, "equal",
          "of the objects: equal; trace (what it says); spread (made, 100 B to some 100 KB)");
ABSL_FLAG(std::string, costs, "equal",
          "of computing one: equal; heavy (made, a tail to 100,000 x)");
ABSL_FLAG(uint64_t, seed, 0, "of what costs are made from: another number, other costs");
ABSL_FLAG(std::vector<std::string>, capacity, (std::vector<std::string>{"0.1%", "1%", "10%"}),
          "of the cache: bytes, or percent of the footprint of the trace");
ABSL_FLAG(std::vector<std::string>, policy, (std::vector<std::string>{"s3-fifo", "lru", "gdsf"}),
          "s3-fifo and lru are Souvenir's; gdsf, plain-s3-fifo and fifo are references");
ABSL_FLAG(bool, json, false, "one JSON object a line");

namespace souvenir::bench {
namespace {

constexpr uint64_t kEqualBytes = 1024;
constexpr double kEqualCostNs = 1e6;

uint64_t Mix(uint64_t x) {  // splitmix64's finalizer
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

double Uniform(uint64_t key) { return (static_cast<double>(Mix(key) >> 11) + 1) * 0x1p-53; }

// Returns a cost from a truncated Pareto distribution with exponent 1.1.
double HeavyCost(uint64_t key, uint64_t seed) {
  return std::min(1e5, std::pow(Uniform(seed == 0 ? key : Mix(key) ^ seed), -1 / 1.1));
}

uint64_t SpreadBytes(uint64_t key) {
  return 100 + static_cast<uint64_t>(50 / std::pow(Uniform(key ^ 0x5bd1e995), 0.9));
}

struct Object {
  uint32_t bytes;
  double cost;  // a multiple of kEqualCostNs
};

std::unique_ptr<EvictionPolicy> MakePolicy(const std::string& name, uint64_t limit) {
  if (name == "s3-fifo") return EvictionPolicy::Create(EvictionPolicy::Kind::kS3Fifo, limit);
  if (name == "lru") return EvictionPolicy::Create(EvictionPolicy::Kind::kLru, limit);
  if (name == "gdsf") return std::make_unique<GdsfPolicy>();
  if (name == "fifo") return std::make_unique<FifoPolicy>();
  if (name == "plain-s3-fifo") return std::make_unique<PlainS3FifoPolicy>(limit);
  return nullptr;
}

struct Outcome {
  double miss_ratio = 0;
  double cost_miss_ratio = 0;
};

Outcome Play(const std::vector<TraceRequest>& trace,
             const absl::flat_hash_map<uint64_t, Object>& objects, const std::string& name,
             uint64_t limit) {
  const std::unique_ptr<EvictionPolicy> policy = MakePolicy(name, limit);
  absl::flat_hash_map<uint64_t, std::unique_ptr<EvictionNode>> resident;
  uint64_t bytes = 0;
  double misses = 0;
  double cost = 0;
  double missed_cost = 0;
  for (const TraceRequest& request : trace) {
    const Object& object = objects.at(request.key);
    cost += object.cost;
    const auto found = resident.find(request.key);
    if (found != resident.end()) {
      found->second->Hit();
      if (policy->orders_by_hits()) policy->OnHit(found->second.get());
      continue;
    }
    misses += 1;
    missed_cost += object.cost;
    if (object.bytes > limit) continue;
    auto node = std::make_unique<EvictionNode>();
    const std::array<uint64_t, 4> words = {request.key, Mix(request.key), Mix(request.key + 1),
                                           Mix(request.key + 2)};
    std::memcpy(node->key.bytes.data(), words.data(), node->key.bytes.size());
    node->charge = object.bytes;
    node->cost_bucket = EvictionNode::CostBucket(absl::Nanoseconds(object.cost * kEqualCostNs));
    policy->Insert(node.get());
    bytes += object.bytes;
    resident.emplace(request.key, std::move(node));
    while (bytes > limit) {
      const EvictionNode* const victim = policy->Evict();
      bytes -= victim->charge;
      resident.erase(victim->key.word());
    }
  }
  return {misses / static_cast<double>(trace.size()), missed_cost / cost};
}

absl::StatusOr<uint64_t> ParseCapacity(const std::string& text, uint64_t footprint) {
  absl::string_view number = text;
  const bool percent = absl::ConsumeSuffix(&number, "%");
  double value = 0;
  if (!absl::SimpleAtod(number, &value) || value <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("capacity '{}'; bytes, or a percentage as in 1%, are expected", text));
  }
  return static_cast<uint64_t>(percent ? value / 100 * static_cast<double>(footprint) : value);
}

int Fail(absl::string_view message) {
  fmt::print(stderr, "bench-traces: {}\n", std::string(message));
  return 2;
}

int Run() {
  const std::string file = absl::GetFlag(FLAGS_file);
  const std::string format = absl::GetFlag(FLAGS_format);
  const std::string sizes = absl::GetFlag(FLAGS_sizes);
  const std::string costs = absl::GetFlag(FLAGS_costs);
  if (sizes != "equal" && sizes != "trace" && sizes != "spread") {
    return Fail(fmt::format("--sizes={}; equal, trace and spread are known", sizes));
  }
  if (costs != "equal" && costs != "heavy") {
    return Fail(fmt::format("--costs={}; equal and heavy are known", costs));
  }
  const auto trace = ReadTrace(file, format);
  if (!trace.ok()) return Fail(trace.status().message());
  if (trace->empty()) return Fail(fmt::format("{}: no requests", file));

  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  absl::flat_hash_map<uint64_t, Object> objects;
  uint64_t footprint = 0;
  for (const TraceRequest& request : *trace) {
    const auto [place, is_new] = objects.try_emplace(request.key);
    if (!is_new) continue;
    const uint64_t bytes = sizes == "equal"    ? kEqualBytes
                           : sizes == "spread" ? SpreadBytes(request.key)
                                               : request.bytes;
    if (bytes == 0 || bytes > UINT32_MAX) {
      return Fail(
          fmt::format("{}: the object {} has {} bytes; 1 to 2^32-1 are expected; does the "
                      "trace tell sizes?",
                      file, request.key, bytes));
    }
    place->second = {static_cast<uint32_t>(bytes),
                     costs == "heavy" ? HeavyCost(request.key, seed) : 1.0};
    footprint += bytes;
  }
  const bool json = absl::GetFlag(FLAGS_json);
  if (!json) {
    fmt::print("{} requests, {} objects, {} bytes\n", trace->size(), objects.size(), footprint);
  }
  for (const std::string& text : absl::GetFlag(FLAGS_capacity)) {
    const auto capacity = ParseCapacity(text, footprint);
    if (!capacity.ok()) return Fail(capacity.status().message());
    for (const std::string& name : absl::GetFlag(FLAGS_policy)) {
      if (MakePolicy(name, *capacity) == nullptr) {
        return Fail(fmt::format("no policy '{}'; see --help", name));
      }
      const Outcome outcome = Play(*trace, objects, name, *capacity);
      fmt::print(
          fmt::runtime(
              json ? "{{\"capacity\": \"{}\", \"bytes\": {}, \"policy\": \"{}\", \"miss_ratio\": "
                     "{:.6f}, \"cost_miss_ratio\": {:.6f}}}\n"
                   : "{:>8} {:>14} B  {:<14} misses {:.4f}  by cost {:.4f}\n"),
          text, *capacity, name, outcome.miss_ratio, outcome.cost_miss_ratio);
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(
      argc, argv,
      "Miss ratios of eviction policies on a trace, e.g.\n"
      "  bench-traces --file=web12.trace.xz --capacity=1%,10% --policy=s3-fifo,lru\n"
      "  bench-traces --format=scan --costs=heavy --policy=s3-fifo,gdsf");
  return souvenir::bench::Run();
}
