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

// Several compute services that act as one. A computation goes to the service that suits it best,
// and to another if that one loses it. Load, unload and statistics go to all.
//
// Owned by the gateway. Thread-safe. SetAddresses() adds and removes endpoints; its thread opens
// and closes their connections. A removed endpoint is closed once its calls under way have been
// answered.
class EndpointSet final : public Upstream {
 public:
  using Connect = std::function<std::unique_ptr<UpstreamServer>(const EndpointAddress&)>;

  // Every value is valid.
  struct Options {
    std::string setting;  // name of the setting that has the addresses, for messages
    Balancer::Options balancer;
    // Called for a new endpoint, and for one that is about to be removed. After on_removed() has
    // returned, the endpoint must not be passed to SetDescribed(). On the thread of SetAddresses()
    // or of the destructor.
    std::function<void(const Endpoint&)> on_added = [](const Endpoint&) {};
    std::function<void(const Endpoint&)> on_removed = [](const Endpoint&) {};
    // Called when an endpoint was ejected; on any thread, must not block.
    std::function<void()> on_ejected = [] {};
  };

  EndpointSet(Options options, const Clock* clock, Connect connect);
  // Waits for the callbacks of all calls; cancel these first. Must not run on a thread that runs
  // callbacks.
  ~EndpointSet() override;

  // Makes `addresses` the addresses of the set. Called by one thread at a time.
  void SetAddresses(const std::vector<EndpointAddress>& addresses);

  // Sets the models of an endpoint of this set, or the reason why it does not answer.
  void SetDescribed(const Endpoint& endpoint,
                    absl::StatusOr<std::shared_ptr<const EndpointModels>> models);

  std::map<std::string, Balancer::Stats> stats() const { return balancer_.stats(); }

  size_t servers() const override { return std::max<size_t>(balancer_.answering(), 1); }

  std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference, absl::Duration timeout,
                              InferenceDone done) override;

  // Statistics are asked of the endpoints that answer: the call fails, with the first error, only
  // if all of them fail. Load and unload go to every endpoint, and succeed if all of them do.
  // Otherwise the error has the code of the first one, the number of endpoints that succeeded, and
  // all messages; the detail has the addresses.
  std::shared_ptr<Call> PassOn(Operation operation, const std::string& request,
                               absl::Duration timeout, PassedOnDone done) override;

 private:
  const Options options_;
  const Clock* const clock_;
  const Connect connect_;
  Balancer balancer_;
  Gate calls_;

  // Used only by the thread of SetAddresses().
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<std::unique_ptr<Endpoint>> leaving_;  // removed, with calls that have not ended yet
};

}  // namespace souvenir::gateway
