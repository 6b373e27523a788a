#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cache/entry.h"

namespace souvenir::cache {

// An entry as bytes, in the disk tier and in snapshots:
//
//   u64 checksum of all that follows, being the first 8 bytes of its SHA-256
//   i64 created (nanoseconds since 1970), i64 lifetime (2^63-1: forever), i64 cost, in nanoseconds
//   u32 code of an error that is remembered, 0: an answer
//   u32 epochs, then for each u32 place, u64 epoch
//   tenant, model, version, digest, u32 tags, each tag, the value: each after its length, u32
//
// all little-endian. The key goes into the checksum, so that a record can never answer for another
// key. Change it only together with the disk tier's schema version, which drops stores of another
// one, and with that of snapshots.
//
// `epochs` are those that the entry was made under.
std::string EncodeEntry(const Entry& entry, const EpochStamp& epochs);

// A record that was read.
struct DecodedEntry {
  Origin::Fields origin;
  Entry::Fields fields;  // without the origin; the value lies in the record
};

// DATA_LOSS for anything that EncodeEntry did not write for this key.
absl::StatusOr<DecodedEntry> DecodeEntry(const Fingerprint& key, std::string_view record);

}  // namespace souvenir::cache
