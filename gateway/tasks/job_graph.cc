#include "gateway/tasks/job_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/model_name.h"
#include "common/name_list.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

// Most steps that a message names of a cycle.
constexpr size_t kMostNamed = 10;

std::string StepPath(size_t step, std::string_view id) {
  return fmt::format("steps[{}] '{}'", step, EscapedName(id));
}

absl::Status CheckId(size_t step, std::string_view id) {
  if (id.empty() || id.size() > JobGraph::kMostIdBytes) {
    return absl::InvalidArgumentError(
        fmt::format("steps[{}]: an id of {} bytes came; 1 to {} are expected", step, id.size(),
                    JobGraph::kMostIdBytes));
  }
  const std::string_view fault = FaultOfName(id);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: this is no id: {}", StepPath(step, id), fault));
}

}  // namespace

uint32_t JobGraph::SymbolOf(std::string_view id) {
  const auto known = symbol_numbers_.find(id);
  if (known != symbol_numbers_.end()) return known->second;
  const auto symbol = static_cast<uint32_t>(symbols_.size());
  symbols_.emplace_back(id);
  symbol_numbers_.emplace(symbols_.back(), symbol);
  step_of_.push_back(kUnknown);
  return symbol;
}

absl::Status JobGraph::Add(std::string_view id, absl::Span<const std::string> needs) {
  const auto step = static_cast<uint32_t>(size());
  SOUVENIR_RETURN_IF_ERROR(CheckId(step, id));
  if (size() >= limits_.max_steps) {
    return absl::ResourceExhaustedError(
        fmt::format("more than {} steps came, which is the limit of a job", limits_.max_steps));
  }
  if (needs.size() > limits_.max_edges - needs_.size()) {
    return absl::ResourceExhaustedError(
        fmt::format("{}: the steps need more than {} others together, which is the limit of a job",
                    StepPath(step, id), limits_.max_edges));
  }
  const uint32_t symbol = SymbolOf(id);
  if (step_of_[symbol] != kUnknown) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the id came before, as steps[{}]", StepPath(step, id), step_of_[symbol]));
  }
  // The ids of steps that do not exist take memory, too, so they are checked as those that do.
  for (const std::string& need : needs) {
    if (!need.empty() && need.size() <= kMostIdBytes) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: it needs a step with an id of {} bytes; 1 to {} are expected",
                    StepPath(step, id), need.size(), kMostIdBytes));
  }
  step_of_[symbol] = step;
  symbol_of_.push_back(symbol);
  for (const std::string& need : needs) needs_.push_back(SymbolOf(need));
  needs_begin_.push_back(static_cast<uint32_t>(needs_.size()));
  return absl::OkStatus();
}

absl::Status JobGraph::Seal() {
  if (size() == 0) return absl::InvalidArgumentError("steps: none came; at least one is expected");
  SOUVENIR_RETURN_IF_ERROR(Resolve());
  Reverse();
  return CheckAcyclic();
}

absl::Status JobGraph::Resolve() {
  for (uint32_t step = 0; step < size(); ++step) {
    for (uint32_t at = needs_begin_[step]; at < needs_begin_[step + 1]; ++at) {
      const uint32_t needed = step_of_[needs_[at]];
      if (needed == kUnknown) {
        NameList names(symbols_[needs_[at]]);
        // The list compares a bounded number of names; a large graph is not copied for a message.
        for (uint32_t i = 0; i < std::min<size_t>(size(), 1000); ++i) names.Add(id(i));
        if (size() > 1000) names.LeaveOut(size() - 1000);
        return absl::InvalidArgumentError(
            fmt::format("{}: it needs step '{}', which does not exist; there are: {}", PathOf(step),
                        EscapedName(symbols_[needs_[at]]), names.Text()));
      }
      needs_[at] = needed;
    }
  }
  return absl::OkStatus();
}

