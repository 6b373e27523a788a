#include "gateway/upstream/endpoint_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status_detail.h"
#include "gateway/upstream/call_group.h"
#include "gateway/upstream/statistics_sum.h"

namespace souvenir::gateway {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the gateway is stopping"); }

// Returns a call that ended before it was made.
std::shared_ptr<Upstream::Call> Ended() { return std::make_shared<CallGroup>(); }

// The answer of each endpoint.
template <typename Response>
struct Answers {
  std::vector<std::string> addresses;
  std::vector<absl::StatusOr<std::unique_ptr<Response>>> answers;  // in the order of `addresses`
};

// Merges the answers of a request that succeeds only if every endpoint succeeds.
template <typename Response>
absl::StatusOr<std::unique_ptr<Response>> AllOf(Answers<Response> all) {
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
  if (first.ok()) return std::move(all.answers.front());
  if (all.answers.size() == 1) return first;
  return WithDetail(
      absl::Status(first.code(), fmt::format("{} of {} compute services have done it{}", succeeded,
                                             all.answers.size(), failures)),
      detail);
}

absl::StatusOr<std::unique_ptr<inference::ModelStatisticsResponse>> SumOf(
    Answers<inference::ModelStatisticsResponse> all) {
  std::unique_ptr<inference::ModelStatisticsResponse> sum;
  for (const auto& answer : all.answers) {
    if (!answer.ok()) continue;
    if (sum == nullptr) sum = std::make_unique<inference::ModelStatisticsResponse>();
    AddStatistics(**answer, sum.get());
  }
  if (sum == nullptr) return all.answers.front().status();
  return sum;
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

template <typename Request, typename Response, typename Method, typename Merge>
std::shared_ptr<Upstream::Call> EndpointSet::AskAll(Balancer::Which which,
                                                    std::unique_ptr<Request> request,
                                                    absl::Duration timeout, Method method,
                                                    Done<Response> done, Merge merge) {
  std::optional<Gate::Pass> pass = calls_.Enter();
  if (!pass) {
    std::move(done)(Stopping());
    return Ended();
  }
  const std::vector<const Endpoint*> endpoints = balancer_.Hold(which);
  if (endpoints.empty()) {
    std::move(done)(
        absl::UnavailableError(fmt::format("no address is known yet for {}", options_.setting)));
    return Ended();
  }
  struct Gathering {
    explicit Gathering(Gate::Pass pass) : pass(std::move(pass)) {}
    Gate::Pass pass;
    Done<Response> done;
    Mutex mutex;
    size_t left ABSL_GUARDED_BY(mutex) = 0;
    Answers<Response> all;  // each is written by one callback; all are read after the last one
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
    Done<Response> answered = [this, gathering, i, merge, endpoint = endpoints[i]](
                                  absl::StatusOr<std::unique_ptr<Response>> answer) mutable {
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
      Done<Response> done = std::move(mine->done);
      std::move(done)(merge(std::move(mine->all)));
    };
    calls->Add((endpoints[i]->upstream.get()->*method)(std::make_unique<Request>(*request), timeout,
                                                       std::move(answered)));
  }
  return calls;
}

std::shared_ptr<Upstream::Call> EndpointSet::Statistics(
    std::unique_ptr<inference::ModelStatisticsRequest> request, absl::Duration timeout,
    Done<inference::ModelStatisticsResponse> done) {
  return AskAll(Balancer::Which::kAnswering, std::move(request), timeout, &Upstream::Statistics,
                std::move(done), SumOf);
}

std::shared_ptr<Upstream::Call> EndpointSet::Load(
    std::unique_ptr<inference::RepositoryModelLoadRequest> request, absl::Duration timeout,
    Done<inference::RepositoryModelLoadResponse> done) {
  return AskAll(Balancer::Which::kAll, std::move(request), timeout, &Upstream::Load,
                std::move(done), AllOf<inference::RepositoryModelLoadResponse>);
}

std::shared_ptr<Upstream::Call> EndpointSet::Unload(
    std::unique_ptr<inference::RepositoryModelUnloadRequest> request, absl::Duration timeout,
    Done<inference::RepositoryModelUnloadResponse> done) {
  return AskAll(Balancer::Which::kAll, std::move(request), timeout, &Upstream::Unload,
                std::move(done), AllOf<inference::RepositoryModelUnloadResponse>);
}

}  // namespace souvenir::gateway
