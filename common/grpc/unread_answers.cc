#include "common/grpc/unread_answers.h"

namespace souvenir {
namespace {

// An answer takes about as much beside its bytes.
constexpr uint64_t kOverheadBytes = 256;

}  // namespace

UnreadAnswers::Answer UnreadAnswers::Add(uint64_t bytes, GiveUp give_up) {
  Entries added;
  added.push_back({bytes + kOverheadBytes, std::move(give_up)});
  const Entries::iterator entry = added.begin();
  std::vector<GiveUp> given_up;
  {
    MutexLock lock(&mutex_);
    bytes_ += entry->bytes;
    while (bytes_ > limit_bytes_ && !unread_.empty()) {
      const Entries::iterator oldest = unread_.begin();
      bytes_ -= oldest->bytes;
      ++given_up_;
      given_up.push_back(std::exchange(oldest->give_up, nullptr));
      being_ended_.splice(being_ended_.end(), unread_, oldest);
    }
    unread_.splice(unread_.end(), added);
  }
  for (const GiveUp& end : given_up) end();
  return Answer(this, entry);
}

void UnreadAnswers::Remove(Entries::iterator entry) {
  Entries removed;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  if (entry->give_up == nullptr) {
    removed.splice(removed.end(), being_ended_, entry);
  } else {
    bytes_ -= entry->bytes;
    removed.splice(removed.end(), unread_, entry);
  }
}

uint64_t UnreadAnswers::bytes() const {
  MutexLock lock(&mutex_);
  return bytes_;
}

uint64_t UnreadAnswers::given_up() const {
  MutexLock lock(&mutex_);
  return given_up_;
}

}  // namespace souvenir
