#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cache/entry.h"

namespace souvenir::cache {

// What the disk tier stores for a key:
//
//   u64 checksum of all that follows, being the first 8 bytes of its SHA-256
//   i64 created, i64 expires (nanoseconds since 1970, 2^63-1: never), i64 cost in nanoseconds
//   u32 epochs, then for each u32 place, u64 epoch
//   tenant, model, version, digest, u32 tags, each tag, the value: each after its length, u32
//
// all little-endian. The key goes into the checksum, so that a record can never answer for another
// key. Change it only together with DiskTier's schema version, which drops stores of another one.
std::string EncodeEntry(const Entry& entry);

// DATA_LOSS for anything that EncodeEntry did not write for this key.
absl::StatusOr<Entry> DecodeEntry(const Fingerprint& key, std::string_view record);

}  // namespace souvenir::cache
