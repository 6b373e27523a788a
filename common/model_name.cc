#include "common/model_name.h"

#include <fmt/format.h>

#include <cstdint>

#include "absl/strings/escaping.h"
#include "common/code_point.h"

namespace souvenir {
namespace {

constexpr size_t kMostShownBytes = 80;

bool IsControl(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029;
}

}  // namespace

std::string_view FaultOfName(std::string_view name) {
  while (!name.empty()) {
    const uint32_t point = TakeCodePoint(&name);
    if (point == kNoCodePoint) return "it is not UTF-8";
    if (IsControl(point)) return "it has a control character";
  }
  return "";
}

absl::Status CheckModelName(std::string_view name) {
  const auto refused = [&](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no name: {}", EscapedName(name), what));
  };
  if (name.empty()) return absl::InvalidArgumentError("the name is empty");
  if (name.size() > kMostNameBytes) {
    return refused(
        fmt::format("it has {} bytes, and the limit is {}", name.size(), kMostNameBytes));
  }
  const std::string_view fault = FaultOfName(name);
  return fault.empty() ? absl::OkStatus() : refused(fault);
}

std::string EscapedName(std::string_view name) {
  const bool cut = name.size() > kMostShownBytes;
  const std::string_view shown = name.substr(0, kMostShownBytes);
  return absl::CHexEscape(absl::string_view(shown.data(), shown.size())) + (cut ? "..." : "");
}

}  // namespace souvenir
