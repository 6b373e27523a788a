#include "gateway/upstream/balancer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/cut_text.h"
#include "common/status_detail.h"

namespace souvenir::gateway {
namespace {

// The rank of an endpoint for a call; less is better.
enum Rank {
  kHealthy = 0,  // and the model is ready there, with the wanted digest
  kHealthyOtherDigest,
  kHealthyLoading,
  kEjected,
  kEjectedOtherDigest,
  kEjectedLoading,
  kAway,
  kAwayOtherDigest,
  kAwayLoading,
  kHealthyWithoutModel,  // its own answer will say why it cannot serve the model
  kLast,
};

// Limits of the detail when no endpoint is healthy: bytes for each endpoint, and endpoints.
constexpr size_t kMostTroubleBytes = 160;
constexpr size_t kMostTroubles = 4;

// Returns the message for `away` endpoints that do not answer and `ejected` ones that do, but have
// lost their last calls.
std::string NoneHealthyMessage(size_t away, size_t ejected) {
  if (ejected == 0) return fmt::format("none of {} compute services answers", away);
  std::string message =
      fmt::format("none of {} compute services can be asked now: {} lost several calls in a row",
                  away + ejected, ejected);
  if (away > 0) message += fmt::format(", and no answer came from {}", away);
  return message;
}

}  // namespace

std::string_view CallOutcomeName(CallOutcome outcome) {
  constexpr std::array<std::string_view, kCallOutcomes> kNames = {"ok", "failed", "lost",
                                                                  "exhausted", "cancelled"};
  return kNames[static_cast<size_t>(outcome)];
}

CallOutcome CallOutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return CallOutcome::kOk;
    case absl::StatusCode::kUnavailable:
      return CallOutcome::kLost;
    case absl::StatusCode::kResourceExhausted:
      return CallOutcome::kExhausted;
    case absl::StatusCode::kCancelled:
      return CallOutcome::kCancelled;
    default:
      return CallOutcome::kFailed;
  }
}

void Balancer::Add(const Endpoint* endpoint) {
  MutexLock lock(&mutex_);
  members_.push_back(
      {.endpoint = endpoint,
       .losses = Backoff(clock_, options_.ejection),
       .trouble = fmt::format("compute at {} has not answered yet", endpoint->at.address)});
  counted_.try_emplace(endpoint->at.name);
}

void Balancer::Remove(const Endpoint* endpoint) {
  MutexLock lock(&mutex_);
  Member* const member = Find(endpoint);
  member->removed = true;
  DropIfLeft(member);
}

bool Balancer::IsIdle(const Endpoint* endpoint) const {
  MutexLock lock(&mutex_);
  return std::none_of(members_.begin(), members_.end(), [&](const Member& member) {
    return member.endpoint == endpoint && member.outstanding > 0;
  });
}

void Balancer::SetAnswers(const Endpoint* endpoint, std::shared_ptr<const EndpointModels> ready) {
  MutexLock lock(&mutex_);
  Member* const member = Find(endpoint);
  if (!std::exchange(member->answers, true)) member->losses.Succeeded();
  member->ready.swap(ready);  // the old models are destroyed after the lock is released
}

void Balancer::SetAway(const Endpoint* endpoint, const absl::Status& reason) {
  MutexLock lock(&mutex_);
  Member* const member = Find(endpoint);
  member->answers = false;
  member->trouble = Explanation(reason);
}

const Endpoint* Balancer::Begin(const Wanted& wanted) {
  MutexLock lock(&mutex_);
  return Choose(wanted, nullptr, kLast);
}

const Endpoint* Balancer::BeginElsewhere(const Wanted& wanted, const Endpoint* failed) {
  MutexLock lock(&mutex_);
  return Choose(wanted, failed, kHealthyLoading);
}

const Endpoint* Balancer::BeginAt(const Endpoint* endpoint) {
  MutexLock lock(&mutex_);
  Member* const member = Find(endpoint);
  if (member == nullptr || member->removed) return nullptr;
  ++member->outstanding;
  return endpoint;
}

std::vector<const Endpoint*> Balancer::Hold(Which which) {
  MutexLock lock(&mutex_);
  const bool choosy = which == Which::kAnswering &&
                      std::any_of(members_.begin(), members_.end(), [](const Member& member) {
                        return member.answers && !member.removed;
                      });
  std::vector<const Endpoint*> held;
  for (Member& member : members_) {
    if (member.removed || (choosy && !member.answers)) continue;
    ++member.outstanding;
    held.push_back(member.endpoint);
  }
  return held;
}

void Balancer::Release(const Endpoint* endpoint) {
  MutexLock lock(&mutex_);
  Leave(Find(endpoint));
}

void Balancer::Leave(Member* member) {
  --member->outstanding;
  DropIfLeft(member);
}

void Balancer::DropIfLeft(const Member* member) {
  if (!member->removed || member->outstanding > 0) return;
  members_.remove_if([&](const Member& other) { return &other == member; });
}

