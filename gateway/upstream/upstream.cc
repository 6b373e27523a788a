#include "gateway/upstream/upstream.h"

#include "absl/strings/cord.h"

namespace souvenir::gateway {
namespace {

absl::string_view PayloadOf(RowFault fault) {
  switch (fault) {
    case RowFault::kTooLargeAnswer:
      return "souvenir.too_large_answer";
    case RowFault::kLostAtServer:
      return "souvenir.lost_at_server";
  }
  return "";
}

}  // namespace

absl::Status WithRowFault(absl::Status status, RowFault fault) {
  status.SetPayload(PayloadOf(fault), absl::Cord());
  return status;
}

bool HasRowFault(const absl::Status& status, RowFault fault) {
  return status.GetPayload(PayloadOf(fault)).has_value();
}

}  // namespace souvenir::gateway
