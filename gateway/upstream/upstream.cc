#include "gateway/upstream/upstream.h"

#include "absl/strings/cord.h"

namespace souvenir::gateway {
namespace {

constexpr char kTooLarge[] = "souvenir.too_large_answer";

}  // namespace

absl::Status TooLargeAnswer(absl::Status status) {
  status.SetPayload(kTooLarge, absl::Cord());
  return status;
}

bool IsTooLargeAnswer(const absl::Status& status) {
  return status.GetPayload(kTooLarge).has_value();
}

}  // namespace souvenir::gateway
