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

// One end of a socket between two processes of this machine, carrying messages: 4 bytes of length,
// in the machine's order, then so many bytes.
//
// Moved, not shared; not thread-safe. Signals do not disturb it and a peer that is gone raises
// none. After an error the stream may have stopped inside a message: close it.
class MessageChannel {
 public:
  static constexpr uint32_t kDefaultLimit = 256u << 20;

  MessageChannel() = default;

  // Messages above `limit` bytes are refused in both directions.
  explicit MessageChannel(UniqueFd fd, uint32_t limit = kDefaultLimit)
      : fd_(std::move(fd)), limit_(limit) {}

  // Two connected sockets, closed by exec.
  static absl::StatusOr<std::pair<UniqueFd, UniqueFd>> CreateSockets();

  bool open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void Close() { fd_.Close(); }

  // Has Send() and Receive() return CANCELLED in place of waiting once `cancellation` is cancelled;
  // null, as at first: they wait as long as they may. It must outlive the channel, or be replaced.
  void set_cancellation(const Cancellation* cancellation) { cancellation_ = cancellation; }

  // Tells the peer that nothing more will come, which it reads as the end.
  void FinishSending();

  // Whether something is there to read: a message, or the news that the peer has gone.
  bool Readable() const;

  // Returns true if the peer has closed its end, even if there is something left to read.
  bool PeerHasClosed() const;

  // Sends one message, and a copy of the descriptor `pass` with it unless that is -1. UNAVAILABLE
  // when the peer has gone; DEADLINE_EXCEEDED when it did not take the message within `timeout`;
  // RESOURCE_EXHAUSTED when the message is above the limit.
  absl::Status Send(std::string_view message, absl::Duration timeout, int pass = -1);

  // The next message, with the descriptor that came along, if any, put into `*passed`. UNAVAILABLE
  // when the peer has gone; DEADLINE_EXCEEDED when the message was not complete within `timeout`;
  // DATA_LOSS when what came announces a message above the limit.
  absl::StatusOr<std::string> Receive(absl::Duration timeout, UniqueFd* passed = nullptr);

 private:
  // Waits until the socket is ready for `events`, or closed. DEADLINE_EXCEEDED at `deadline`, which
  // is a moment of the monotonic clock; CANCELLED.
  absl::Status WaitFor(short events, absl::Duration deadline) const;
  absl::Status ReceiveExactly(char* bytes, size_t size, absl::Duration deadline, UniqueFd* passed);

  UniqueFd fd_;
  uint32_t limit_ = kDefaultLimit;
  const Cancellation* cancellation_ = nullptr;
};

}  // namespace souvenir::compute
