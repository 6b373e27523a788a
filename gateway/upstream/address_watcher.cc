#include "gateway/upstream/address_watcher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/logging/logging.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"upstream"};
constinit LogLimit failed_limit{64};
constinit LogLimit known_limit{64};

}  // namespace

AddressWatcher::AddressWatcher(Options options, Listener listener)
    : options_(std::move(options)), listener_(std::move(listener)), lookup_(options_.lookup) {
  bool all_numeric = true;
  std::set<std::string> seen;
  for (const std::string& configured : options_.names) {
    if (!seen.insert(configured).second) continue;
    Name& name = names_.emplace_back();
    name.name = configured;
    name.numeric = IsNumericAddress(configured);
    if (name.numeric) name.addresses.push_back({configured, configured});
    all_numeric = all_numeric && name.numeric;
  }
  Tell();
  if (all_numeric) return;
  thread_ = std::make_unique<PeriodicThread>(
      PeriodicThread::Options{.name = "names", .clock = options_.lookup.clock}, [this] {
        LookUpNames();
        return options_.interval;
      });
}

void AddressWatcher::Stop() {
  lookup_.Stop();
  if (thread_ != nullptr) thread_->Stop();
}

void AddressWatcher::LookUpNames() {
  std::vector<std::string> asked;
  for (const Name& name : names_) {
    if (!name.numeric) asked.push_back(name.name);
  }
  const std::vector<BoundedLookup::Addresses> looked = lookup_.LookUpAll(asked);
  if (looked.empty()) return;  // stopped
  auto answer = looked.begin();
  for (Name& name : names_) {
    if (!name.numeric) Keep(*answer++, &name);
  }
  Tell();
}

void AddressWatcher::Keep(const BoundedLookup::Addresses& looked, Name* name) {
  const bool failed_before = std::exchange(name->failed, !looked.ok());
  if (!looked.ok()) {
    if (!failed_before) {
      log.Warning(failed_limit, "looking up compute failed; addresses found earlier stay in use",
                  {{"reason", looked.status().ToString()}});
    }
    return;
  }
  if (failed_before)
    log.Info(known_limit, "the addresses of compute are known", {{"name", name->name}});
  std::vector<EndpointAddress> addresses;
  for (const std::string& address : *looked) {
    const auto before =
        std::find_if(name->addresses.begin(), name->addresses.end(),
                     [&](const EndpointAddress& known) { return known.address == address; });
    addresses.push_back(
        {name->name, address, before != name->addresses.end() ? before->from_start : !name->found});
  }
  name->addresses = std::move(addresses);
  name->found = true;
}

void AddressWatcher::Tell() const {
  std::vector<EndpointAddress> all;
  std::set<std::string> seen;
  for (const Name& name : names_) {
    for (const EndpointAddress& address : name.addresses) {
      if (all.size() < options_.most && seen.insert(address.address).second) all.push_back(address);
    }
  }
  listener_(std::move(all));
}

}  // namespace souvenir::gateway
