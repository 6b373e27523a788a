#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace souvenir::gateway {

// The kinds of work that must not hold up one another. Each has limits of its own.
enum class Lane : uint8_t {
  kText,           // translations and calls of the Open Inference Protocol
  kTranscription,  // recordings to text
  kSynthesis,      // text to recordings
  kSpeech,         // recordings to recordings in other languages
  kTasks,          // steps of jobs
};
inline constexpr size_t kLanes = 5;

// Returns the name for metrics and messages: "text", "transcription", "synthesis", "speech",
// "tasks".
std::string_view LaneName(Lane lane);

// Marks `status`, an error, as a refusal by the gateway itself for want of room: no server has
// refused the work, and it has room when other work ends. SaysNoRoom() tells whether it is marked.
absl::Status WithNoRoom(absl::Status status);
bool SaysNoRoom(const absl::Status& status);

// Counts what is under way in each lane, and holds it to its limits.
//
// Owned by the resolver; outlives the requests and the rows. Thread-safe.
class Lanes {
  struct Counters;

 public:
  struct Limits {
    uint64_t max_requests = UINT64_MAX;  // under way; at least 1
    uint64_t max_rows = UINT64_MAX;      // rows that wait to be computed
    // Bytes of the inputs of such rows; and apart from that, bytes that requests hold.
    uint64_t max_bytes = UINT64_MAX;
  };
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    // By Lane. Calls for text are limited by the connections and flights, which they share with
    // nothing else. Steps of jobs are limited in number by their scheduler.
    std::array<Limits, kLanes> limits = {
        Limits{.max_bytes = 256u << 20},
        Limits{.max_requests = 64, .max_rows = 16'384, .max_bytes = 256u << 20},
        Limits{.max_requests = 256, .max_rows = 16'384, .max_bytes = 128u << 20},
        Limits{.max_requests = 32, .max_rows = 16'384, .max_bytes = 256u << 20},
        Limits{.max_rows = 16'384, .max_bytes = 256u << 20}};

    Limits& of(Lane lane) { return limits[static_cast<size_t>(lane)]; }
    const Limits& of(Lane lane) const { return limits[static_cast<size_t>(lane)]; }
  };

  // A request in a lane. Leaves it when it is destroyed.
  class Request {
   public:
    Request(Request&& other) noexcept
        : counters_(std::exchange(other.counters_, nullptr)), held_(other.held_.load()) {}
    Request& operator=(Request&&) = delete;
    ~Request();

    // Notes that the request holds `bytes` more. RESOURCE_EXHAUSTED if the lane has no room for
    // them; they then do not count. Thread-safe.
    absl::Status Hold(uint64_t bytes);
    // Notes that it has let go of as many bytes. Thread-safe.
    void Drop(uint64_t bytes);

   private:
    friend class Lanes;
    explicit Request(Counters* counters) : counters_(counters) {}

    Counters* counters_;  // null if it was moved
    std::atomic<uint64_t> held_{0};
  };

  // A row that waits to be computed, or for a computation that another row began. Leaves its lane
  // when it is destroyed.
  class Row {
   public:
    Row(Row&& other) noexcept
        : counters_(std::exchange(other.counters_, nullptr)),
          rows_(other.rows_),
          bytes_(other.bytes_) {}
    Row& operator=(Row&&) = delete;
    ~Row();

   private:
    friend class Lanes;
    Row(Counters* counters, uint64_t rows, uint64_t bytes);

    Counters* counters_;   // null if it was moved
    const uint64_t rows_;  // 1, or 0 if another row is computed for it
    const uint64_t bytes_;
  };

  // Figures of one lane.
  struct Stats {
    Lane lane;
    uint64_t requests = 0;    // under way; of kText only those that Enter() has counted
    uint64_t held_bytes = 0;  // held by them
    uint64_t rows = 0;        // wait to be computed
    uint64_t row_bytes = 0;   // size of their inputs, and of those of rows that wait for them
    uint64_t refused = 0;     // requests and rows that found no room
  };

  explicit Lanes(const Options& options);
  ~Lanes();

  // Enters a lane with a request that holds `bytes`. RESOURCE_EXHAUSTED, with the limit, if the
  // lane is full.
  absl::StatusOr<Request> Enter(Lane lane, uint64_t bytes);

  // Counts a row with inputs of `bytes`.
  Row Wait(Lane lane, uint64_t bytes) { return Row(&of(lane), 1, bytes); }
  // Counts the inputs, of `bytes`, of a row that waits for the computation of another one.
  Row Join(Lane lane, uint64_t bytes) { return Row(&of(lane), 0, bytes); }
  // Returns RESOURCE_EXHAUSTED, with the limit, and counts `rows` as refused if more rows wait in
  // the lane than may.
  absl::Status CheckRoom(Lane lane, size_t rows);
  // Same as above, for a row that waits for another one: only bytes count.
  absl::Status CheckRoomToJoin(Lane lane);

  // Returns the number of rows that wait to be computed.
  uint64_t waiting(Lane lane) const;

  std::vector<Stats> stats() const;

 private:
  Counters& of(Lane lane) const;

  const std::unique_ptr<Counters[]> counters_;
};

}  // namespace souvenir::gateway
