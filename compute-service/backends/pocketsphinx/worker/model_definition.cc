#include "compute-service/backends/pocketsphinx/worker/model_definition.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <optional>

namespace souvenir::compute {
namespace {

constexpr std::string_view kMagic = "BMDF";

// The numbers after the header, in the order of the file (bin_mdef.h of PocketSphinx).
enum Count {
  kCiPhones,
  kPhones,
  kEmittingStates,
  kCiSenones,
  kSenones,
  kMatrices,
  kSequences,
  kContexts,
  kTreeNodes,
  kSilence,
  kCounts
};

constexpr int64_t kTreeNodeBytes = 8;
constexpr int64_t kPhoneBytes = 12;
constexpr int64_t kSenoneBytes = 2;

// Reads a file from its start. Positions are at most a few GB, so that sums do not overflow.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::optional<int32_t> Number() {
    int32_t number = 0;
    if (!Skip(sizeof(number))) return std::nullopt;
    std::memcpy(&number, bytes_.data() + at_ - sizeof(number), sizeof(number));
    return number;
  }

  bool Skip(int64_t count) {
    if (count < 0 || count > static_cast<int64_t>(bytes_.size()) - at_) return false;
    at_ += count;
    return true;
  }

  // Skips texts, each of which ends with a zero byte, and then what pads them to 4 bytes.
  bool SkipTexts(int32_t count) {
    const int64_t begin = at_;
    for (int32_t i = 0; i < count; ++i) {
      const size_t end = bytes_.find('\0', static_cast<size_t>(at_));
      if (end == std::string_view::npos) return false;
      at_ = static_cast<int64_t>(end) + 1;
    }
    return Skip((4 - (at_ - begin) % 4) % 4);
  }

 private:
  const std::string_view bytes_;
  int64_t at_ = 0;
};

bool IsComplete(std::string_view bytes) {
  Reader reader(bytes);
  if (!reader.Skip(kMagic.size()) || !reader.Number()) return false;  // the version
  const std::optional<int32_t> header = reader.Number();
  if (!header || !reader.Skip(*header)) return false;
  int32_t counts[kCounts];
  for (int32_t& count : counts) {
    const std::optional<int32_t> number = reader.Number();
    if (!number || *number < 0) return false;
    count = *number;
  }
  if (!reader.SkipTexts(counts[kCiPhones]) || !reader.Skip(counts[kTreeNodes] * kTreeNodeBytes) ||
      !reader.Skip(counts[kPhones] * kPhoneBytes)) {
    return false;
  }
  const std::optional<int32_t> senones = reader.Number();
  if (!senones || !reader.Skip(*senones * kSenoneBytes)) return false;
  // With a fixed number of states the lengths of sequences are left out.
  if (counts[kEmittingStates] == 0) return reader.Skip(counts[kSequences]);
  return int64_t{counts[kSequences]} * counts[kEmittingStates] <= *senones;
}

}  // namespace

absl::Status CheckModelDefinition(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || IsComplete(bytes)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("mdef has {} bytes, which is less than its own numbers say", bytes.size()));
}

}  // namespace souvenir::compute
