#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace souvenir::compute {

// The messages between the service and its worker programs, sent over a MessageChannel. Both ends
// are built together, so the format has no version.

// The number of the descriptor for a worker program's control channel.
inline constexpr int kControlFd = 3;

// A message from the service to a host.
struct HostCommand {
  enum class Kind : uint8_t {
    kFork = 1,  // make a worker; the message carries the socket that it serves
    kEnd = 2,   // kill the worker, unless it has ended, and answer how it ended
  };
  Kind kind;
  uint64_t worker;  // a number that the service never reuses
};

std::string EncodeCommand(const HostCommand& command);
absl::StatusOr<HostCommand> DecodeCommand(std::string_view message);

// A message from a host to the service: one when loading is over, then one for each command.
struct HostReply {
  absl::Status status;
  std::string text;  // for kEnd: how the worker ended, such as "exit status 1"
};

std::string EncodeReply(const HostReply& reply);
absl::StatusOr<HostReply> DecodeReply(std::string_view message);

// A message from the service to a worker is a sequence of requests, each 4 bytes of length, in the
// machine's byte order, and that many bytes. The worker serves them in order, and sends an answer
// to each as soon as it has it. After an answer with an error or `retire` it drops the rest.

inline constexpr size_t kRequestLengthBytes = sizeof(uint32_t);

// Encodes requests. REQUIRES: there is at least one, and each is below 4 GiB.
std::string EncodeRequests(absl::Span<const std::string> requests);

// Returns views of the requests in `message`; at least one. DATA_LOSS if the lengths do not fit the
// message.
absl::StatusOr<std::vector<std::string_view>> DecodeRequests(std::string_view message);

// A message from a worker to the service, one for each request.
struct WorkerAnswer {
  absl::Status status;
  std::string payload;          // if the status is OK
  absl::Duration compute_time;  // spent on the request inside the worker
  bool retire = false;          // the worker must not be used again
};

std::string EncodeAnswer(const WorkerAnswer& answer);
absl::StatusOr<WorkerAnswer> DecodeAnswer(std::string message);

// Returns "exit status 3" or "signal 11 (Segmentation fault)" for a status of waitpid().
std::string DescribeExit(int wait_status);

}  // namespace souvenir::compute