void JobGraph::Reverse() {
  feeds_begin_.assign(size() + 1, 0);
  for (const uint32_t needed : needs_) ++feeds_begin_[needed + 1];
  for (size_t i = 1; i < feeds_begin_.size(); ++i) feeds_begin_[i] += feeds_begin_[i - 1];
  feeds_.resize(needs_.size());
  std::vector<uint32_t> next(feeds_begin_.begin(), feeds_begin_.end() - 1);
  for (uint32_t step = 0; step < size(); ++step) {
    for (const uint32_t needed : needs(step)) feeds_[next[needed]++] = step;
  }
}

absl::Status JobGraph::CheckAcyclic() const {
  std::vector<uint32_t> unmet(size());  // needs that have not ended
  std::vector<uint32_t> ready;
  for (uint32_t step = 0; step < size(); ++step) {
    unmet[step] = static_cast<uint32_t>(needs(step).size());
    if (unmet[step] == 0) ready.push_back(step);
  }
  size_t ended = 0;
  while (!ready.empty()) {
    const uint32_t step = ready.back();
    ready.pop_back();
    ++ended;
    for (const uint32_t fed : feeds(step)) {
      if (--unmet[fed] == 0) ready.push_back(fed);
    }
  }
  if (ended == size()) return absl::OkStatus();
  return absl::InvalidArgumentError(DescribeCycle(unmet));
}

std::string JobGraph::DescribeCycle(const std::vector<uint32_t>& unmet) const {
  const auto is_open = [&](uint32_t step) { return unmet[step] > 0; };
  // Each open step needs an open one, so the walk comes back to a step where it has been.
  std::vector<uint32_t> walk;
  std::vector<bool> seen(size());
  auto step = static_cast<uint32_t>(
      std::find_if(unmet.begin(), unmet.end(), [](uint32_t count) { return count > 0; }) -
      unmet.begin());
  while (!seen[step]) {
    seen[step] = true;
    walk.push_back(step);
    const absl::Span<const uint32_t> needed = needs(step);
    step = *std::find_if(needed.begin(), needed.end(), is_open);
  }
  const std::vector<uint32_t> cycle(std::find(walk.begin(), walk.end(), step), walk.end());
  std::string message = fmt::format("{}: it needs itself", PathOf(cycle.front()));
  if (cycle.size() == 1) return message;
  message +=
      fmt::format(", in a cycle of {} steps: '{}'", cycle.size(), EscapedName(id(cycle.front())));
  for (size_t i = 1; i < std::min(cycle.size(), kMostNamed); ++i) {
    message += fmt::format(" needs '{}'", EscapedName(id(cycle[i])));
  }
  message += cycle.size() > kMostNamed ? std::string(" and so on")
                                       : fmt::format(" needs '{}'", EscapedName(id(cycle.front())));
  return message;
}

std::optional<uint32_t> JobGraph::Find(std::string_view id) const {
  const auto symbol = symbol_numbers_.find(id);
  if (symbol == symbol_numbers_.end() || step_of_[symbol->second] == kUnknown) return std::nullopt;
  return step_of_[symbol->second];
}

absl::Span<const uint32_t> JobGraph::needs(uint32_t step) const {
  return absl::MakeConstSpan(needs_).subspan(needs_begin_[step],
                                             needs_begin_[step + 1] - needs_begin_[step]);
}

absl::Span<const uint32_t> JobGraph::feeds(uint32_t step) const {
  return absl::MakeConstSpan(feeds_).subspan(feeds_begin_[step],
                                             feeds_begin_[step + 1] - feeds_begin_[step]);
}

std::optional<uint32_t> JobGraph::OnlySink(std::optional<uint32_t> apart) const {
  std::optional<uint32_t> sink;
  for (uint32_t step = 0; step < size(); ++step) {
    if (!feeds(step).empty() || step == apart) continue;
    if (sink) return std::nullopt;
    sink = step;
  }
  return sink;
}

std::string JobGraph::PathOf(uint32_t step) const { return StepPath(step, id(step)); }

}  // namespace souvenir::gateway
