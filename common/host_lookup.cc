#include "common/host_lookup.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/thread.h"

namespace souvenir {
namespace {

// The result of a lookup: addresses, or the reason why there are none.
struct Found {
  int error = 0;         // of getaddrinfo()
  int system_error = 0;  // errno, for EAI_SYSTEM
  HostAddresses addresses;
};

Found LookUp(const HostLookupOptions& options, const std::string& host, const std::string& port,
             int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* addresses = nullptr;
  Found found;
  found.error =
      options.look_up(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &addresses);
  found.system_error = errno;
  if (found.error == 0) found.addresses.reset(addresses);
  return found;
}

absl::StatusOr<HostAddresses> AddressesOf(Found found) {
  if (found.error == 0) return std::move(found.addresses);
  return absl::UnavailableError(found.error == EAI_SYSTEM
                                    ? std::generic_category().message(found.system_error)
                                    : gai_strerror(found.error));
}

}  // namespace

absl::StatusOr<HostAddresses> LookUpHost(const std::string& host, const std::string& port,
                                         const HostLookupOptions& options) {
  constexpr int kFlags = AI_PASSIVE | AI_NUMERICSERV;
  // A numeric host needs no thread.
  Found numeric = LookUp(options, host, port, kFlags | AI_NUMERICHOST);
  if (numeric.error != EAI_NONAME || host.empty()) return AddressesOf(std::move(numeric));

  struct Shared {
    Mutex mutex;
    CondVar changed;
    std::optional<Found> found ABSL_GUARDED_BY(mutex);
  };
  const auto shared = std::make_shared<Shared>();
  // Detached, because nothing can end getaddrinfo().
  StartThread("name lookup", [options, host, port, shared] {
    Found found = LookUp(options, host, port, kFlags);
    MutexLock lock(&shared->mutex);
    shared->found = std::move(found);
    shared->changed.NotifyAll();
  }).detach();
  const absl::Duration end = options.clock->Monotonic() + options.limit;
  MutexLock lock(&shared->mutex);
  while (!shared->found) {
    if (!shared->changed.WaitUntil(&shared->mutex, *options.clock, end)) {
      return absl::UnavailableError(
          fmt::format("'{}' cannot be looked up: no name server has answered within {}", host,
                      absl::FormatDuration(options.limit)));
    }
  }
  return AddressesOf(*std::move(shared->found));
}

}  // namespace souvenir
