#include "cache/snapshot.h"

#include <fmt/format.h>

#include <cstring>

#include "cache/entry_codec.h"
#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

constexpr std::string_view kBeginning = "souvenir-snapshot-1\n";
constexpr size_t kKeyBytes = sizeof(Fingerprint::bytes);
constexpr char kOrigin = 'o';
constexpr char kEntry = 'e';

template <typename T>
void Append(T number, std::string* out) {
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

template <typename T>
T NumberAt(std::string_view bytes) {
  T number;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

}  // namespace

SnapshotWriter::SnapshotWriter(std::string* out) : out_(out) { out_->append(kBeginning); }

void SnapshotWriter::AddPiece(char sort, std::string_view name, std::string_view bytes) {
  Append(static_cast<uint32_t>(sizeof(sort) + name.size() + bytes.size()), out_);
  out_->push_back(sort);
  out_->append(name);
  out_->append(bytes);
}

void SnapshotWriter::Add(const Entry& entry) {
  const std::optional<uint32_t> origin = origins_.NumberOf(entry.origin(), {});
  if (!origin) return;
  const std::string record = EncodeEntry(entry, *origin);
  // SnapshotReader would refuse the piece.
  if (record.size() > SnapshotReader::kMostPieceBytes - 1 - kKeyBytes) return;
  for (const auto& [number, bytes] : origins_.Unsaved()) {
    std::string name;
    Append(number, &name);
    AddPiece(kOrigin, name, bytes);
  }
  origins_.Saved();
  AddPiece(kEntry, entry.key.view(), record);
  ++entries_;
}

void SnapshotWriter::End() {
  Append(uint32_t{0}, out_);
  Append(entries_, out_);
}

absl::Status SnapshotReader::Feed(std::string_view bytes) {
  size_t read = 0;
  if (rest_.empty()) {
    SOUVENIR_RETURN_IF_ERROR(ReadSome(bytes, &read));
    rest_ = bytes.substr(read);
  } else {
    rest_.append(bytes);
    SOUVENIR_RETURN_IF_ERROR(ReadSome(rest_, &read));
    rest_.erase(0, read);
  }
  place_ += read;
  return absl::OkStatus();
}

absl::Status SnapshotReader::ReadSome(std::string_view bytes, size_t* read) {
  const size_t all = bytes.size();
  const auto taken = [&] { return all - bytes.size(); };
  if (!began_) {
    const std::string_view seen = bytes.substr(0, kBeginning.size());
    if (!kBeginning.starts_with(seen)) {
      return absl::DataLossError(
          "not a snapshot of this version: it must begin with 'souvenir-snapshot-1'");
    }
    if (seen.size() < kBeginning.size()) return absl::OkStatus();
    bytes.remove_prefix(kBeginning.size());
    began_ = true;
  }
  while (bytes.size() >= sizeof(uint32_t)) {
    if (ended_) break;
    const auto size = NumberAt<uint32_t>(bytes);
    const std::string_view after = bytes.substr(sizeof(size));
    if (size > kMostPieceBytes) {
      return absl::DataLossError(fmt::format(
          "the snapshot is damaged at byte {}: a piece of {} bytes", place_ + taken(), size));
    }
    const size_t needed = size > 0 ? size : sizeof(uint64_t);
    if (after.size() < needed) break;
    const absl::Status status = size > 0 ? ReadPiece(after.substr(0, size)) : ReadEnd(after);
    if (absl::IsDataLoss(status)) {
      return absl::DataLossError(fmt::format("the snapshot is damaged at byte {}: {}",
                                             place_ + taken(), std::string(status.message())));
    }
    SOUVENIR_RETURN_IF_ERROR(status);
    bytes = after.substr(needed);
  }
  *read = taken();
  if (ended_ && !bytes.empty()) {
    return absl::DataLossError(fmt::format(
        "the snapshot is damaged at byte {}: more comes after its end", place_ + taken()));
  }
  return absl::OkStatus();
}

absl::Status SnapshotReader::ReadPiece(std::string_view piece) {
  switch (piece.front()) {
    case kOrigin:
      return ReadOrigin(piece.substr(1));
    case kEntry:
      return ReadEntry(piece.substr(1));
    default:
      return absl::DataLossError("neither an origin nor an entry");
  }
}

absl::Status SnapshotReader::ReadOrigin(std::string_view piece) {
  if (piece.size() < sizeof(uint32_t)) return absl::DataLossError("an origin that is cut off");
  const auto number = NumberAt<uint32_t>(piece);
  origin_bytes_ += piece.size() + sizeof(Origin);
  if (origin_bytes_ > kMostOriginBytes) return absl::DataLossError("too many origins");
  return origins_.Restore(number, piece.substr(sizeof(number)), 0,
                          [](const Origin&) { return uint64_t{0}; });
}

absl::Status SnapshotReader::ReadEntry(std::string_view piece) {
  if (piece.size() < kKeyBytes) return absl::DataLossError("an entry that is cut off");
  Fingerprint key;
  std::memcpy(key.bytes.data(), piece.data(), kKeyBytes);
  SOUVENIR_ASSIGN_OR_RETURN(DecodedEntry entry, DecodeEntry(key, piece.substr(kKeyBytes)));
  entry.fields.origin = origins_.Get(entry.origin);
  if (entry.fields.origin == nullptr) {
    return absl::DataLossError("an entry of an unknown origin");
  }
  SOUVENIR_RETURN_IF_ERROR(visit_(std::move(entry.fields)));
  ++entries_;
  return absl::OkStatus();
}

absl::Status SnapshotReader::ReadEnd(std::string_view number) {
  ended_ = true;
  const auto entries = NumberAt<uint64_t>(number);
  if (entries == entries_) return absl::OkStatus();
  return absl::DataLossError(fmt::format("only {} of {} entries were read", entries_, entries));
}

absl::Status SnapshotReader::Finish() const {
  if (ended_) return absl::OkStatus();
  return absl::DataLossError(fmt::format("the snapshot is cut off after byte {} and {} entries",
                                         place_ + rest_.size(), entries_));
}

}  // namespace souvenir::cache
