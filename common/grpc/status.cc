#include "common/grpc/status.h"

#include <string>
#include <string_view>

#include "common/cut_text.h"
#include "common/error_kind.h"
#include "common/escape_controls.h"

namespace souvenir {
namespace {

// A message is sent in a trailer, percent-encoded, with three bytes for one that is not ASCII.
// Clients refuse trailers above 8 KB, and then lose the status, too.
constexpr size_t kMostMessageBytes = 2048;

}  // namespace

std::string MessageForClients(const absl::Status& status) {
  const std::string_view message(status.message().data(), status.message().size());
  // Cut before, so that no more is escaped than is told, and after, because escapes are longer.
  const std::string_view kept = CutText(message, kMostMessageBytes);
  const std::string escaped = EscapeControls(kept);
  const std::string_view told = CutText(escaped, kMostMessageBytes);
  const bool is_whole = kept.size() == message.size() && told.size() == escaped.size();
  return std::string(told) + (is_whole ? "" : "...");
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), MessageForClients(status));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

bool IsServersFault(grpc::StatusCode code) {
  return KindOf(static_cast<absl::StatusCode>(code)).is_servers_fault;
}

}  // namespace souvenir
