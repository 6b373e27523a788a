#include "compute-service/workers/message_channel.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/clock.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

// Memory for a message is allocated in such steps as its bytes arrive, so that a wrong length from
// a broken peer costs nothing.
constexpr size_t kReceiveStep = 1 << 20;

absl::Status Gone() { return absl::UnavailableError("the peer has closed the connection"); }

absl::Status SocketError(const char* call) {
  if (errno == EPIPE || errno == ECONNRESET) return Gone();
  return absl::InternalError(fmt::format("{}: {}", call, std::generic_category().message(errno)));
}

absl::Duration DeadlineAfter(absl::Duration timeout) {
  return timeout == absl::InfiniteDuration() ? timeout : Clock::System()->Monotonic() + timeout;
}

}  // namespace

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MessageChannel::CreateSockets() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return SocketError("socketpair");
  }
  return std::make_pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

void MessageChannel::FinishSending() {
  if (open()) (void)shutdown(fd(), SHUT_WR);
}

bool MessageChannel::Readable() const {
  pollfd waited{fd(), POLLIN, 0};
  return poll(&waited, 1, 0) != 0;
}

bool MessageChannel::PeerHasClosed() const {
  pollfd waited{fd(), POLLRDHUP, 0};
  return poll(&waited, 1, 0) > 0;
}

absl::Status MessageChannel::WaitFor(short events, absl::Duration deadline) const {
  while (true) {
    int milliseconds = -1;
    if (deadline != absl::InfiniteDuration()) {
      const absl::Duration left = deadline - Clock::System()->Monotonic();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError("the peer did not answer in time");
      }
      // Rounded up, so that the last part of a millisecond is slept instead of spun.
      milliseconds =
          static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 1'000'000));
    }
    pollfd waited[] = {{fd(), events, 0},
                       {cancellation_ == nullptr ? -1 : cancellation_->fd(), POLLIN, 0}};
    const int ready = poll(waited, 2, milliseconds);
    if (cancellation_ != nullptr && cancellation_->cancelled()) {
      return absl::CancelledError("the wait for the peer was cancelled");
    }
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SocketError("poll");
  }
}

absl::Status MessageChannel::Send(std::string_view message, absl::Duration timeout, int pass) {
  if (message.size() > limit_) {
    return absl::ResourceExhaustedError(
        fmt::format("a message of {} bytes is above the limit of {}", message.size(), limit_));
  }
  const absl::Duration deadline = DeadlineAfter(timeout);
  auto length = static_cast<uint32_t>(message.size());
  iovec parts[2] = {{&length, sizeof(length)}, {const_cast<char*>(message.data()), message.size()}};
  msghdr header{};
  header.msg_iov = parts;
  header.msg_iovlen = 2;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (pass >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &pass, sizeof(int));
  }
  size_t left = sizeof(length) + message.size();
  while (left > 0) {
    const ssize_t sent = sendmsg(fd(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return SocketError("sendmsg");
      SOUVENIR_RETURN_IF_ERROR(WaitFor(POLLOUT, deadline));
      continue;
    }
    left -= static_cast<size_t>(sent);
    // The first bytes have carried the descriptor.
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    auto done = static_cast<size_t>(sent);
    for (iovec& part : parts) {
      const size_t taken = std::min(done, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + taken;
      part.iov_len -= taken;
      done -= taken;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MessageChannel::Receive(absl::Duration timeout, UniqueFd* passed) {
  const absl::Duration deadline = DeadlineAfter(timeout);
  uint32_t length;
  SOUVENIR_RETURN_IF_ERROR(
      ReceiveExactly(reinterpret_cast<char*>(&length), sizeof(length), deadline, passed));
  if (length > limit_) {
    return absl::DataLossError(
        fmt::format("a message of {} bytes is announced; at most {} are expected", length, limit_));
  }
  std::string message;
  while (message.size() < length) {
    const size_t begin = message.size();
    const size_t step = std::min<size_t>(length - begin, kReceiveStep);
    message.resize(begin + step);
    SOUVENIR_RETURN_IF_ERROR(ReceiveExactly(message.data() + begin, step, deadline, nullptr));
  }
  return message;
}

absl::Status MessageChannel::ReceiveExactly(char* bytes, size_t size, absl::Duration deadline,
                                            UniqueFd* passed) {
  while (size > 0) {
    iovec part{bytes, size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    const ssize_t received = recvmsg(fd(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return SocketError("recvmsg");
      SOUVENIR_RETURN_IF_ERROR(WaitFor(POLLIN, deadline));
      continue;
    }
    if (received == 0) return Gone();
    for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr;
         rights = CMSG_NXTHDR(&header, rights)) {
      if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
      int fd;
      std::memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
      UniqueFd owned(fd);  // closed here if the caller does not take it
      if (passed != nullptr) *passed = std::move(owned);
    }
    bytes += received;
    size -= static_cast<size_t>(received);
  }
  return absl::OkStatus();
}

}  // namespace souvenir::compute
