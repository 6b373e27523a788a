#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "cache/entry.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::cache {

// Returns the fingerprint of a name.
inline Fingerprint KeyOf(std::string_view name) {
  Sha256 hash;
  hash.Add(name);
  return {hash.Finish()};
}

inline OriginPtr TestOrigin() {
  static const OriginPtr origin = Origin::Create({"tenant", "model", "1", "digest"});
  return origin;
}

// Returns an entry for KeyOf(name) under the epochs of a new table. `change` may change its fields.
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

}  // namespace souvenir::cache
