#include "common/name_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/cut_text.h"
#include "common/nearest.h"

namespace souvenir {

size_t NameList::RankOf(std::string_view name) {
  const size_t limit = std::max<size_t>(1, word_.size() / 3);
  const size_t longer = std::max(name.size(), word_.size());
  const bool comparable = longer - std::min(name.size(), word_.size()) <= limit;
  if (comparable && compared_ < kMostCompared) {
    ++compared_;
    const size_t distance = EditDistance(word_, name, limit);
    // A distance as long as the words means that they have nothing in common.
    if (distance <= limit && distance < longer) return distance;
  }
  const bool begins = !word_.empty() && name.substr(0, word_.size()) == word_;
  return begins ? limit + 1 : limit + 2;
}

void NameList::Add(std::string_view name) {
  ++added_;
  const size_t rank = RankOf(name);
  const auto at =
      std::upper_bound(nearest_.begin(), nearest_.end(), rank,
                       [](size_t rank, const auto& listed) { return rank < listed.first; });
  if (at == nearest_.end() && nearest_.size() == kMostNames) return;
  nearest_.emplace(at, rank, name);
  if (nearest_.size() > kMostNames) nearest_.pop_back();
}

std::string NameList::Text() const {
  std::string text;
  size_t listed = 0;
  for (const auto& [rank, name] : nearest_) {
    if (listed > 0 && text.size() + name.size() > kMostBytes) break;
    if (listed++ > 0) text += ", ";
    text += name;
  }
  if (listed < added_) text += fmt::format(" and {} more", added_ - listed);
  return text.empty() ? "none" : text;
}

std::string NameList::word() const { return Shortened(word_, kMostWordBytes); }

}  // namespace souvenir
