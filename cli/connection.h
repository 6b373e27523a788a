#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// A channel to one service of one server, for one command. Owned by that command; not thread-safe.
class Connection {
 public:
  struct Options {
    std::string address;                         // "host:port"
    std::string flag = "--server";               // sets the address; errors name it
    std::string port_name;                       // for errors: "A gateway's public port"
    std::string derivation;                      // tells how the address was derived, if it was
    absl::Duration timeout = absl::Seconds(30);  // of each call; above 0
    // During a call, a server that is silent for this time gets a ping. If the answer does not come
    // within `ping_timeout`, the connection is given up. Keeps the way through a NAT open, too.
    absl::Duration keepalive = absl::Seconds(30);
    absl::Duration ping_timeout = absl::Seconds(20);
  };

  // `service` is the full name of the called service, for messages. `clock` measures calls. It must
  // outlive the connection.
  Connection(Options options, std::string service, const Clock* clock);

  // Makes one blocking call. `call` gets a context with the deadline set. The first call connects
  // before its time begins to count. kUnreachable if no server of gRPC is there within the timeout,
  // at most 5 s, with the reason and a hint (see peer_diagnosis.h). kDeadline if no answer came
  // within the timeout, or if it was too short to connect and to find a reason. kFailed for an
  // error of the server; one without the service is named.
  Outcome Call(const std::function<grpc::Status(grpc::ClientContext*)>& call);

  // Returns the time that the last Call() took, without connecting.
  absl::Duration elapsed() const { return elapsed_; }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  Outcome Connect();
  // `gave_up`: the time to connect has passed; otherwise the attempt has failed.
  Outcome Unreachable(bool gave_up) const;
  Outcome WithoutService() const;
  Outcome TooLate() const;
  // Returns hints for a message about the address: its derivation and its flag.
  std::vector<std::string> AddressHints() const;

  const Options options_;
  const std::string service_;
  const Clock* const clock_;
  const std::shared_ptr<grpc::Channel> channel_;
  bool connected_ = false;
  absl::Duration elapsed_;
};

}  // namespace souvenir::cli
