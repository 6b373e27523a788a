#include "cache/entry_codec.h"

#include <cstring>
#include <limits>

namespace souvenir::cache {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

uint64_t Checksum(const Fingerprint& key, std::string_view body) {
  Sha256 hash;
  hash.Add(key.view());
  hash.Add(body);
  return Fingerprint{hash.Finish()}.word();
}

constexpr auto kLastCode = static_cast<uint32_t>(absl::StatusCode::kUnauthenticated);

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

int64_t ToNanoseconds(absl::Duration lifetime) {
  return lifetime == absl::InfiniteDuration() ? kForever : absl::ToInt64Nanoseconds(lifetime);
}

absl::Duration FromNanoseconds(int64_t ns) {
  return ns == kForever ? absl::InfiniteDuration() : absl::Nanoseconds(ns);
}

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) {}

  template <typename T>
  void Number(T number) {
    out_->append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void Text(std::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    out_->append(text);
  }

 private:
  std::string* const out_;
};

// Reads what Writer wrote; once something is cut off, ok() is false and all that is read is empty.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  template <typename T>
  T Number() {
    T number{};
    const std::string_view bytes = Take(sizeof(T));
    if (ok_) std::memcpy(&number, bytes.data(), sizeof(T));
    return number;
  }
  std::string_view Text() { return Take(Number<uint32_t>()); }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view Take(size_t size) {
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

std::string EncodeEntry(const Entry& entry, const EpochStamp& epochs) {
  std::string record;
  record.reserve(256 + entry.value().size());
  Writer writer(&record);
  writer.Number(uint64_t{0});  // the checksum's place
  writer.Number(absl::ToUnixNanos(entry.created_at()));
  writer.Number(ToNanoseconds(entry.lifetime()));
  writer.Number(absl::ToInt64Nanoseconds(entry.cost()));
  writer.Number(static_cast<uint32_t>(entry.code()));
  writer.Number(static_cast<uint32_t>(epochs.size()));
  for (const auto& [slot, epoch] : epochs) {
    writer.Number(slot);
    writer.Number(epoch);
  }
  writer.Text(entry.origin().tenant());
  writer.Text(entry.origin().model());
  writer.Text(entry.origin().version());
  writer.Text(entry.origin().digest());
  const std::vector<std::string> tags = entry.tags();
  writer.Number(static_cast<uint32_t>(tags.size()));
  for (const std::string& tag : tags) writer.Text(tag);
  writer.Text(entry.value());
  const uint64_t checksum = Checksum(entry.key, std::string_view(record).substr(sizeof(uint64_t)));
  std::memcpy(record.data(), &checksum, sizeof(checksum));
  return record;
}

absl::StatusOr<DecodedEntry> DecodeEntry(const Fingerprint& key, std::string_view record) {
  Reader reader(record);
  const auto checksum = reader.Number<uint64_t>();
  if (!reader.ok() || checksum != Checksum(key, record.substr(sizeof(checksum)))) {
    return absl::DataLossError("a record whose checksum does not match");
  }
  // The checksum has vouched for the writer; lengths are checked all the same.
  DecodedEntry decoded;
  Entry::Fields& entry = decoded.fields;
  entry.key = key;
  entry.created_at = absl::FromUnixNanos(reader.Number<int64_t>());
  entry.lifetime = FromNanoseconds(reader.Number<int64_t>());
  entry.cost = absl::Nanoseconds(reader.Number<int64_t>());
  const auto code = reader.Number<uint32_t>();
  if (code > kLastCode) return absl::DataLossError("a record with an unknown code");
  entry.code = static_cast<absl::StatusCode>(code);
  const auto epochs = reader.Number<uint32_t>();
  for (uint32_t i = 0; i < epochs && reader.ok(); ++i) {
    const auto slot = reader.Number<EpochSlot>();
    if (slot >= EpochTable::kSlots) return absl::DataLossError("a record with an unknown epoch");
    entry.epochs.emplace_back(slot, reader.Number<uint64_t>());
  }
  decoded.origin.tenant = reader.Text();
  decoded.origin.model = reader.Text();
  decoded.origin.version = reader.Text();
  decoded.origin.digest = reader.Text();
  const auto tags = reader.Number<uint32_t>();
  for (uint32_t i = 0; i < tags && reader.ok(); ++i) entry.tags.emplace_back(reader.Text());
  if (Entry::TagBytes(entry.tags) > Entry::kMostTagBytes) {
    return absl::DataLossError("a record with too many tags");
  }
  entry.value = reader.Text();
  if (!reader.ok() || !reader.at_end()) return absl::DataLossError("a record of another length");
  return decoded;
}

}  // namespace souvenir::cache
