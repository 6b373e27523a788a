#include "compute-service/repository/folder_watch.h"

#include <utility>

#include "absl/status/statusor.h"
#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "compute-service/repository/model_scan.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};
constinit LogLimit poll_limit;
constinit LogLimit refused_limit;  // folders whose names cannot be a model's

}  // namespace

std::string FolderWatch::TakeUp(const std::string& name) {
  std::string signature = Signature(name);
  if (signature.empty()) return signature;  // Poll() will report that the folder has gone
  MutexLock lock(&mutex_);
  Look& look = looks_[name];
  look.taken_up = look.seen = signature;
  return signature;
}

std::string FolderWatch::Signature(const std::string& name) const {
  size_t entries = 0;
  return FolderSignature(options_.directory, name, &entries);
}

bool FolderWatch::HasChanged(const std::string& name) const {
  const std::string present = Signature(name);
  MutexLock lock(&mutex_);
  const auto found = looks_.find(name);
  return present != (found == looks_.end() ? "" : found->second.taken_up);
}

void FolderWatch::Poll(const std::function<void(const std::string& name)>& take_up) {
  std::vector<absl::Status> refused;
  const absl::StatusOr<std::vector<std::string>> there = ModelNames(options_.directory, &refused);
  TellRefused(refused);
  if (!there.ok()) {
    log.Warning(poll_limit, "the repository cannot be read",
                {{"reason", std::string(there.status().message())}});
    return;
  }
  size_t changing = 0;
  const std::vector<std::string> turn = Turn({there->begin(), there->end()}, &changing);
  size_t entries = 0;
  for (size_t i = 0; i < turn.size() && (i < changing || entries < options_.poll_entries); ++i) {
    if (HasSettled(turn[i], FolderSignature(options_.directory, turn[i], &entries))) {
      take_up(turn[i]);
    }
    if (i < changing) continue;
    MutexLock lock(&mutex_);
    looked_last_ = turn[i];
  }
}

std::vector<std::string> FolderWatch::Turn(std::set<std::string> names, size_t* changing) {
  std::vector<std::string> turn;
  MutexLock lock(&mutex_);
  for (const auto& [name, look] : looks_) {
    names.insert(name);
    if (look.seen != look.taken_up) turn.push_back(name);
  }
  *changing = turn.size();
  const auto next = names.upper_bound(looked_last_);
  turn.insert(turn.end(), next, names.end());
  turn.insert(turn.end(), names.begin(), next);
  return turn;
}

bool FolderWatch::HasSettled(const std::string& name, const std::string& signature) {
  const absl::Duration now = clock_->Monotonic();
  MutexLock lock(&mutex_);
  Look& look = looks_[name];
  if (look.seen != signature) look.seen_since = now;
  look.seen = signature;
  const bool takes_up = signature != look.taken_up && now - look.seen_since >= options_.settle;
  if (takes_up) look.taken_up = signature;
  if (look.taken_up.empty() && signature.empty()) looks_.erase(name);
  return takes_up;
}

void FolderWatch::TellRefused(const std::vector<absl::Status>& refused) {
  std::set<std::string> reasons;
  for (const absl::Status& folder : refused) reasons.emplace(folder.message());
  std::set<std::string> told;
  {
    MutexLock lock(&mutex_);
    told = std::exchange(refused_, reasons);
  }
  for (const std::string& reason : reasons) {
    if (!told.contains(reason))
      log.Warning(refused_limit, "a folder cannot be a model's", {{"reason", reason}});
  }
}

}  // namespace souvenir::compute
