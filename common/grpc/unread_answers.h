#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <utility>
#include <vector>

#include "common/mutex.h"

namespace souvenir {

// Bounds the bytes of answers that their clients have not read. gRPC keeps an answer until the
// client's flow control has let it out, however long that takes, and charges it to no quota. Above
// the limit the answers that have waited longest are given up: a client that reads is done long
// before. So a client that does not read cannot use up the room of others.
//
// Owned by the service, which outlives its calls. Thread-safe.
class UnreadAnswers {
 public:
  // Bytes up to which the one answer of a call need not be added: its call takes more.
  static constexpr uint64_t kSmallBytes = 4096;

  // Ends the call of an answer, outside every lock, on the thread that adds another answer. It may
  // be called after the answer was read, or the call has ended, and then does nothing.
  using GiveUp = std::function<void()>;

  class Answer;

  explicit UnreadAnswers(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  UnreadAnswers(const UnreadAnswers&) = delete;
  UnreadAnswers& operator=(const UnreadAnswers&) = delete;

  // Adds an answer of `bytes`. Above the limit, gives up the oldest answers, but not this one.
  [[nodiscard]] Answer Add(uint64_t bytes, GiveUp give_up);

  uint64_t bytes() const;     // of the answers that are unread and not given up
  uint64_t given_up() const;  // answers

 private:
  struct Entry {
    uint64_t bytes;
    GiveUp give_up;  // null once it is given up
  };
  using Entries = std::list<Entry>;

  void Remove(Entries::iterator entry);

  const uint64_t limit_bytes_;

  mutable Mutex mutex_;
  Entries unread_ ABSL_GUARDED_BY(mutex_);       // the oldest first
  Entries being_ended_ ABSL_GUARDED_BY(mutex_);  // given up; their calls have not ended
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t given_up_ ABSL_GUARDED_BY(mutex_) = 0;
};

// An answer that counts as unread until this is destroyed. Move-only.
class UnreadAnswers::Answer {
 public:
  Answer() = default;
  Answer(Answer&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), entry_(other.entry_) {}
  Answer& operator=(Answer&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Answer() {
    if (owner_ != nullptr) owner_->Remove(entry_);
  }

 private:
  friend class UnreadAnswers;
  Answer(UnreadAnswers* owner, Entries::iterator entry) : owner_(owner), entry_(entry) {}

  UnreadAnswers* owner_ = nullptr;  // null if it counts nothing
  Entries::iterator entry_;
};

}  // namespace souvenir
