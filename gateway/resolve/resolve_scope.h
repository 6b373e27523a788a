#pragma once

#include <list>
#include <optional>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/resolve/resolver.h"

namespace souvenir::gateway {

// The calls that one caller causes, one after another or side by side: the answers of a call may be
// the questions of the next. All of them end when the caller goes, whenever that happens.
//
//   scope.Resolve(call);           // from any thread, also from a listener of another call
//   ... OnAllAnswered(): scope.Forget(call); read the answers; scope.Resolve(next) ...
//   scope.Cancel(reason);          // from any thread, at any time
//
// Owned by the use case. Thread-safe. It keeps each call alive until Forget().
class ResolveScope {
 public:
  // `resolver` must outlive this.
  explicit ResolveScope(Resolver* resolver) : resolver_(resolver) {}

  // Resolves `call`, as Resolver::Resolve() does. If the caller has gone, the questions that are
  // not answered from memory get the reason.
  void Resolve(const ResolveCallPtr& call);

  // Lets go of a call that has all its answers. Called once for each call, by its listener.
  void Forget(const ResolveCall& call);

  // Ends all calls, present and later ones, with `reason`, an error. Only the first counts.
  void Cancel(const absl::Status& reason);

 private:
  struct Active {
    ResolveCallPtr call;
    bool begun = false;  // Resolver::Resolve() has returned
  };

  Resolver* const resolver_;

  Mutex mutex_;
  absl::Status gone_ ABSL_GUARDED_BY(mutex_);  // why the caller has gone; OK if it has not
  std::list<Active> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
