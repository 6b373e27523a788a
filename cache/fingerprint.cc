#include "cache/fingerprint.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace souvenir::cache {

std::optional<Fingerprint> Fingerprint::FromHex(std::string_view hex) {
  Fingerprint fingerprint;
  // HexStringToBytes does not check the digits.
  if (hex.size() != 2 * fingerprint.bytes.size() ||
      !std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit)) {
    return std::nullopt;
  }
  const std::string bytes = absl::HexStringToBytes(absl::string_view(hex.data(), hex.size()));
  std::copy(bytes.begin(), bytes.end(), fingerprint.bytes.begin());
  return fingerprint;
}

}  // namespace souvenir::cache