bool Balancer::End(const Endpoint* endpoint, const absl::Status& status) {
  const CallOutcome outcome = CallOutcomeOf(status);
  MutexLock lock(&mutex_);
  Member* const member = Find(endpoint);
  Stats& counted = counted_[endpoint->at.name];
  ++counted.calls[static_cast<size_t>(outcome)];
  bool ejected = false;
  switch (outcome) {
    case CallOutcome::kOk:
    case CallOutcome::kFailed:
    case CallOutcome::kExhausted:
      // The endpoint is there. A deadline of this side, though, proves nothing about it.
      if (!absl::IsDeadlineExceeded(status)) member->losses.Succeeded();
      break;
    case CallOutcome::kLost:
      ejected = CountLoss(member, status);
      if (ejected) ++counted.ejections;
      break;
    case CallOutcome::kCancelled:
      break;
  }
  Leave(member);
  return ejected;
}

bool Balancer::CountLoss(Member* member, const absl::Status& status) {
  if (HasRowFault(status, RowFault::kLostAtServer)) {
    member->losses.Succeeded();  // the endpoint itself has answered
    return false;
  }
  member->trouble = Explanation(status);
  // Calls that were under way at the ejection are lost with it, and prove nothing more.
  if (member->losses.Remaining() > absl::ZeroDuration()) return false;
  member->losses.Failed();
  return member->losses.Remaining() > absl::ZeroDuration();
}

void Balancer::CountRetry(const Endpoint* endpoint) {
  MutexLock lock(&mutex_);
  ++counted_[endpoint->at.name].retries;
}

std::optional<absl::Status> Balancer::NoneHealthy() const {
  MutexLock lock(&mutex_);
  std::vector<const Member*> all;
  for (const Member& member : members_) {
    if (member.removed) continue;
    if (IsHealthy(member)) return std::nullopt;
    all.push_back(&member);
  }
  if (all.size() < 2) return std::nullopt;
  std::sort(all.begin(), all.end(), [](const Member* a, const Member* b) {
    return a->endpoint->at.address < b->endpoint->at.address;
  });
  const auto ejected = static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [](const Member* member) { return member->answers; }));
  const std::string told = NoneHealthyMessage(all.size() - ejected, ejected);
  std::string detail = told;
  for (size_t i = 0; i < std::min(all.size(), kMostTroubles); ++i) {
    detail += i == 0 ? ": " : "; ";
    detail += CutText(all[i]->trouble, kMostTroubleBytes);
  }
  if (all.size() > kMostTroubles) {
    detail += fmt::format("; and {} more", all.size() - kMostTroubles);
  }
  return WithDetail(absl::UnavailableError(told), detail);
}

size_t Balancer::answering() const {
  MutexLock lock(&mutex_);
  return static_cast<size_t>(
      std::count_if(members_.begin(), members_.end(),
                    [](const Member& member) { return member.answers && !member.removed; }));
}

std::map<std::string, Balancer::Stats> Balancer::stats() const {
  MutexLock lock(&mutex_);
  std::map<std::string, Stats> stats = counted_;
  for (const Member& member : members_) {
    Stats& of_name = stats[member.endpoint->at.name];
    of_name.outstanding += member.outstanding;
    if (member.removed) continue;
    if (member.endpoint->upstream != nullptr) {
      of_name.left_out += member.endpoint->upstream->left_out();
    }
    if (!member.answers) {
      ++of_name.away;
    } else if (member.losses.failures() > options_.ejection.free_failures) {
      ++of_name.ejected;
    } else {
      ++of_name.ready;
    }
  }
  return stats;
}

Balancer::Member* Balancer::Find(const Endpoint* endpoint) {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
    return member.endpoint == endpoint;
  });
  return found == members_.end() ? nullptr : &*found;
}

bool Balancer::IsHealthy(const Member& member) const {
  if (!member.answers || member.losses.Remaining() > absl::ZeroDuration()) return false;
  // After the pause a single call tests whether the endpoint works again.
  return member.losses.failures() <= options_.ejection.free_failures || member.outstanding == 0;
}

int Balancer::Rank(const Member& member, const Wanted& wanted) const {
  const EndpointModels::Match match =
      member.ready != nullptr ? member.ready->Find(wanted) : EndpointModels::Match::kNo;
  const bool healthy = IsHealthy(member);
  const int same = healthy ? kHealthy : member.answers ? kEjected : kAway;
  switch (match) {
    case EndpointModels::Match::kSame:
      return same;
    case EndpointModels::Match::kOtherDigest:
      return same + 1;
    case EndpointModels::Match::kLoading:
      return same + 2;
    case EndpointModels::Match::kNo:
      break;
  }
  return healthy ? kHealthyWithoutModel : kLast;
}

const Endpoint* Balancer::Choose(const Wanted& wanted, const Endpoint* not_this, int worst_rank) {
  auto best = members_.end();
  int best_rank = worst_rank;
  for (auto member = members_.begin(); member != members_.end(); ++member) {
    if (member->removed || member->endpoint == not_this) continue;
    const int rank = Rank(*member, wanted);
    if (rank > best_rank) continue;
    if (best != members_.end() && rank == best_rank && member->outstanding >= best->outstanding) {
      continue;
    }
    best = member;
    best_rank = rank;
  }
  if (best == members_.end()) return nullptr;
  ++best->outstanding;
  // The endpoint chosen last moves to the end, so that equals take turns.
  members_.splice(members_.end(), members_, best);
  return best->endpoint;
}

}  // namespace souvenir::gateway
