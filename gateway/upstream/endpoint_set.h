#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/gate.h"
#include "common/mutex.h"
#include "gateway/upstream/balanced_call.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/endpoint.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// Several compute services as one: a computation goes to the one that suits it best, and to another
// where that is lost; loading, unloading and statistics concern all.
//
// Owned by the gateway. Thread-safe. Endpoints come and go by SetAddresses(), on whose thread their
// connections are made and closed; calls under way at one that goes are answered before it is
// closed.
class EndpointSet final : public Upstream {
 public:
  using Connect = std::function<std::unique_ptr<UpstreamServer>(const EndpointAddress&)>;

  struct Options {
    std::string setting;  // that has its addresses, for messages
    Balancer::Options balancer;
    // Told of an endpoint that is new, and of one that is about to go, which then may be described
    // no more. On SetAddresses()'s thread, or the destructor's.
    std::function<void(const Endpoint&)> on_added = [](const Endpoint&) {};
    std::function<void(const Endpoint&)> on_removed = [](const Endpoint&) {};
    // An endpoint was ejected; on any thread, must not block.
    std::function<void()> on_ejected = [] {};
  };

  EndpointSet(Options options, const Clock* clock, Connect connect);
  // Waits for the callbacks of all calls; cancel them first. Not on a thread that runs callbacks.
  ~EndpointSet() override;

  // Has the endpoints be those at `addresses`. One thread at a time.
  void SetAddresses(const std::vector<EndpointAddress>& addresses);

  // What an endpoint that the set has says of itself, or why it says nothing.
  void SetDescribed(const Endpoint& endpoint,
                    absl::StatusOr<std::shared_ptr<const EndpointModels>> models);

  std::map<std::string, Balancer::Stats> stats() const { return balancer_.stats(); }

  size_t servers() const override { return std::max<size_t>(balancer_.answering(), 1); }

  std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference, absl::Duration timeout,
                              InferenceDone done) override;

  // The sums over the endpoints that answer; the first error where none does.
  std::shared_ptr<Call> Statistics(std::unique_ptr<inference::ModelStatisticsRequest> request,
                                   absl::Duration timeout,
                                   Done<inference::ModelStatisticsResponse> done) override;

  // Passed on to every endpoint. OK where all of them have done it; else the first error, with who
  // failed and how many did not.
  std::shared_ptr<Call> Load(std::unique_ptr<inference::RepositoryModelLoadRequest> request,
                             absl::Duration timeout,
                             Done<inference::RepositoryModelLoadResponse> done) override;
  std::shared_ptr<Call> Unload(std::unique_ptr<inference::RepositoryModelUnloadRequest> request,
                               absl::Duration timeout,
                               Done<inference::RepositoryModelUnloadResponse> done) override;

 private:
  // Makes a call at every endpoint, by `method`, and gives what all of them said to `merge`.
  template <typename Request, typename Response, typename Method, typename Merge>
  std::shared_ptr<Call> AskAll(Balancer::Which which, std::unique_ptr<Request> request,
                               absl::Duration timeout, Method method, Done<Response> done,
                               Merge merge);

  const Options options_;
  const Clock* const clock_;
  const Connect connect_;
  Balancer balancer_;
  Gate calls_;

  // SetAddresses()'s.
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<std::unique_ptr<Endpoint>> leaving_;  // removed, with calls that have yet to end
};

}  // namespace souvenir::gateway
