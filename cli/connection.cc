#include "cli/connection.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/peer_diagnosis.h"
#include "common/grpc/caller.h"
#include "common/grpc/credentials.h"
#include "common/grpc/status.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::cli {
namespace {

constexpr absl::Duration kConnectLimit = absl::Seconds(5);
constexpr absl::Duration kNameLimit = absl::Seconds(1);  // of asking a server for its name
// gRPC's timers may run ahead of the clock by this much.
constexpr auto kDeadlineSlack = std::chrono::milliseconds(10);
constexpr int kMaxMessageBytes = 64 << 20;  // four times the servers' default

// Returns true if only a server of ours has the service. Others may end connections on which pings
// come more often than every five minutes.
bool IsOurs(std::string_view service) { return service.starts_with("souvenir."); }

std::shared_ptr<grpc::Channel> CreateChannel(const Connection::Options& options,
                                             std::string_view service) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.keepalive)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.ping_timeout)));
  // Otherwise gRPC sends two pings at most until there is data to send, as any server allows.
  if (IsOurs(service)) arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // gRPC would inflate an answer before it checks the limit.
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
  return grpc::CreateCustomChannel(options.address, UpstreamCredentials(), arguments);
}

// Returns true if the server does not have the method, by the words of gRPC's servers in C++, Go,
// Java, Python and Rust. Our own methods use other words if they do not support something.
bool IsUnknownMethod(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNIMPLEMENTED) return false;
  const std::string& message = status.error_message();
  for (const std::string_view words : {"unknown service", "unknown method", "ethod not found"}) {
    if (message.find(words) != std::string::npos) return true;
  }
  return message.empty();
}

// Returns true for an HTTP/2 server without gRPC. gRPC's client makes this status from its answer.
bool IsPlainHttp(const grpc::Status& status) {
  return status.error_message().find("http2 header with status") != std::string::npos;
}

// Returns true if the server has not answered a ping. gRPC's client makes this status, and may tell
// the call before the channel.
bool FellSilent(const grpc::Status& status) {
  return status.error_message() == "keepalive watchdog timeout";
}

// Returns "souvenir-compute 0.1.0", or an empty text if the server does not tell its name. Any
// server of the Open Inference Protocol can tell it.
std::string AskName(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(DeadlineIn(kNameLimit));
  inference::ServerMetadataResponse server;
  const auto stub = inference::GRPCInferenceService::NewStub(channel);
  if (!stub->ServerMetadata(&context, {}, &server).ok() || server.name().empty()) return "";
  return fmt::format("{} {}", server.name(), server.version());
}

}  // namespace

Connection::Connection(Options options, std::string service, const Clock* clock)
    : options_(std::move(options)),
      service_(std::move(service)),
      clock_(clock),
      channel_(CreateChannel(options_, service_)) {}

Outcome Connection::Unreachable(bool gave_up) const {
  const absl::Duration limit = std::min(options_.timeout, kTellingSilence);
  const std::optional<Diagnosis> found = DiagnosePeer(options_.address, limit);
  // With more time, a connection might have come about.
  if (!found && gave_up && options_.timeout < kConnectLimit) return TooLate();
  const Diagnosis diagnosis = found.value_or(Diagnosis{"no connection comes about", ""});
  std::vector<std::string> hints = AddressHints();
  if (!diagnosis.advice.empty()) hints.insert(hints.begin(), diagnosis.advice);
  return {ExitCode::kUnreachable,
          fmt::format("no server at {}: {}", options_.address, diagnosis.reason), std::move(hints)};
}

Outcome Connection::WithoutService() const {
  const std::string name = AskName(channel_);
  return {ExitCode::kFailed,
          fmt::format("the server at {} has no {}{}", options_.address, service_,
                      name.empty() ? "" : "; it is " + name),
          AddressHints()};
}

Outcome Connection::TooLate() const {
  return {ExitCode::kDeadline,
          fmt::format("no answer came from {} within --timeout {}", options_.address,
                      absl::FormatDuration(options_.timeout)),
          {"A longer --timeout lets it take more time; 24h is the longest."}};
}

std::vector<std::string> Connection::AddressHints() const {
  std::vector<std::string> hints;
  if (!options_.derivation.empty()) {
    hints.push_back(fmt::format("{} was not given: {}.", options_.address, options_.derivation));
  }
  hints.push_back(fmt::format("{} is named with {} HOST:PORT.", options_.port_name, options_.flag));
  return hints;
}

Outcome Connection::Connect() {
  if (options_.address.empty()) {
    return Outcome::Usage(
        fmt::format("{} does not follow from the server's address; name it with {} HOST:PORT",
                    options_.port_name, options_.flag));
  }
  const auto deadline = DeadlineIn(std::min(options_.timeout, kConnectLimit));
  for (;;) {
    const grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) break;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) {
      return Unreachable(/*gave_up=*/false);
    }
    if (!channel_->WaitForStateChange(state, deadline)) return Unreachable(/*gave_up=*/true);
  }
  connected_ = true;
  return {};
}

Outcome Connection::Call(const std::function<grpc::Status(grpc::ClientContext*)>& call) {
  if (!connected_) {
    if (Outcome outcome = Connect(); !outcome.ok()) return outcome;
  }
  grpc::ClientContext context;
  const std::chrono::system_clock::time_point deadline = DeadlineIn(options_.timeout);
  context.set_deadline(deadline);
  const absl::Duration start = clock_->Monotonic();
  const grpc::Status status = call(&context);
  const bool late = std::chrono::system_clock::now() + kDeadlineSlack >= deadline;
  elapsed_ = clock_->Monotonic() - start;
  if (IsUnknownMethod(status)) return WithoutService();
  if (IsPlainHttp(status)) {
    return {ExitCode::kUnreachable,
            fmt::format("no server at {}: what answers there speaks HTTP/2 and no gRPC ({})",
                        options_.address, status.error_message()),
            AddressHints()};
  }
  // An UNAVAILABLE that the server sent leaves the connection as it is.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      (channel_->GetState(/*try_to_connect=*/false) != GRPC_CHANNEL_READY || FellSilent(status))) {
    return {ExitCode::kUnreachable, fmt::format("the connection to {} broke: {}", options_.address,
                                                status.error_message())};
  }
  // Before the deadline, a server sends this code for a limit of a model.
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && late) {
    return TooLate();
  }
  return OutcomeOf(FromGrpcStatus(status));
}

}  // namespace souvenir::cli
