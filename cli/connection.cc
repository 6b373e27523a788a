#include "cli/connection.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/grpc/status.h"

namespace souvenir::cli {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(5);
constexpr int kMaxMessageBytes = 64 << 20;  // the servers' default

std::chrono::system_clock::time_point DeadlineIn(absl::Duration duration) {
  return std::chrono::system_clock::now() + absl::ToChronoMicroseconds(duration);
}

std::shared_ptr<grpc::Channel> CreateChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Connection::Connection(Options options, const Clock* clock)
    : options_(std::move(options)), clock_(clock), channel_(CreateChannel(options_.address)) {}

Outcome Connection::Unreachable(std::string_view reason) const {
  return {ExitCode::kUnreachable,
          fmt::format("no server at {}: {}\n"
                      "Start one with scripts/serve (or scripts/quickstart for a tour), or name "
                      "another with {} HOST:PORT.",
                      options_.address, reason, options_.flag)};
}

Outcome Connection::Connect() {
  const auto deadline = DeadlineIn(std::min(options_.timeout, kConnectLimit));
  for (;;) {
    const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) break;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) {
      return Unreachable("the connection was refused or broke");
    }
    if (!channel_->WaitForStateChange(state, deadline)) {
      return Unreachable("nothing that speaks gRPC answered in time");
    }
  }
  connected_ = true;
  return {};
}

Outcome Connection::Call(const std::function<grpc::Status(grpc::ClientContext*)>& call) {
  if (!connected_) {
    if (Outcome outcome = Connect(); !outcome.ok()) return outcome;
  }
  grpc::ClientContext context;
  context.set_deadline(DeadlineIn(options_.timeout));
  const absl::Duration start = clock_->Monotonic();
  const grpc::Status status = call(&context);
  elapsed_ = clock_->Monotonic() - start;
  // The server's own UNAVAILABLE leaves the connection as it is.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      channel_->GetState(/*try_to_connect=*/false) != GRPC_CHANNEL_READY) {
    return Unreachable(status.error_message());
  }
  return OutcomeOf(FromGrpcStatus(status));
}

}  // namespace souvenir::cli
