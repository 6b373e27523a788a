#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cache/entry.h"

namespace souvenir::cache {

// The fingerprint of a name.
inline Fingerprint KeyOf(std::string_view name) {
  Sha256 hash;
  hash.Add(name);
  return {hash.Finish()};
}

inline std::shared_ptr<const Origin> TestOrigin() {
  static const auto origin =
      std::make_shared<const Origin>(Origin{"tenant", "model", "1", "digest"});
  return origin;
}

// An entry for KeyOf(name); made under no epochs, so that it stays alive.
inline std::shared_ptr<Entry> MakeEntry(std::string_view name, std::string value) {
  auto entry = std::make_shared<Entry>();
  entry->key = KeyOf(name);
  entry->origin = TestOrigin();
  entry->value = std::move(value);
  entry->created_at = absl::FromUnixSeconds(1'767'225'600);
  entry->cost = absl::Milliseconds(3);
  return entry;
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
