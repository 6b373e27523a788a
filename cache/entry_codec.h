#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cache/entry.h"

namespace souvenir::cache {

// Entries as bytes, in the disk tier and in snapshots: a record for each entry, some thirty bytes
// beyond its value, and apart from them the origins, which records name by numbers.
//
// A record is
//
//   u64 checksum of the key and all that follows, being the first 8 bytes of their SHA-256
//   i64 created (nanoseconds since 1970), f32 cost (nanoseconds), u32 that once was a lifetime,
//   u8 code of an error that is remembered, 0: an answer
//   v number of the origin, v sum of the epochs it was made under, v number of tags, and for each
//   v its length and its text
//   the value, to the end
//
// where v is ByteWriter's Number() and the others are Fixed(). The lifetime is not read, because
// the policy of now decides; it is written as 2^32-1, which for earlier versions is for ever, so
// that both read what the other wrote. The key goes into the checksum, so
// that a record can never answer for another key; so does, in an origin's bytes, its number. Change
// it only together with the disk tier's schema version, which drops stores of another one, and with
// that of snapshots.
std::string EncodeEntry(const Entry& entry, uint32_t origin);

// A record that was read.
struct DecodedEntry {
  uint32_t origin = 0;   // its number
  Entry::Fields fields;  // without the origin; the value lies in the record
};

// DATA_LOSS for anything that EncodeEntry did not write for this key.
absl::StatusOr<DecodedEntry> DecodeEntry(const Fingerprint& key, std::string_view record);

// An origin: u64 checksum of its number (u32) and all that follows; v length and text of tenant,
// model, version and digest.
std::string EncodeOrigin(uint32_t number, const Origin::Fields& origin);

// DATA_LOSS for anything that EncodeOrigin did not write for this number.
absl::StatusOr<Origin::Fields> DecodeOrigin(uint32_t number, std::string_view bytes);

}  // namespace souvenir::cache
