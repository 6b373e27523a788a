#include "gateway/upstream/grpc_channel.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "common/grpc/credentials.h"
#include "common/grpc/status.h"
#include "common/refusal.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {
namespace {

// A set of algorithms, with a bit for each; it has only "none".
constexpr int kOnlyUncompressed = 1 << GRPC_COMPRESS_NONE;

// Returns true if the status came from the server, or from a connection to it that broke under the
// call, and not from gRPC on this side, whose messages contain addresses. Only gRPC's debug text
// tells them apart.
bool IsPeers(const grpc::ClientContext& context) {
  return context.debug_error_string().find("Error received from peer") != std::string::npos;
}

// Returns how a call was lost that had reached its server. gRPC reports a broken connection like an
// answer, so only a server that says so goes on.
RowFault HowLost(const grpc::ClientContext& context) {
  return context.GetServerTrailingMetadata().contains(kGoesOnHeader) ? RowFault::kLostAtServer
                                                                     : RowFault::kLostWithServer;
}

// Returns true if a message was too large, here or at the server. Only gRPC's message tells:
// "message larger than max" is of the C++ library, the other of Java's.
bool IsTooLarge(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         (status.error_message().find("message larger than max") != std::string::npos ||
          status.error_message().find("message exceeds maximum size") != std::string::npos);
}

// Returns the digest of the model that refused the call; "" if the server does not tell a valid one.
std::string RefusedBy(const grpc::ClientContext& context) {
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto found = trailing.find(kDigestHeader);
  if (found == trailing.end() || found->second.size() > kMaxDigestBytes) return "";
  return std::string(found->second.data(), found->second.size());
}

}  // namespace

std::shared_ptr<grpc::Channel> OpenChannel(const GrpcChannelOptions& options) {
  grpc::ChannelArguments arguments;
  if (!options.authority.empty()) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options.authority);
  }
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  // A server that was restarted is found again within a second. gRPC's default grows to two
  // minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Pings find connections that broke silently while calls wait on them.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.keepalive)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // Answers must not be compressed: gRPC inflates an answer as a whole before it checks its size.
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, kOnlyUncompressed);
  return grpc::CreateCustomChannel(options.address, UpstreamCredentials(), arguments);
}

bool IsAway(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

grpc::Status AwayIfCancelled(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return status;
  return {grpc::StatusCode::UNAVAILABLE,
          fmt::format("gave the call up: {}", status.error_message())};
}

absl::Status Explain(const grpc::Status& status, const grpc::ClientContext& context,
                     const std::string& address) {
  absl::Status plain = FromGrpcStatus(status);
  if (status.ok()) return plain;
  if (IsTooLarge(status)) plain = WithRowFault(std::move(plain), RowFault::kTooLargeAnswer);
  const bool is_peers = IsPeers(context);
  // A model's message may contain the caller's data, so the log does not get it.
  if (is_peers && !absl::IsUnavailable(plain)) {
    plain = WithoutPaths(plain, Detail::kDrop);
    if (!absl::IsInvalidArgument(plain)) return plain;
    const std::string digest = RefusedBy(context);
    return digest.empty() ? plain : WithModelDigest(std::move(plain), digest);
  }
  if (is_peers) {
    return WithDetail(
        WithRowFault(absl::UnavailableError("compute: " + WithoutPaths(status.error_message())),
                     HowLost(context)),
        fmt::format("compute at {}", address));
  }
  const std::string detail = fmt::format("compute at {}: {}", address, status.error_message());
  if (absl::IsUnavailable(plain)) {
    return WithDetail(absl::UnavailableError(fmt::format("compute {}", kCannotBeReached)), detail);
  }
  return WithDetail(std::move(plain), detail);
}

}  // namespace souvenir::gateway
