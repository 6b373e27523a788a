#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/cancellation.h"
#include "common/unique_fd.h"

namespace souvenir::compute {

// One end of a socket between two processes of this machine. A message is 4 bytes of length, in the
// machine's byte order, and that many bytes.
//
// Moved, not shared; not thread-safe. Signals do not disturb it, and a peer that is gone raises
// none. After an error the stream may have stopped inside a message: close it.
class MessageChannel {
 public:
  static constexpr uint32_t kDefaultLimit = 256u << 20;

  MessageChannel() = default;

  // Messages above `limit` bytes are refused in both directions.
  explicit MessageChannel(UniqueFd fd, uint32_t limit = kDefaultLimit)
      : fd_(std::move(fd)), limit_(limit) {}

  // Creates two connected sockets, which exec closes.
  static absl::StatusOr<std::pair<UniqueFd, UniqueFd>> CreateSockets();

  bool open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void Close() { fd_.Close(); }

  // Makes Send() and Receive() return CANCELLED instead of waiting once `cancellation` is
  // cancelled. Null, the default, means none. It must outlive the channel, or be replaced.
  void set_cancellation(const Cancellation* cancellation) { cancellation_ = cancellation; }

  // Tells the peer that nothing more will come; the peer reads it as the end.
  void FinishSending();

  // Returns true if there is something to read: a message, or the end because the peer has gone.
  bool Readable() const;

  // Returns true if the peer has closed its end, even if there is something left to read.
  bool PeerHasClosed() const;

  // Sends one message, with a copy of the descriptor `pass` unless that is -1. UNAVAILABLE if the
  // peer has gone; DEADLINE_EXCEEDED if it does not take the message within `timeout`;
  // RESOURCE_EXHAUSTED if the message is above the limit.
  absl::Status Send(std::string_view message, absl::Duration timeout, int pass = -1);

  // Returns the next message. If a descriptor comes with it, stores it in `*passed`. UNAVAILABLE if
  // the peer has gone; DEADLINE_EXCEEDED if the message is not complete within `timeout`; DATA_LOSS
  // if its length is above the limit.
  absl::StatusOr<std::string> Receive(absl::Duration timeout, UniqueFd* passed = nullptr);

 private:
  // Waits until the socket is ready for `events`, or closed. DEADLINE_EXCEEDED at `deadline`, a
  // time of the monotonic clock; CANCELLED.
  absl::Status WaitFor(short events, absl::Duration deadline) const;
  absl::Status ReceiveExactly(char* bytes, size_t size, absl::Duration deadline, UniqueFd* passed);

  UniqueFd fd_;
  uint32_t limit_ = kDefaultLimit;
  const Cancellation* cancellation_ = nullptr;
};

}  // namespace souvenir::compute
