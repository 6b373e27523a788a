#include "cli/in_order.h"

#include <algorithm>
#include <utility>

#include "common/language/language_tag.h"

namespace souvenir::cli {
namespace {

std::string Canonical(const std::string& target) {
  return CanonicalLanguageTag(target).value_or(target);
}

}  // namespace

InOrder::InOrder(const std::vector<std::string>& targets) {
  for (const std::string& target : targets) {
    const std::string canonical = Canonical(target);
    if (std::find(targets_.begin(), targets_.end(), canonical) == targets_.end()) {
      targets_.push_back(canonical);
    }
  }
}

std::vector<InOrder::Arrival> InOrder::Add(Arrival arrival) {
  std::string target = Canonical(arrival.translation.target_language());
  if (std::find(targets_.begin(), targets_.end(), target) == targets_.end()) {
    std::vector<Arrival> unasked;
    unasked.push_back(std::move(arrival));
    return unasked;
  }
  waiting_.insert_or_assign(std::move(target), std::move(arrival));
  std::vector<Arrival> ready;
  for (; next_ < targets_.size(); ++next_) {
    auto next = waiting_.extract(targets_[next_]);
    if (next.empty()) break;
    ready.push_back(std::move(next.mapped()));
  }
  return ready;
}

std::vector<InOrder::Arrival> InOrder::Rest() {
  std::vector<Arrival> rest;
  for (; next_ < targets_.size(); ++next_) {
    auto next = waiting_.extract(targets_[next_]);
    if (!next.empty()) rest.push_back(std::move(next.mapped()));
  }
  return rest;
}

}  // namespace souvenir::cli
