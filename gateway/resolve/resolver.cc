#include "gateway/resolve/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "common/error_kind.h"
#include "gateway/resolve/lookup.h"

namespace souvenir::gateway {
namespace {

// Most bytes to hash on the calling thread: 64 KB take about 30 µs with SHA extensions and 80 µs
// without.
constexpr size_t kInlineHashBytes = 64u << 10;

CacheKind CacheKindOf(cache::FlightSource source) {
  switch (source) {
    case cache::FlightSource::kMemory:
      return CacheKind::kMemory;
    case cache::FlightSource::kDisk:
      return CacheKind::kDisk;
    case cache::FlightSource::kShared:
      return CacheKind::kShared;
    case cache::FlightSource::kUpstream:
      break;
  }
  return CacheKind::kMiss;
}

absl::Status Unloaded(const CatalogModel& model) {
  return absl::UnavailableError(fmt::format(
      "model '{0}' is unloaded; `souvenir models load {0}` loads it again", model.name()));
}

}  // namespace

Resolver::Resolver(const Options& options, const Parts& parts)
    : options_(options),
      parts_(parts),
      flights_(options.flights, &parts.cache->epochs()),
      deserted_(options.deserted),
      lanes_(options.lanes),
      memory_lookup_(parts.cache),
      disk_lookup_(parts.cache, parts.disk_executor),
      context_({.clock = parts.clock,
                .cache = parts.cache,
                .tiers = {&memory_lookup_, &disk_lookup_},
                .flights = &flights_,
                .upstream = parts.upstream,
                .catalog = parts.catalog,
                .deserted = &deserted_,
                .call_timeout = options.call_timeout}),
      upstream_(options.upstream, &context_) {}

Resolver::~Resolver() {
  pending_rows_.Close();
  pending_rows_.WaitUntilEmpty();
}

void Resolver::Resolve(const ResolveCallPtr& call) {
  const bool is_empty = call->questions.empty();  // the call may be gone after Begin()
  call->Begin();
  if (is_empty) return;

  size_t bytes = 0;
  for (const Question& question : call->questions) bytes += BytesOf(question);
  if (bytes <= kInlineHashBytes) return LookUp(call);
  Task task = [this, call] { LookUp(call); };
  Executor* const executor =
      parts_.hash_executor != nullptr ? parts_.hash_executor : parts_.disk_executor;
  if (executor->TrySubmit(task)) return;
  for (size_t i = 0; i < call->questions.size(); ++i) {
    Answer answer;
    answer.status = WithNoRoom(absl::ResourceExhaustedError(
        "too many large requests wait to be looked up; try again later"));
    Finish(*call, i, std::move(answer));
  }
}

void Resolver::LookUp(const ResolveCallPtr& call) {
  const bool bypass = call->options.cache.skip_lookup();
  std::vector<size_t> open;
  ResolveCall::AtHand at_hand(call.get());
  for (size_t i = 0; i < call->questions.size(); ++i) {
    const Question& question = call->questions[i];
    if (question.target->model().unloaded) {
      Answer answer;
      answer.status = Unloaded(question.target->model());
      at_hand.Give(i, std::move(answer));
      continue;
    }
    const cache::Fingerprint key = question.target->FingerprintOf(question.inputs);
    call->SetKey(i, key);
    if (bypass || !question.target->model().cached) {
      open.push_back(i);
      continue;
    }
    cache::EntryPtr entry = parts_.cache->LookupMemory(key);
    const Freshness freshness = call->JudgeFound(i, entry.get(), *parts_.clock);
    if (freshness > Freshness::kStale) {
      open.push_back(i);
      continue;
    }
    at_hand.Give(i, AnswerFrom(call, i, std::move(entry), freshness, CacheKind::kMemory));
  }
  at_hand.Deliver();
  if (open.empty()) return;  // the call may be gone
  call->options.trace.Begin();
  Compute(call, open);
  WaitForDeadline(call);
}

void Resolver::WaitForDeadline(const ResolveCallPtr& call) {
  if (call->options.deadline == absl::InfiniteDuration() || call->is_answered()) return;
  const TimerQueue::Id timer =
      parts_.timers->Schedule(call->options.deadline, [this, weak = std::weak_ptr(call)] {
        const ResolveCallPtr call = weak.lock();
        if (call == nullptr) return;
        Cancel(call,
               absl::DeadlineExceededError("the request's deadline passed before its answer came"));
      });
  call->SetTimer(timer, parts_.timers);
}

void Resolver::Compute(const ResolveCallPtr& call, const std::vector<size_t>& open) {
  std::map<const Target*, PendingRows> began;
  for (const size_t i : open) {
    const cache::FlightPtr flight = TakeOff(call, i, /*alone=*/false);
    if (flight == nullptr) continue;
    PendingRowPtr row = MakeRow(call, i, flight);
    if (row != nullptr) began[row->target().get()].push_back(std::move(row));
  }
  for (auto& [target, rows] : began) {
    const bool looks_up = target->model().cached && !call->options.cache.skip_lookup();
    Fly(std::move(rows), looks_up ? First::kLookUp : First::kCompute);
  }
}

PendingRowPtr Resolver::MakeRow(const ResolveCallPtr& call, size_t question,
                                const cache::FlightPtr& flight) {
  std::optional<Gate::Pass> pass = pending_rows_.Enter();
  if (pass) {
    return std::make_shared<PendingRow>(*std::move(pass), call, question, flight, &lanes_);
  }
  flights_.Land(flight, {absl::UnavailableError("the gateway is stopping"), nullptr,
                         cache::FlightSource::kUpstream});
  return nullptr;
}

void Resolver::Fly(PendingRows rows, First first) {
  const absl::Status refused = lanes_.CheckRoom(rows.front()->call()->options.lane, rows.size());
  if (!refused.ok()) {
    for (const PendingRowPtr& row : rows) row->Fail(&flights_, refused);
    return;
  }
  const auto compute = [this](PendingRows left) {
    if (left.empty()) return;
    if (!left.front()->call()->options.cache.only_if_cached) return upstream_.Ask(std::move(left));
    for (const PendingRowPtr& row : left) {
      row->Fail(&flights_, absl::FailedPreconditionError(
                               "no answer is cached, and only-if-cached forbids computing one"));
    }
  };
  switch (first) {
    case First::kLookUp:
      return Lookup::Start(&context_, std::move(rows), compute);
    case First::kCompute:
      return compute(std::move(rows));
  }
}

Answer Resolver::AnswerFrom(const ResolveCallPtr& call, size_t question, cache::EntryPtr entry,
                            Freshness freshness, CacheKind kind) {
  const bool refresh = freshness == Freshness::kStale || IsDueEarly(*call, question, *entry);
  Answer answer;
  answer.key = call->key(question);
  answer.kind = freshness != Freshness::kFresh ? CacheKind::kStale
                : entry->is_error()            ? CacheKind::kNegative
                                               : kind;
  answer.status = entry->status();
  if (answer.status.ok()) answer.entry = std::move(entry);
  // Begun before the caller gets the answer: the caller may then end the call, which owns the
  // inputs.
  if (refresh) Refresh(call, question);
  return answer;
}

bool Resolver::IsDueEarly(const ResolveCall& call, size_t question,
                          const cache::Entry& entry) const {
  const FreshnessPolicy& policy = call.questions[question].target->model().freshness;
  if (policy.stale_while_revalidate == absl::ZeroDuration() ||
      Lifetime(entry, policy) == absl::InfiniteDuration()) {
    return false;
  }
  return gateway::IsDueEarly(entry, policy, parts_.clock->Now(), options_.uniform());
}

void Resolver::Refresh(const ResolveCallPtr& call, size_t question) {
  if (call->options.cache.only_if_cached) return;
  const Target& target = *call->questions[question].target;
  const cache::Fingerprint key = call->key(question);
  if (!refreshes_.MayTry(key, parts_.clock->Monotonic())) return;
  const std::optional<cache::FlightTable::Joined> begun = flights_.BeginIfNone(
      key, StampFor(*call, target, key), [this, key](const cache::FlightResult& result) {
        if (!result.status.ok()) refreshes_.Failed(key, parts_.clock->Monotonic());
      });
  if (!begun) return;
  call->options.trace.Begin();
  if (PendingRowPtr row = MakeRow(call, question, begun->flight)) {
    Fly({std::move(row)}, First::kCompute);
  }
}

cache::EpochStamp Resolver::StampFor(const ResolveCall& call, const Target& target,
                                     const cache::Fingerprint& key) const {
  cache::EpochStamp stamp = target.Stamp(parts_.cache->epochs(), key);
  for (const std::string& tag : call.options.tags) {
    parts_.cache->epochs().Stamp({cache::EpochTable::Tag(tag)}, &stamp);
  }
  return stamp;
}

cache::FlightPtr Resolver::TakeOff(const ResolveCallPtr& call, size_t question, bool alone) {
  const Target& target = *call->questions[question].target;
  const cache::Fingerprint key = call->key(question);
  const CacheDirectives& directives = call->options.cache;
  alone = alone || !target.model().cached || directives.skip_lookup() || directives.only_if_cached;

  // Only the result of joining tells whether the flight began with this question, and the waiter is
  // made before.
  struct Ticket {
    bool first;
    std::optional<Lanes::Row> in_lane;  // of a question that waits for another one's flight
  };
  const auto ticket = std::make_shared<Ticket>(Ticket{alone, std::nullopt});
  absl::StatusOr<cache::FlightTable::Joined> joined = call->Sit(question, [&] {
    cache::EpochStamp stamp = StampFor(*call, target, key);
    cache::FlightTable::Waiter waiter = [this, call, question,
                                         ticket](const cache::FlightResult& result) {
      OnLanded(call, question, ticket->first, result);
    };
    absl::StatusOr<cache::FlightTable::Joined> joined =
        alone ? flights_.FlyAlone(key, std::move(stamp), std::move(waiter))
              : flights_.Join(key, std::move(stamp), std::move(waiter));
    if (joined.ok()) ticket->first = joined->started;
    return joined;
  });
  if (!joined.ok()) {
    Answer refused;
    refused.status = absl::IsResourceExhausted(joined.status()) ? WithNoRoom(joined.status())
                                                                : joined.status();
    refused.key = key;
    Finish(*call, question, std::move(refused));
    return nullptr;
  }
  if (joined->started) return joined->flight;
  if (joined->on_waiting) joined->on_waiting();
  // The call keeps its own inputs, however many questions wait for the same answer.
  ticket->in_lane.emplace(lanes_.Join(call->options.lane, BytesOf(call->questions[question])));
  const absl::Status room = lanes_.CheckRoomToJoin(call->options.lane);
  if (!room.ok() && flights_.Leave(joined->flight, joined->waiter)) {
    Answer refused;
    refused.status = room;
    refused.key = key;
    refused.kind = CacheKind::kCoalesced;
    Finish(*call, question, std::move(refused));
  }
  return nullptr;
}

void Resolver::OnLanded(const ResolveCallPtr& call, size_t question, bool first,
                        const cache::FlightResult& result) {
  const Target& target = *call->questions[question].target;
  const bool looks_up = target.model().cached && !call->options.cache.skip_lookup();
  Freshness freshness = call->Judge(question, result.entry.get(), *parts_.clock);
  // A just computed answer is never too old for the caller that had it computed.
  if (first && result.source == cache::FlightSource::kUpstream && result.status.ok()) {
    freshness = Freshness::kFresh;
  }
  if (!result.status.ok() && looks_up && freshness != Freshness::kTooOld &&
      KindOf(result.status.code()).is_transient) {
    return FinishFrom(call, question, result.entry, Freshness::kIfError, CacheKind::kStale);
  }
  if (!first && result.status.ok() && freshness > Freshness::kStale) {
    // Another caller's flight found an answer that is too old for this caller.
    if (const cache::FlightPtr flight = TakeOff(call, question, /*alone=*/true)) {
      if (PendingRowPtr row = MakeRow(call, question, flight)) {
        Fly({std::move(row)}, looks_up ? First::kLookUp : First::kCompute);
      }
    }
    return;
  }
  const CacheKind kind = !first      ? CacheKind::kCoalesced
                         : !looks_up ? CacheKind::kBypass
                                     : CacheKindOf(result.source);
  if (result.status.ok()) return FinishFrom(call, question, result.entry, freshness, kind);
  Answer answer;
  answer.status = result.status;
  answer.key = call->key(question);
  answer.kind = kind;
  Finish(*call, question, std::move(answer));
}

void Resolver::Cancel(const ResolveCallPtr& call, const absl::Status& reason) {
  for (const ResolveCall::Seat& seat : call->Leave(reason)) {
    // If it is too late to leave, the answer is on its way and is delivered.
    if (!flights_.Leave(seat.flight, seat.waiter)) continue;
    Answer answer;
    answer.status = reason;
    answer.key = seat.flight->key();
    const bool looks_up =
        call->questions[seat.question].target->model().cached && !call->options.cache.skip_lookup();
    if (!looks_up) answer.kind = CacheKind::kBypass;
    Finish(*call, seat.question, std::move(answer));
  }
}

}  // namespace souvenir::gateway
