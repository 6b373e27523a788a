// The rest of a record behind its checksum, which a fuzzer would not guess.

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

// Any value can be written, and is read under its own key alone.
void TryAsValue(std::string_view value) {
  Entry::Fields fields;
  fields.key = Key(1);
  fields.origin = Origin::Create({});
  fields.value = value;
  const std::string record = EncodeEntry(*Entry::Create(fields), 1);
  const auto decoded = DecodeEntry(fields.key, record);
  Require(decoded.ok() && decoded->fields.value == value, "the value comes back");
  Require(!DecodeEntry(Key(2), record).ok(), "a record answers for no other key");
}

void Try(std::string_view body) {
  TryAsValue(body);
  const Fingerprint key = Key(1);
  Require(!DecodeEntry(key, body).ok(), "what has no checksum is no record");
  const std::string record = WithChecksum(key, body);
  const auto decoded = DecodeEntry(key, record);
  if (!decoded.ok()) {
    Require(absl::IsDataLoss(decoded.status()), "what is no record is DATA_LOSS");
    return;
  }
  // Times are kept to a quarter of a nanosecond. What was kept so stays as it is.
  const std::string written = EncodeEntry(*EntryOf(*decoded), decoded->origin);
  const auto again = DecodeEntry(key, written);
  Require(again.ok(), "what was written can be read");
  Require(again->origin == decoded->origin, "the origin is as it was");
  Require(again->fields.value == decoded->fields.value, "the value is as it was");
  Require(again->fields.tags == decoded->fields.tags, "the tags are as they were");
  Require(EncodeEntry(*EntryOf(*again), again->origin) == written,
          "what was read is written as it was");
}

}  // namespace
}  // namespace souvenir::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::cache::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
