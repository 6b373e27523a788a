#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace souvenir::compute {

// What the service and its worker programs say to each other, as messages of a MessageChannel. Both
// ends are built together, so the format has no version.

// The descriptor under which a worker program finds its control channel.
inline constexpr int kControlFd = 3;

// From the service to a host.
struct HostCommand {
  enum class Kind : uint8_t {
    kFork = 1,  // make a worker; the socket it is to serve comes with the message
    kEnd = 2,   // kill the worker, unless it has ended, and answer how it ended
  };
  Kind kind;
  uint64_t worker;  // a number that the service gives out, once each
};

std::string EncodeCommand(const HostCommand& command);
absl::StatusOr<HostCommand> DecodeCommand(std::string_view message);

// From a host to the service: once when loading is over, then in answer to each command.
struct HostReply {
  absl::Status status;
  std::string text;  // of kEnd, how the worker ended: "exit status 1"
};

std::string EncodeReply(const HostReply& reply);
absl::StatusOr<HostReply> DecodeReply(std::string_view message);

// From a worker to the service, one for each request.
struct WorkerAnswer {
  absl::Status status;
  std::string payload;          // where the status is OK
  absl::Duration compute_time;  // spent on the request inside the worker
  bool retire = false;          // the worker is not to be used again
};

std::string EncodeAnswer(const WorkerAnswer& answer);
absl::StatusOr<WorkerAnswer> DecodeAnswer(std::string message);

// "exit status 3" or "signal 11 (Segmentation fault)", of what waitpid() reported.
std::string DescribeExit(int wait_status);

}  // namespace souvenir::compute
