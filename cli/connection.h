#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// A channel to one server, for one command. Owned by that command; not thread-safe.
class Connection {
 public:
  struct Options {
    std::string address;                         // "host:port"
    std::string flag = "--server";               // by which it is changed; named in the error
    absl::Duration timeout = absl::Seconds(30);  // of each call; above 0
  };

  // `clock` measures calls and outlives the connection.
  Connection(Options options, const Clock* clock);

  // Makes one blocking call; `call` gets a context with the deadline set. The first one connects
  // before, so that the time of a call is that of the call alone: kUnreachable, with a hint how to
  // start a server, where nothing that speaks gRPC is there within the timeout or 5 s.
  Outcome Call(const std::function<grpc::Status(grpc::ClientContext*)>& call);

  // How long the last Call() took, without connecting.
  absl::Duration elapsed() const { return elapsed_; }

  // For the stubs.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  Outcome Connect();
  Outcome Unreachable(std::string_view reason) const;

  const Options options_;
  const Clock* const clock_;
  const std::shared_ptr<grpc::Channel> channel_;
  bool connected_ = false;
  absl::Duration elapsed_;
};

}  // namespace souvenir::cli
