#include "compute-service/workers/worker_protocol.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

#include <cstring>

namespace souvenir::compute {
namespace {

struct CommandHeader {
  uint8_t kind;
  uint8_t zero[7];
  uint64_t worker;
};

struct AnswerHeader {
  int64_t compute_ns;
  uint8_t code;  // absl::StatusCode, with the same numbers as gRPC
  uint8_t retire;
  uint8_t zero[6];
};
static_assert(sizeof(CommandHeader) == 16 && sizeof(AnswerHeader) == 16);

constexpr uint8_t kLastCode = static_cast<uint8_t>(absl::StatusCode::kUnauthenticated);

template <typename Header>
std::string WithHeader(const Header& header, std::string_view rest) {
  std::string message;
  message.reserve(sizeof(header) + rest.size());
  message.append(reinterpret_cast<const char*>(&header), sizeof(header));
  message.append(rest);
  return message;
}

absl::Status MakeStatus(uint8_t code, std::string_view message) {
  return {static_cast<absl::StatusCode>(code), {message.data(), message.size()}};
}

std::string_view View(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string EncodeCommand(const HostCommand& command) {
  return WithHeader(CommandHeader{static_cast<uint8_t>(command.kind), {}, command.worker}, {});
}

absl::StatusOr<HostCommand> DecodeCommand(std::string_view message) {
  CommandHeader header;
  if (message.size() != sizeof(header)) {
    return absl::DataLossError(
        fmt::format("a command of {} bytes; {} are expected", message.size(), sizeof(header)));
  }
  std::memcpy(&header, message.data(), sizeof(header));
  const auto kind = static_cast<HostCommand::Kind>(header.kind);
  if (kind != HostCommand::Kind::kFork && kind != HostCommand::Kind::kEnd) {
    return absl::DataLossError(
        fmt::format("a command of kind {}; 1 or 2 is expected", header.kind));
  }
  return HostCommand{kind, header.worker};
}

std::string EncodeReply(const HostReply& reply) {
  std::string message(1, static_cast<char>(reply.status.code()));
  message.append(reply.status.ok() ? std::string_view(reply.text) : View(reply.status.message()));
  return message;
}

absl::StatusOr<HostReply> DecodeReply(std::string_view message) {
  if (message.empty() || static_cast<uint8_t>(message[0]) > kLastCode) {
    return absl::DataLossError(
        fmt::format("{} bytes came, which are not a reply of a host", message.size()));
  }
  HostReply reply;
  const auto code = static_cast<uint8_t>(message[0]);
  if (code == 0) {
    reply.text = message.substr(1);
  } else {
    reply.status = MakeStatus(code, message.substr(1));
  }
  return reply;
}

std::string EncodeRequests(absl::Span<const std::string> requests) {
  size_t size = 0;
  for (const std::string& request : requests) size += kRequestLengthBytes + request.size();
  std::string message;
  message.reserve(size);
  for (const std::string& request : requests) {
    const auto length = static_cast<uint32_t>(request.size());
    message.append(reinterpret_cast<const char*>(&length), sizeof(length));
    message.append(request);
  }
  return message;
}

absl::StatusOr<std::vector<std::string_view>> DecodeRequests(std::string_view message) {
  if (message.empty()) return absl::DataLossError("a message without a request");
  std::vector<std::string_view> requests;
  while (!message.empty()) {
    uint32_t length = 0;
    if (message.size() < sizeof(length)) {
      return absl::DataLossError(
          fmt::format("{} bytes follow the last request of a message", message.size()));
    }
    std::memcpy(&length, message.data(), sizeof(length));
    message.remove_prefix(sizeof(length));
    if (length > message.size()) {
      return absl::DataLossError(
          fmt::format("a request of {} bytes, of which {} came", length, message.size()));
    }
    requests.push_back(message.substr(0, length));
    message.remove_prefix(length);
  }
  return requests;
}

std::string EncodeAnswer(const WorkerAnswer& answer) {
  AnswerHeader header{};
  header.compute_ns = absl::ToInt64Nanoseconds(answer.compute_time);
  header.code = static_cast<uint8_t>(answer.status.code());
  header.retire = answer.retire ? 1 : 0;
  return WithHeader(header, answer.status.ok() ? std::string_view(answer.payload)
                                               : View(answer.status.message()));
}

absl::StatusOr<WorkerAnswer> DecodeAnswer(std::string message) {
  AnswerHeader header{};
  if (message.size() >= sizeof(header)) std::memcpy(&header, message.data(), sizeof(header));
  if (message.size() < sizeof(header) || header.code > kLastCode || header.retire > 1 ||
      header.compute_ns < 0) {
    return absl::DataLossError(
        fmt::format("{} bytes came, which are not an answer of a worker", message.size()));
  }
  message.erase(0, sizeof(header));
  WorkerAnswer answer;
  answer.compute_time = absl::Nanoseconds(header.compute_ns);
  answer.retire = header.retire == 1;
  if (header.code == 0) {
    answer.payload = std::move(message);
  } else {
    answer.status = MakeStatus(header.code, message);
  }
  return answer;
}

std::string DescribeExit(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exit status {}", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  const char* description = sigdescr_np(signal);
  return fmt::format("signal {} ({})", signal, description == nullptr ? "unknown" : description);
}

}  // namespace souvenir::compute
