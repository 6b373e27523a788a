#include "gateway/upstream/bounded_lookup.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/thread.h"

namespace souvenir::gateway {

struct BoundedLookup::Shared {
  Mutex mutex;
  CondVar changed;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
  // Lookups by name: nullopt while one is under way, then its answer until a caller takes it.
  std::map<std::string, std::optional<Addresses>> lookups ABSL_GUARDED_BY(mutex);
};

BoundedLookup::BoundedLookup(Options options)
    : options_(std::move(options)), shared_(std::make_shared<Shared>()) {}

void BoundedLookup::Stop() {
  MutexLock lock(&shared_->mutex);
  shared_->stopped = true;
  shared_->changed.NotifyAll();
}

void BoundedLookup::Begin(const std::string& name) {
  {
    MutexLock lock(&shared_->mutex);
    if (shared_->stopped || !shared_->lookups.try_emplace(name).second) return;
  }
  // Detached, because nothing can end getaddrinfo(); a stop that joined it would take as long.
  StartThread("name lookup", [name, look_up = options_.look_up, shared = shared_] {
    Addresses found = look_up(name);
    MutexLock lock(&shared->mutex);
    shared->lookups[name] = std::move(found);
    shared->changed.NotifyAll();
  }).detach();
}

std::vector<BoundedLookup::Addresses> BoundedLookup::LookUpAll(
    absl::Span<const std::string> names) {
  for (const std::string& name : names) Begin(name);
  const absl::Duration end = options_.clock->Monotonic() + options_.limit;
  std::vector<Addresses> answers;
  MutexLock lock(&shared_->mutex);
  for (const std::string& name : names) {
    while (!shared_->stopped && !shared_->lookups[name].has_value()) {
      if (!shared_->changed.WaitUntil(&shared_->mutex, *options_.clock, end)) break;
    }
    if (shared_->stopped) return {};
    if (std::optional<Addresses>& found = shared_->lookups[name]; found.has_value()) {
      answers.push_back(*std::move(found));
      shared_->lookups.erase(name);
    } else {
      answers.emplace_back(absl::UnavailableError(
          fmt::format("'{}' cannot be looked up: no name server has answered within {}", name,
                      absl::FormatDuration(options_.limit))));
    }
  }
  return answers;
}

}  // namespace souvenir::gateway
