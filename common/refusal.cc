#include "common/refusal.h"

#include "absl/strings/cord.h"

namespace souvenir {
namespace {

constexpr char kType[] = "souvenir/model-digest";

}  // namespace

absl::Status WithModelDigest(absl::Status status, std::string_view digest) {
  status.SetPayload(kType, absl::Cord(absl::string_view(digest.data(), digest.size())));
  return status;
}

std::string ModelDigestOf(const absl::Status& status) {
  const absl::optional<absl::Cord> digest = status.GetPayload(kType);
  return digest.has_value() ? std::string(*digest) : "";
}

}  // namespace souvenir
