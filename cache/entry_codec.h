#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cache/entry.h"

namespace souvenir::cache {

// The encoding of entries, for the disk tier and for snapshots. Each entry is a record of some
// thirty bytes besides its value. Origins are encoded separately; a record refers to its origin by
// number.
//
// The format of a record:
//
//   u64 checksum of the key and all that follows, being the first 8 bytes of their SHA-256
//   i64 created (nanoseconds since 1970), f32 cost (nanoseconds), u32 that once was a lifetime,
//   u8 code of an error that is remembered, 0: an answer
//   v number of the origin, v sum of the epochs it was made under, v number of tags, and for each
//   v its length and its text
//   the value, to the end
//
// Here v is ByteWriter::Number(); all other numbers are ByteWriter::Fixed(). The lifetime is not
// read, because the present policy decides. It is written as 2^32-1, which earlier versions read as
// no limit, so that old and new versions can read each other's records. The checksum covers the key
// of a record and the number of an origin, so that neither can pass for another one.
//
// A change of the format needs a new schema version of the disk tier, which drops older stores, and
// a new version of snapshots.
std::string EncodeEntry(const Entry& entry, uint32_t origin);

// A decoded record.
struct DecodedEntry {
  uint32_t origin = 0;   // number of the origin
  Entry::Fields fields;  // without the origin; the value points into the record
};

// Decodes a record. DATA_LOSS if EncodeEntry() did not write it for this key.
absl::StatusOr<DecodedEntry> DecodeEntry(const Fingerprint& key, std::string_view record);

// Encodes an origin: u64 checksum of its number (u32) and all that follows; v length and text of
// tenant, model, version and digest.
std::string EncodeOrigin(uint32_t number, const Origin::Fields& origin);

// Decodes an origin. DATA_LOSS if EncodeOrigin() did not write it for this number.
absl::StatusOr<Origin::Fields> DecodeOrigin(uint32_t number, std::string_view bytes);

}  // namespace souvenir::cache
