#include "gateway/upstream/endpoint_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status_detail.h"
#include "gateway/upstream/call_group.h"

namespace souvenir::gateway {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the gateway is stopping"); }

// Returns a call that ended before it was made.
std::shared_ptr<Upstream::Call> Ended() { return std::make_shared<CallGroup>(); }

// The answers of endpoints. A single server answers with one response.
struct Answers {
  std::vector<std::string> addresses;
  std::vector<absl::StatusOr<std::vector<std::string>>> answers;  // in the order of `addresses`

  std::vector<std::string> Responses() const {
    std::vector<std::string> responses;
    for (const auto& answer : answers) {
      if (answer.ok()) responses.insert(responses.end(), answer->begin(), answer->end());
    }
    return responses;
  }
};

// Returns the responses of an operation that needs one endpoint to succeed, or the first error.
absl::StatusOr<std::vector<std::string>> AnyOf(const Answers& all) {
  std::vector<std::string> responses = all.Responses();
  if (responses.empty()) return all.answers.front().status();
  return responses;
}

// Returns the responses of an operation that needs every endpoint to succeed, or what has failed.
absl::StatusOr<std::vector<std::string>> AllOf(const Answers& all) {
  absl::Status first;
  std::string failures;
  std::string detail;
  size_t succeeded = 0;
  for (size_t i = 0; i < all.answers.size(); ++i) {
    const absl::Status status = all.answers[i].status();
    if (status.ok()) {
      ++succeeded;
      continue;
    }
    if (first.ok()) first = status;
    failures += fmt::format("; {}", std::string(status.message()));
    detail +=
        fmt::format("{}{}: {}", detail.empty() ? "" : "; ", all.addresses[i], Explanation(status));
  }
  if (first.ok()) return all.Responses();
  if (all.answers.size() == 1) return first;
  return WithDetail(
      absl::Status(first.code(), fmt::format("{} of {} compute services have done it{}", succeeded,
                                             all.answers.size(), failures)),
      detail);
}

}  // namespace

EndpointSet::EndpointSet(Options options, const Clock* clock, Connect connect)
    : options_(std::move(options)),
      clock_(clock),
      connect_(std::move(connect)),
      balancer_(clock, options_.balancer) {}

EndpointSet::~EndpointSet() {
  calls_.Close();
  calls_.WaitUntilEmpty();
  for (const auto& endpoint : endpoints_) options_.on_removed(*endpoint);
}

void EndpointSet::SetAddresses(const std::vector<EndpointAddress>& addresses) {
  const auto stays = [&](const std::unique_ptr<Endpoint>& endpoint) {
    return std::any_of(addresses.begin(), addresses.end(), [&](const EndpointAddress& at) {
      return at.address == endpoint->at.address && at.name == endpoint->at.name;
    });
  };
  const auto gone = std::stable_partition(endpoints_.begin(), endpoints_.end(), stays);
  for (auto at = gone; at != endpoints_.end(); ++at) {
    options_.on_removed(**at);
    balancer_.Remove(at->get());
    leaving_.push_back(std::move(*at));
  }
  endpoints_.erase(gone, endpoints_.end());
  for (const EndpointAddress& at : addresses) {
    const bool known = std::any_of(endpoints_.begin(), endpoints_.end(), [&](const auto& endpoint) {
      return endpoint->at.address == at.address && endpoint->at.name == at.name;
    });
    if (known) continue;
    endpoints_.push_back(std::make_unique<Endpoint>(Endpoint{at, connect_(at)}));
    balancer_.Add(endpoints_.back().get());
    options_.on_added(*endpoints_.back());
  }
  std::erase_if(leaving_, [&](const auto& endpoint) { return balancer_.IsIdle(endpoint.get()); });
}

void EndpointSet::SetDescribed(const Endpoint& endpoint,
                               absl::StatusOr<std::shared_ptr<const EndpointModels>> models) {
  if (models.ok()) {
    balancer_.SetAnswers(&endpoint, *std::move(models));
  } else {
    balancer_.SetAway(&endpoint, models.status());
  }
}

std::shared_ptr<Upstream::Call> EndpointSet::Infer(std::shared_ptr<const Inference> inference,
                                                   absl::Duration timeout, InferenceDone done) {
  std::optional<Gate::Pass> pass = calls_.Enter();
  if (!pass) {
    std::move(done)(Stopping());
    return Ended();
  }
  const BalancedCall::Owner owner = {clock_, &balancer_, &options_.on_ejected};
  auto call = std::make_shared<BalancedCall>(owner, *std::move(pass), std::move(inference), timeout,
                                             std::move(done));
  call->Start();
  return call;
}

std::shared_ptr<Upstream::Call> EndpointSet::PassOn(Operation operation, const std::string& request,
                                                    absl::Duration timeout, PassedOnDone done) {
  const bool any = operation == Operation::kStatistics;
  std::optional<Gate::Pass> pass = calls_.Enter();
  if (!pass) {
    std::move(done)(Stopping());
    return Ended();
  }
  const std::vector<const Endpoint*> endpoints =
      balancer_.Hold(any ? Balancer::Which::kAnswering : Balancer::Which::kAll);
  if (endpoints.empty()) {
    std::move(done)(
        absl::UnavailableError(fmt::format("no address is known yet for {}", options_.setting)));
    return Ended();
  }
  struct Gathering {
    explicit Gathering(Gate::Pass pass) : pass(std::move(pass)) {}
    Gate::Pass pass;
    PassedOnDone done;
    Mutex mutex;
    size_t left ABSL_GUARDED_BY(mutex) = 0;
    Answers all;  // each is written by one callback; all are read after the last one
  };
  const auto gathering = std::make_shared<Gathering>(*std::move(pass));
  gathering->done = std::move(done);
  for (const Endpoint* endpoint : endpoints) {
    gathering->all.addresses.push_back(endpoint->at.address);
    gathering->all.answers.emplace_back(absl::UnknownError("not answered"));
  }
  {
    MutexLock lock(&gathering->mutex);
    gathering->left = endpoints.size();
  }
  const auto calls = std::make_shared<CallGroup>();
  for (size_t i = 0; i < endpoints.size(); ++i) {
    PassedOnDone answered = [this, gathering, i, any, endpoint = endpoints[i]](
                                absl::StatusOr<std::vector<std::string>> answer) mutable {
      gathering->all.answers[i] = std::move(answer);
      balancer_.Release(endpoint);
      // The endpoint may keep this callback for a while. So the callback gives up its share, and
      // the gathering with its pass is destroyed with the last answer.
      const std::shared_ptr<Gathering> mine = std::move(gathering);
      {
        MutexLock lock(&mine->mutex);
        if (--mine->left > 0) return;
      }
      const Gate::Pass leaves = std::move(mine->pass);
      PassedOnDone done = std::move(mine->done);
      std::move(done)(any ? AnyOf(mine->all) : AllOf(mine->all));
    };
    calls->Add(endpoints[i]->upstream->PassOn(operation, request, timeout, std::move(answered)));
  }
  return calls;
}

}  // namespace souvenir::gateway
