#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace souvenir::gateway {

// Where a scan over records that are handled in the order of their keys must begin, so that it does
// not step over what was handled and deleted before. Used by one thread.
class ScanStart {
 public:
  explicit ScanStart(std::string first) : first_(std::move(first)) {}

  // A record is written, perhaps by a batch that the next scan does not see yet.
  void Added(const std::string& key) { added_ = added_ ? std::min(*added_, key) : key; }

  std::string From() const { return added_ ? std::min(*added_, first_) : first_; }

  // A scan from From() has handled all that is before `key`. What was added since the scan before
  // is looked for once more.
  void Reached(std::string key) {
    first_ = added_ ? std::min(*added_, key) : std::move(key);
    added_.reset();
  }

 private:
  std::string first_;
  std::optional<std::string> added_;  // the first of those since the last scan
};

}  // namespace souvenir::gateway
