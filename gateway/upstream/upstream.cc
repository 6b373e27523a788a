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
    case RowFault::kLostWithServer:
      return "souvenir.lost_with_server";
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

bool HasRowFault(const absl::Status& status) {
  return HasRowFault(status, RowFault::kTooLargeAnswer) ||
         HasRowFault(status, RowFault::kLostAtServer) ||
         HasRowFault(status, RowFault::kLostWithServer);
}

}  // namespace souvenir::gateway
