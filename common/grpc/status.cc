#include "common/grpc/status.h"

#include <string>
#include <string_view>

namespace souvenir {
namespace {

// A message travels in a trailer, percent-encoded, three bytes for one that is not ASCII; clients
// refuse trailers above 8 KB, and then lose the status too.
constexpr size_t kMostMessageBytes = 2048;

std::string Shortened(std::string_view message) {
  if (message.size() <= kMostMessageBytes) return std::string(message);
  size_t end = kMostMessageBytes;
  while (end > 0 && (message[end] & 0xC0) == 0x80) --end;  // not inside a UTF-8 character
  return std::string(message.substr(0, end)) + "...";
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string_view message(status.message().data(), status.message().size());
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), Shortened(message));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace souvenir
