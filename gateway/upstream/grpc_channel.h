#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace grpc {
class Channel;
}

namespace souvenir::gateway {

// The connection of the gateway to one server, and the errors of its calls. All functions are
// thread-safe, and none blocks.

struct GrpcChannelOptions {
  std::string address;                   // "host:port"
  std::string authority;                 // name of the server in requests; "" means `address`
  size_t max_message_bytes = 16u << 20;  // of one request or answer
  // A server that is silent for this time, while a call waits for it, gets a keepalive ping.
  absl::Duration keepalive = absl::Seconds(30);
};

// Returns a channel, which connects when it is used and reconnects by itself.
std::shared_ptr<grpc::Channel> OpenChannel(const GrpcChannelOptions& options);

// Returns true if the status says that the server has gone, or is too slow to tell.
bool IsAway(const grpc::Status& status);

// Returns UNAVAILABLE for CANCELLED, for a call that this side did not cancel: a server that stops
// cancels its calls under way.
grpc::Status AwayIfCancelled(const grpc::Status& status);

// Returns the error of a failed call as a caller may see it. Addresses are only in the detail.
absl::Status Explain(const grpc::Status& status, const grpc::ClientContext& context,
                     const std::string& address);

}  // namespace souvenir::gateway
