#include "cache/entry_codec.h"

#include <cstring>

namespace souvenir::cache {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

constexpr auto kLastCode = static_cast<uint8_t>(absl::StatusCode::kUnauthenticated);
constexpr size_t kChecksumBytes = sizeof(uint64_t);

uint64_t Checksum(std::string_view name, std::string_view body) {
  Sha256 hash;
  hash.Add(name);
  hash.Add(body);
  return Fingerprint{hash.Finish()}.word();
}

std::string_view BytesOf(const uint32_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

class Writer {
 public:
  explicit Writer(size_t size) {
    out_.reserve(size);
    out_.resize(kChecksumBytes);
  }

  template <typename T>
  void Fixed(T number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void Number(uint64_t number) {
    for (; number >= 0x80; number >>= 7) out_.push_back(static_cast<char>(number | 0x80));
    out_.push_back(static_cast<char>(number));
  }
  void Text(std::string_view text) {
    Number(text.size());
    out_.append(text);
  }
  void Rest(std::string_view bytes) { out_.append(bytes); }

  // What was written, behind its checksum.
  std::string Finish(std::string_view name) && {
    const uint64_t checksum = Checksum(name, std::string_view(out_).substr(kChecksumBytes));
    std::memcpy(out_.data(), &checksum, sizeof(checksum));
    return std::move(out_);
  }

 private:
  std::string out_;
};

// Reads what Writer wrote; once something is cut off or malformed, ok() is false and all that is
// read is empty.
class Reader {
 public:
  // Not ok() where the checksum is not that of the rest.
  Reader(std::string_view name, std::string_view bytes) : rest_(bytes) {
    const auto checksum = Fixed<uint64_t>();
    ok_ = ok_ && checksum == Checksum(name, rest_);
  }

  template <typename T>
  T Fixed() {
    T number{};
    const std::string_view bytes = Take(sizeof(T));
    if (ok_) std::memcpy(&number, bytes.data(), sizeof(T));
    return number;
  }
  uint64_t Number() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = Fixed<uint8_t>();
      const uint64_t bits = byte & 0x7f;
      // The tenth byte has room for one bit; and none but a first one may be zero at the end.
      if ((bits << shift) >> shift != bits || (byte == 0 && shift > 0)) break;
      number |= bits << shift;
      if (byte < 0x80) return ok_ ? number : 0;
    }
    ok_ = false;
    return 0;
  }
  std::string_view Text() { return Take(Number()); }
  std::string_view Rest() { return Take(rest_.size()); }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string EncodeEntry(const Entry& entry, uint32_t origin) {
  const std::vector<std::string> tags = entry.tags();
  Writer writer(64 + Entry::TagBytes(tags) + entry.value().size());
  writer.Fixed(absl::ToUnixNanos(entry.created_at()));
  writer.Fixed(static_cast<float>(absl::ToDoubleNanoseconds(entry.cost())));
  writer.Fixed(Entry::ToSeconds(entry.lifetime()));
  writer.Fixed(static_cast<uint8_t>(entry.code()));
  writer.Number(origin);
  writer.Number(entry.epoch_sum());
  writer.Number(tags.size());
  for (const std::string& tag : tags) writer.Text(tag);
  writer.Rest(entry.value());
  return std::move(writer).Finish(entry.key.view());
}

absl::StatusOr<DecodedEntry> DecodeEntry(const Fingerprint& key, std::string_view record) {
  Reader reader(key.view(), record);
  if (!reader.ok()) return absl::DataLossError("a record whose checksum does not match");
  // The checksum has vouched for the writer; everything is checked all the same.
  DecodedEntry decoded;
  Entry::Fields& entry = decoded.fields;
  entry.key = key;
  entry.created_at = absl::FromUnixNanos(reader.Fixed<int64_t>());
  entry.cost = absl::Nanoseconds(static_cast<double>(reader.Fixed<float>()));
  entry.lifetime = Entry::FromSeconds(reader.Fixed<uint32_t>());
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
  Writer writer(64 + origin.tenant.size() + origin.model.size() + origin.version.size() +
                origin.digest.size());
  writer.Text(origin.tenant);
  writer.Text(origin.model);
  writer.Text(origin.version);
  writer.Text(origin.digest);
  return std::move(writer).Finish(BytesOf(number));
}

absl::StatusOr<Origin::Fields> DecodeOrigin(uint32_t number, std::string_view bytes) {
  Reader reader(BytesOf(number), bytes);
  Origin::Fields origin;
  origin.tenant = reader.Text();
  origin.model = reader.Text();
  origin.version = reader.Text();
  origin.digest = reader.Text();
  if (!reader.ok() || !reader.at_end()) return absl::DataLossError("an origin that is damaged");
  return origin;
}

}  // namespace souvenir::cache
