#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"

namespace souvenir::gateway {

// The budget of deserted work: calls of compute that nobody waits for any more, and that go on,
// because their answers will be remembered. Without it a client whose timeout is shorter than its
// model would have the same computed for ever.
//
// Owned by the resolver. Thread-safe.
class DesertedWork {
 public:
  struct Options {
    uint32_t max_calls = 32;           // of one model; 0: whatever is deserted is given up at once
    uint64_t max_bytes = 64ull << 20;  // of the requests that are kept for them; 0 as above
  };

  // What became of a call that was deserted.
  enum class End {
    kAnswered,  // its answer, or refusal, came
    kFailed,
    kWanted,   // somebody waits for it again
    kGivenUp,  // there was no room for it, or its answer would not have been kept
  };
  static constexpr size_t kEnds = 4;
  // "answered", "failed", "wanted", "given_up"
  static std::string_view EndName(End end);

  struct Stats {
    uint64_t calls = 0;  // under way
    uint64_t bytes = 0;
    std::array<uint64_t, kEnds> ended{};
  };

  explicit DesertedWork(const Options& options) : options_(options) {}

  // A request, whose memory the calls made for it keep.
  struct Request {
    const void* id;
    uint64_t bytes;
  };

  // A call of compute. It may be made for several requests, and a request may lead to several
  // calls.
  struct Call {
    const void* id;
    std::vector<Request> requests;  // each once
    std::string model;
    std::function<void()> give_up;  // cancels it; does nothing once it is gone
  };

  // Takes the call in; false, and counted as given up, where there is no room. REQUIRES: it is not
  // in.
  bool Add(Call call);
  // Takes out a call that is in.
  void Remove(const void* id, End end);
  // Counts a call that was never in.
  void CountGivenUp();

  // Has every call given up, and takes no more in.
  void Close();

  Stats stats() const;

 private:
  bool HasRoom(const Call& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable Mutex mutex_;
  absl::flat_hash_map<const void*, Call> calls_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<const void*, uint32_t> calls_of_request_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, uint32_t> calls_of_model_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace souvenir::gateway
