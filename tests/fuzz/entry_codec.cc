// Fuzzes the part of a record that follows its checksum, which a fuzzer could not guess.

#include "cache/entry_codec.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"

namespace souvenir::cache {
namespace {

Fingerprint Key(uint8_t first_byte) {
  Fingerprint key;
  key.bytes.fill(7);
  key.bytes[0] = first_byte;
  return key;
}

std::string WithChecksum(const Fingerprint& key, std::string_view body) {
  Sha256 hash;
  hash.Add(key.view());
  hash.Add(body);
  const uint64_t checksum = Fingerprint{hash.Finish()}.word();
  std::string record(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return record.append(body);
}

EntryPtr EntryOf(const DecodedEntry& decoded) {
  Entry::Fields fields = decoded.fields;
  fields.origin = Origin::Create({});
  return Entry::Create(fields);
}

// Checks that any value can be written, and is read only under its own key.
void TryAsValue(std::string_view value) {
  Entry::Fields fields;
  fields.key = Key(1);
  fields.origin = Origin::Create({});
  fields.value = value;
  const std::string record = EncodeEntry(*Entry::Create(fields), 1);
  const auto decoded = DecodeEntry(fields.key, record);
  Require(decoded.ok() && decoded->fields.value == value, "the record keeps the value");
  Require(!DecodeEntry(Key(2), record).ok(), "the record is not valid for another key");
}

void Try(std::string_view body) {
  TryAsValue(body);
  const Fingerprint key = Key(1);
  Require(!DecodeEntry(key, body).ok(), "bytes without a checksum are not a record");
  const std::string record = WithChecksum(key, body);
  const auto decoded = DecodeEntry(key, record);
  if (!decoded.ok()) {
    Require(absl::IsDataLoss(decoded.status()), "an error is DATA_LOSS");
    return;
  }
  // Times are rounded to a quarter of a nanosecond. Rounded times do not change any more.
  const std::string written = EncodeEntry(*EntryOf(*decoded), decoded->origin);
  const auto again = DecodeEntry(key, written);
  Require(again.ok(), "a written record can be read");
  Require(again->origin == decoded->origin, "writing and reading keep the origin");
  Require(again->fields.value == decoded->fields.value, "writing and reading keep the value");
  Require(again->fields.tags == decoded->fields.tags, "writing and reading keep the tags");
  Require(EncodeEntry(*EntryOf(*again), again->origin) == written,
          "reading and writing keep the bytes");
}

}  // namespace
}  // namespace souvenir::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::cache::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
