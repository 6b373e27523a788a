#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// A channel to one service of one server, for one command. Owned by that command; not thread-safe.
class Connection {
 public:
  struct Options {
    std::string address;                         // "host:port"
    std::string flag = "--server";               // by which it is changed; named in the error
    std::string port_name;                       // what the flag names: "a gateway's public port"
    std::string derivation;                      // whence the address, if nobody gave it
    absl::Duration timeout = absl::Seconds(30);  // of each call; above 0
  };

  // `service` is the full name of the one that is called, for messages. `clock` measures calls and
  // outlives the connection.
  Connection(Options options, std::string service, const Clock* clock);

  // Makes one blocking call; `call` gets a context with the deadline set. The first one connects
  // before, so that the time of a call is that of the call alone: kUnreachable where nothing that
  // speaks gRPC is there within the timeout or 5 s, with the reason and a hint (see
  // peer_diagnosis.h). A server without the service is kFailed, and named.
  Outcome Call(const std::function<grpc::Status(grpc::ClientContext*)>& call);

  // How long the last Call() took, without connecting.
  absl::Duration elapsed() const { return elapsed_; }

  // For the stubs.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  Outcome Connect();
  Outcome Unreachable() const;
  Outcome WithoutService() const;
  Outcome TooLate() const;
  // The last lines of a message about the address: how it came about, and how to give another.
  std::string AddressHint() const;

  const Options options_;
  const std::string service_;
  const Clock* const clock_;
  const std::shared_ptr<grpc::Channel> channel_;
  bool connected_ = false;
  absl::Duration elapsed_;
};

}  // namespace souvenir::cli
