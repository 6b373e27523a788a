#include "gateway/resolve/lanes.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

constexpr absl::string_view kNoRoom = "souvenir.no_room";

// Adds `more` to `count` unless the sum would be above `most`.
bool AddWithin(std::atomic<uint64_t>* count, uint64_t more, uint64_t most) {
  uint64_t now = count->load(std::memory_order_relaxed);
  do {
    if (more > most || now > most - more) return false;
  } while (!count->compare_exchange_weak(now, now + more, std::memory_order_relaxed));
  return true;
}

}  // namespace

std::string_view LaneName(Lane lane) {
  switch (lane) {
    case Lane::kText:
      return "text";
    case Lane::kTranscription:
      return "transcription";
    case Lane::kSynthesis:
      return "synthesis";
    case Lane::kSpeech:
      return "speech";
    case Lane::kTasks:
      return "tasks";
  }
  return "";
}

absl::Status WithNoRoom(absl::Status status) {
  status.SetPayload(kNoRoom, absl::Cord());
  return status;
}

bool SaysNoRoom(const absl::Status& status) { return status.GetPayload(kNoRoom).has_value(); }

// Lanes are used by different threads, so each has cache lines of its own.
struct alignas(64) Lanes::Counters {
  absl::Status Full(uint64_t now, uint64_t most, std::string_view what) const {
    return WithNoRoom(absl::ResourceExhaustedError(
        fmt::format("{} {} are under way for {}, and the limit is {}; try again later", now, what,
                    LaneName(lane), most)));
  }

  absl::Status HoldMore(uint64_t bytes) {
    if (AddWithin(&held_bytes, bytes, limits.max_bytes)) return absl::OkStatus();
    refused.fetch_add(1, std::memory_order_relaxed);
    return WithNoRoom(absl::ResourceExhaustedError(fmt::format(
        "the requests for {} hold {} bytes, {} more came, and the limit is {}; try again later, or "
        "send less",
        LaneName(lane), held_bytes.load(std::memory_order_relaxed), bytes, limits.max_bytes)));
  }

  absl::Status CheckRowBytes(size_t coming) {
    const uint64_t bytes = row_bytes.load(std::memory_order_relaxed);
    if (bytes <= limits.max_bytes) return absl::OkStatus();
    refused.fetch_add(coming, std::memory_order_relaxed);
    return WithNoRoom(absl::ResourceExhaustedError(
        fmt::format("{} bytes of requests for {} wait to be computed, and the limit is {}", bytes,
                    LaneName(lane), limits.max_bytes)));
  }

  Lane lane = Lane::kText;
  Limits limits;
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> held_bytes{0};
  std::atomic<uint64_t> rows{0};
  std::atomic<uint64_t> row_bytes{0};
  std::atomic<uint64_t> refused{0};
};

Lanes::Request::~Request() {
  if (counters_ == nullptr) return;
  counters_->held_bytes.fetch_sub(held_, std::memory_order_relaxed);
  counters_->requests.fetch_sub(1, std::memory_order_relaxed);
}

absl::Status Lanes::Request::Hold(uint64_t bytes) {
  const absl::Status held = counters_->HoldMore(bytes);
  if (held.ok()) held_ += bytes;
  return held;
}

void Lanes::Request::Drop(uint64_t bytes) {
  held_ -= bytes;
  counters_->held_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

Lanes::Row::Row(Counters* counters, uint64_t rows, uint64_t bytes)
    : counters_(counters), rows_(rows), bytes_(bytes) {
  counters_->rows.fetch_add(rows_, std::memory_order_relaxed);
  counters_->row_bytes.fetch_add(bytes_, std::memory_order_relaxed);
}

Lanes::Row::~Row() {
  if (counters_ == nullptr) return;
  counters_->rows.fetch_sub(rows_, std::memory_order_relaxed);
  counters_->row_bytes.fetch_sub(bytes_, std::memory_order_relaxed);
}

Lanes::Lanes(const Options& options) : counters_(new Counters[kLanes]) {
  for (size_t i = 0; i < kLanes; ++i) {
    counters_[i].lane = static_cast<Lane>(i);
    counters_[i].limits = options.limits[i];
  }
}

Lanes::~Lanes() = default;

Lanes::Counters& Lanes::of(Lane lane) const { return counters_[static_cast<size_t>(lane)]; }

absl::StatusOr<Lanes::Request> Lanes::Enter(Lane lane, uint64_t bytes) {
  Counters& counters = of(lane);
  if (!AddWithin(&counters.requests, 1, counters.limits.max_requests)) {
    counters.refused.fetch_add(1, std::memory_order_relaxed);
    return counters.Full(counters.requests.load(std::memory_order_relaxed),
                         counters.limits.max_requests, "requests");
  }
  Request request(&counters);
  const absl::Status held = request.Hold(bytes);
  if (!held.ok()) return held;
  return request;
}

absl::Status Lanes::CheckRoom(Lane lane, size_t rows) {
  Counters& counters = of(lane);
  SOUVENIR_RETURN_IF_ERROR(counters.CheckRowBytes(rows));
  const uint64_t waiting = counters.rows.load(std::memory_order_relaxed);
  if (waiting <= counters.limits.max_rows) return absl::OkStatus();
  counters.refused.fetch_add(rows, std::memory_order_relaxed);
  return counters.Full(waiting, counters.limits.max_rows, "rows");
}

absl::Status Lanes::CheckRoomToJoin(Lane lane) { return of(lane).CheckRowBytes(1); }

uint64_t Lanes::waiting(Lane lane) const { return of(lane).rows.load(std::memory_order_relaxed); }

std::vector<Lanes::Stats> Lanes::stats() const {
  std::vector<Stats> stats;
  for (size_t i = 0; i < kLanes; ++i) {
    const Counters& counters = counters_[i];
    stats.push_back({.lane = counters.lane,
                     .requests = counters.requests.load(std::memory_order_relaxed),
                     .held_bytes = counters.held_bytes.load(std::memory_order_relaxed),
                     .rows = counters.rows.load(std::memory_order_relaxed),
                     .row_bytes = counters.row_bytes.load(std::memory_order_relaxed),
                     .refused = counters.refused.load(std::memory_order_relaxed)});
  }
  return stats;
}

}  // namespace souvenir::gateway
