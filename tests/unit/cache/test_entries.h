#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "cache/entry.h"

namespace souvenir::cache {

// The fingerprint of a name.
inline Fingerprint KeyOf(std::string_view name) {
  Sha256 hash;
  hash.Add(name);
  return {hash.Finish()};
}

inline OriginPtr TestOrigin() {
  static const OriginPtr origin = Origin::Create({"tenant", "model", "1", "digest"});
  return origin;
}

// An entry for KeyOf(name), made under the epochs of a new table; `change` may alter the rest.
inline EntryPtr MakeEntry(std::string_view name, std::string_view value,
                          const std::function<void(Entry::Fields&)>& change = nullptr) {
  Entry::Fields fields;
  fields.key = KeyOf(name);
  fields.origin = TestOrigin();
  fields.value = value;
  fields.created_at = absl::FromUnixSeconds(1'767'225'600);
  fields.cost = absl::Milliseconds(3);
  if (change) change(fields);
  return Entry::Create(fields);
}

// A directory of the test's own, removed with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "souvenir-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace souvenir::cache
