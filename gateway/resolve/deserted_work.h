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

// The budget of deserted work: of calls to compute that nobody waits for any more, but that go on
// because their answers will be cached. Without it a client whose timeout is shorter than its model
// would have the same answer computed again and again.
//
// Owned by the resolver. Thread-safe.
class DesertedWork {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    uint32_t max_calls = 32;           // for one model; 0: deserted calls are cancelled at once
    uint64_t max_bytes = 64ull << 20;  // of the requests that these calls keep; 0 as above
  };

  // The end of a deserted call.
  enum class End {
    kAnswered,  // its answer, or its refusal, came
    kFailed,
    kWanted,   // somebody waits for it again
    kGivenUp,  // there was no room for it, or its answer would not have been cached
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

  // A request, which stays in memory as long as calls are made for it.
  struct Request {
    const void* id;
    uint64_t bytes;
  };

  // A call to compute. Several requests may share a call, and a request may need several calls.
  struct Call {
    const void* id;
    std::vector<Request> requests;  // without duplicates
    std::string model;
    std::function<void()> give_up;  // cancels the call; does nothing once it is gone
  };

  // Adds the call. Returns false, and counts the call as given up, if there is no room. REQUIRES:
  // the call is not in the budget.
  bool Add(Call call);
  // Removes a call, and counts how it ended. Does nothing if the call is not in the budget.
  void Remove(const void* id, End end);
  // Counts a call that was given up without having been in the budget.
  void CountGivenUp();

  // Cancels every call, and refuses new ones from now on.
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
