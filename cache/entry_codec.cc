#include "cache/entry_codec.h"

#include <cstring>
#include <optional>
#include <utility>

#include "common/byte_codec.h"

namespace souvenir::cache {
namespace {

constexpr auto kLastCode = static_cast<uint8_t>(absl::StatusCode::kUnauthenticated);
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr uint32_t kNoLifetime = UINT32_MAX;

uint64_t Checksum(std::string_view name, std::string_view body) {
  Sha256 hash;
  hash.Add(name);
  hash.Add(body);
  return Fingerprint{hash.Finish()}.word();
}

std::string_view BytesOf(const uint32_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

// Returns a writer that has left room for the checksum.
ByteWriter WriterBehindChecksum(size_t size) {
  ByteWriter writer(kChecksumBytes + size);
  writer.Fixed(uint64_t{0});
  return writer;
}

std::string WithChecksum(std::string_view name, ByteWriter writer) {
  std::string bytes = std::move(writer).Finish();
  const uint64_t checksum = Checksum(name, std::string_view(bytes).substr(kChecksumBytes));
  std::memcpy(bytes.data(), &checksum, sizeof(checksum));
  return bytes;
}

// Returns a reader of the bytes after the checksum, or nullopt if the checksum is wrong.
std::optional<ByteReader> CheckedReader(std::string_view name, std::string_view bytes) {
  ByteReader reader(bytes);
  const auto checksum = reader.Fixed<uint64_t>();
  if (!reader.ok() || checksum != Checksum(name, bytes.substr(kChecksumBytes))) return {};
  return reader;
}

}  // namespace

std::string EncodeEntry(const Entry& entry, uint32_t origin) {
  const std::vector<std::string> tags = entry.tags();
  ByteWriter writer = WriterBehindChecksum(64 + Entry::TagBytes(tags) + entry.value().size());
  writer.Fixed(absl::ToUnixNanos(entry.created_at()));
  writer.Fixed(static_cast<float>(absl::ToDoubleNanoseconds(entry.cost())));
  writer.Fixed(kNoLifetime);
  writer.Fixed(static_cast<uint8_t>(entry.code()));
  writer.Number(origin);
  writer.Number(entry.epoch_sum());
  writer.Number(tags.size());
  for (const std::string& tag : tags) writer.Text(tag);
  writer.Bytes(entry.value());
  return WithChecksum(entry.key.view(), std::move(writer));
}

absl::StatusOr<DecodedEntry> DecodeEntry(const Fingerprint& key, std::string_view record) {
  std::optional<ByteReader> checked = CheckedReader(key.view(), record);
  if (!checked) return absl::DataLossError("a record whose checksum does not match");
  ByteReader& reader = *checked;
  // The checksum shows that this program wrote the record. All fields are checked nevertheless.
  DecodedEntry decoded;
  Entry::Fields& entry = decoded.fields;
  entry.key = key;
  entry.created_at = absl::FromUnixNanos(reader.Fixed<int64_t>());
  const auto cost = reader.Fixed<float>();
  if (!(cost >= 0)) return absl::DataLossError("a record with an impossible cost");
  entry.cost = absl::Nanoseconds(static_cast<double>(cost));
  reader.Fixed<uint32_t>();  // the former lifetime
  const auto code = reader.Fixed<uint8_t>();
  if (code > kLastCode) return absl::DataLossError("a record with an unknown code");
  entry.code = static_cast<absl::StatusCode>(code);
  const uint64_t origin = reader.Number();
  if (origin > UINT32_MAX) return absl::DataLossError("a record with an unknown origin");
  decoded.origin = static_cast<uint32_t>(origin);
  entry.epoch_sum = reader.Number();
  const uint64_t tags = reader.Number();
  size_t tag_bytes = 0;
  for (uint64_t i = 0; i < tags && reader.ok(); ++i) {
    entry.tags.emplace_back(reader.Text());
    tag_bytes += Entry::TagBytes({&entry.tags.back(), 1});
    if (tag_bytes > Entry::kMostTagBytes) return absl::DataLossError("a record with too many tags");
  }
  entry.value = reader.Rest();
  if (!reader.ok()) return absl::DataLossError("a record that is cut off");
  return decoded;
}

std::string EncodeOrigin(uint32_t number, const Origin::Fields& origin) {
  ByteWriter writer = WriterBehindChecksum(16 + origin.tenant.size() + origin.model.size() +
                                           origin.version.size() + origin.digest.size());
  writer.Text(origin.tenant);
  writer.Text(origin.model);
  writer.Text(origin.version);
  writer.Text(origin.digest);
  return WithChecksum(BytesOf(number), std::move(writer));
}

absl::StatusOr<Origin::Fields> DecodeOrigin(uint32_t number, std::string_view bytes) {
  std::optional<ByteReader> checked = CheckedReader(BytesOf(number), bytes);
  if (!checked) return absl::DataLossError("an origin whose checksum does not match");
  ByteReader& reader = *checked;
  Origin::Fields origin;
  origin.tenant = reader.Text();
  origin.model = reader.Text();
  origin.version = reader.Text();
  origin.digest = reader.Text();
  if (!reader.ok() || !reader.at_end()) return absl::DataLossError("an origin that is damaged");
  return origin;
}

}  // namespace souvenir::cache
