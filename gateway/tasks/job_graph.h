#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

namespace souvenir::gateway {

// The steps of a job by their ids, and which step needs which. It is checked as a whole before
// anything of the job runs. It has no payloads: some 100 bytes for a step with a short id, and 8
// for an edge.
//
//   JobGraph graph(limits);
//   SOUVENIR_RETURN_IF_ERROR(graph.Add("a", {}));
//   SOUVENIR_RETURN_IF_ERROR(graph.Add("b", {"a"}));
//   SOUVENIR_RETURN_IF_ERROR(graph.Seal());
//   graph.needs(1)  // {0}
//
// A value that can be moved; not thread-safe. Errors are INVALID_ARGUMENT with the path of the
// fault, as "steps[3] 'sum'", and RESOURCE_EXHAUSTED above a limit.
class JobGraph {
 public:
  static constexpr size_t kMostIdBytes = 256;

  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Limits {
    size_t max_steps = 1'000'000;  // at most 2^32 - 2
    size_t max_edges = 4'000'000;  // at most 2^32 - 2
  };

  explicit JobGraph(const Limits& limits) : limits_(limits) {}
  JobGraph(JobGraph&&) = default;
  JobGraph(const JobGraph&) = delete;  // it has views of itself

  // Adds a step. `needs` are ids of steps that are added before or after it; none comes twice.
  // REQUIRES: Seal() was not called.
  absl::Status Add(std::string_view id, absl::Span<const std::string> needs);

  // Checks the graph and computes the functions below. Called once, after the last Add(). Takes
  // time and memory in proportion to the graph, and no stack.
  absl::Status Seal();

  size_t size() const { return symbol_of_.size(); }
  size_t edges() const { return needs_.size(); }
  const std::string& id(uint32_t step) const { return symbols_[symbol_of_[step]]; }

  // Returns the number of a step that was added.
  std::optional<uint32_t> Find(std::string_view id) const;

  // REQUIRES, for the functions below: Seal() has succeeded.
  // Returns the steps that `step` needs, in the order given.
  absl::Span<const uint32_t> needs(uint32_t step) const;
  // Returns the steps that need `step`, in ascending order.
  absl::Span<const uint32_t> feeds(uint32_t step) const;
  // Returns the only step that no other one needs, except `apart`; nullopt if there are several.
  std::optional<uint32_t> OnlySink(std::optional<uint32_t> apart) const;

  // Returns "steps[3] 'sum'".
  std::string PathOf(uint32_t step) const;

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  // Returns the number of an id, which may be that of no step yet.
  uint32_t SymbolOf(std::string_view id);
  absl::Status Resolve();
  void Reverse();
  absl::Status CheckAcyclic() const;
  // Returns a message about a cycle among the steps with `unmet` needs.
  std::string DescribeCycle(const std::vector<uint32_t>& unmet) const;

  const Limits limits_;
  std::deque<std::string> symbols_;  // ids; a deque does not move them
  absl::flat_hash_map<std::string_view, uint32_t> symbol_numbers_;  // views of `symbols_`
  std::vector<uint32_t> step_of_;    // by symbol; kUnknown if no step has the id
  std::vector<uint32_t> symbol_of_;  // by step
  // The needs of a step are needs_[needs_begin_[step]] to needs_[needs_begin_[step + 1]]. They are
  // symbols before Seal(), then steps.
  std::vector<uint32_t> needs_begin_ = {0};
  std::vector<uint32_t> needs_;
  std::vector<uint32_t> feeds_begin_;
  std::vector<uint32_t> feeds_;
};

}  // namespace souvenir::gateway
