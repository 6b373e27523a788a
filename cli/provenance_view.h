#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "souvenir/v1/translation.pb.h"

// The words in which commands tell where answers came from.

namespace souvenir::cli {

inline constexpr size_t kKindWidth = 9;  // of "coalesced", in columns

// Counts answers by where they came from. Not thread-safe.
class KindCounts {
 public:
  void Add(souvenir::v1::CacheKind kind) { ++kinds_[kind]; }
  void AddFailed() { ++failed_; }

  size_t failed() const { return failed_; }

  // Returns ": 1 memory, 1 miss, 2 failed", or an empty text if nothing was counted.
  std::string Text() const;

 private:
  std::map<souvenir::v1::CacheKind, size_t> kinds_;
  size_t failed_ = 0;
};

// Returns two lines: "model m version 1, computed 3 min 20 s ago in 2.5 ms" and "key 00ff".
// `models` names the models as people may see them; empty: the one of `provenance`.
std::string ProvenanceDetails(const souvenir::v1::Provenance& provenance,
                              const std::string& models = "");

// Returns "NOT_FOUND: no pair en-xx" in one line.
std::string StatusText(const souvenir::v1::Status& status);

}  // namespace souvenir::cli
