#include "compute-service/repository/model_loads.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

// Most loads that may wait, and most callers that may wait for them; more than any sensible
// repository has models.
constexpr size_t kLoadQueue = 4096;

absl::Status QueueError() {
  return absl::ResourceExhaustedError(
      "no more models can be loaded or unloaded now: too many wait, or the server is stopping");
}

// Moves the first `count` of `from` to the end of `to`.
template <typename T>
void Append(std::vector<T>* to, std::vector<T>* from, size_t count) {
  const auto end = from->begin() + static_cast<std::ptrdiff_t>(count);
  std::move(from->begin(), end, std::back_inserter(*to));
  from->erase(from->begin(), end);
}

}  // namespace

void LoadJob::set_signature(std::string signature) {
  MutexLock lock(&mutex_);
  signature_ = std::move(signature);
}

std::string LoadJob::signature() const {
  MutexLock lock(&mutex_);
  return signature_;
}

absl::Status LoadJob::why() const {
  MutexLock lock(&mutex_);
  return why_;
}

void LoadJob::Add(std::shared_ptr<ServedModel> model) {
  absl::Status why;
  {
    MutexLock lock(&mutex_);
    models_.push_back(model);
    why = why_;
  }
  if (!why.ok()) model->CancelLoad(why);
}

void LoadJob::Await(std::shared_ptr<ServedModel> model) {
  MutexLock lock(&mutex_);
  awaited_.push_back(std::move(model));
}

bool LoadJob::Awaits(const std::shared_ptr<ServedModel>& model) const {
  MutexLock lock(&mutex_);
  return std::find(awaited_.begin(), awaited_.end(), model) != awaited_.end();
}

std::shared_ptr<ServedModel> LoadJob::awaited() const {
  MutexLock lock(&mutex_);
  return awaited_.empty() ? nullptr : awaited_.back();
}

void LoadJob::Cancel(const absl::Status& why) {
  std::vector<std::shared_ptr<ServedModel>> models;
  {
    MutexLock lock(&mutex_);
    if (!why_.ok()) return;
    why_ = why;
    models = models_;
  }
  cancelled_ = true;
  for (const std::shared_ptr<ServedModel>& model : models) model->CancelLoad(why);
}

absl::StatusOr<std::unique_ptr<ModelLoads>> ModelLoads::Create(Options options) {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<ThreadExecutor> threads,
                            ThreadExecutor::Create({.name = "loader",
                                                    .threads = options.threads,
                                                    .queue_limit = kLoadQueue,
                                                    .nice = options.nice}));
  std::unique_ptr<ModelLoads> loads(new ModelLoads(std::move(options)));
  loads->threads_ = std::move(threads);
  return loads;
}

ModelLoads::~ModelLoads() { Stop(); }

void ModelLoads::Stop() { threads_->Stop(); }

bool ModelLoads::TrySubmit(Task& task) {
  const auto shared = std::make_shared<Task>(std::move(task));
  Task counted = [this, shared] {
    std::move (*shared)();
    MutexLock lock(&mutex_);
    if (--tasks_ == 0) idle_.NotifyAll();
  };
  {
    MutexLock lock(&mutex_);
    ++tasks_;
  }
  if (threads_->TrySubmit(counted)) return true;
  task = std::move(*shared);
  MutexLock lock(&mutex_);
  if (--tasks_ == 0) idle_.NotifyAll();
  return false;
}

bool ModelLoads::WaitUntilIdle(const Clock& clock, absl::Duration deadline) {
  MutexLock lock(&mutex_);
  while (tasks_ > 0) {
    if (!idle_.WaitUntil(&mutex_, clock, deadline)) return false;
  }
  return true;
}

bool ModelLoads::SubmitLoad(const std::string& name) {
  Task load = [this, name] { Run(name); };
  return TrySubmit(load);
}

void ModelLoads::Load(std::string name, Done done) {
  std::vector<Done> refused;
  {
    MutexLock lock(&mutex_);
    if (waiting_ >= kLoadQueue) {
      refused.push_back(std::move(done));
    } else {
      ++waiting_;
      const auto [entry, fresh] = entries_.try_emplace(name);
      (entry->second.job == nullptr ? entry->second.asked : entry->second.later)
          .push_back(std::move(done));
      if (!fresh && entry->second.parked == nullptr) return;
    }
  }
  if (!refused.empty()) return Answer(std::move(refused), QueueError());
  SubmitOrCancel(name);
}

void ModelLoads::SubmitOrCancel(const std::string& name) {
  if (!SubmitLoad(name)) Cancel(name, QueueError());
}

void ModelLoads::Reload(const std::string& name) {
  std::shared_ptr<LoadJob> older;
  {
    MutexLock lock(&mutex_);
    const auto [entry, fresh] = entries_.try_emplace(name);
    if (!fresh) {
      older = entry->second.job;
      // A load that has not begun will read the new content.
      if (older == nullptr && entry->second.parked == nullptr) return;
      entry->second.again = older != nullptr;
    }
  }
  if (older != nullptr) {
    older->Cancel(absl::UnavailableError("the model's folder has changed while it loaded"));
  } else {
    SubmitOrCancel(name);
  }
}

void ModelLoads::Park(const std::string& name, const std::shared_ptr<LoadJob>& job) {
  bool parks;
  {
    MutexLock lock(&mutex_);
    Entry& entry = entries_.find(name)->second;
    entry.job = nullptr;
    Append(&entry.asked, &entry.later, entry.later.size());
    const bool again = std::exchange(entry.again, false);
    if (entry.given_up && entry.asked.empty() && !again) {
      entries_.erase(name);
      return;
    }
    // Callers that asked after a job was given up must not get its outcome.
    parks = !again && !entry.given_up;
    if (parks) entry.parked = job;
  }
  if (!parks) return SubmitOrCancel(name);
  job->awaited()->WhenLoadEnds([this, name] { SubmitOrCancel(name); });
}

bool ModelLoads::Cancel(const std::string& name, const absl::Status& why) {
  std::shared_ptr<LoadJob> job;
  std::vector<Done> asked;
  {
    MutexLock lock(&mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return false;
    Entry& entry = found->second;
    job = entry.job;
    Append(&asked, &entry.asked, entry.asked.size());
    Append(&asked, &entry.later, entry.later.size());
    entry.joining = 0;
    waiting_ -= asked.size();
    entry.again = false;
    entry.given_up = true;
    if (job == nullptr) entries_.erase(found);  // its queued task will find nothing to do
  }
  if (job != nullptr) job->Cancel(why);
  Answer(std::move(asked), why);
  return true;
}

void ModelLoads::CancelAll(const absl::Status& why) {
  std::vector<std::string> names;
  {
    MutexLock lock(&mutex_);
    for (const auto& [name, entry] : entries_) names.push_back(name);
  }
  for (const std::string& name : names) Cancel(name, why);
}

bool ModelLoads::UnderWay(const std::string& name) const {
  MutexLock lock(&mutex_);
  return entries_.contains(name);
}

void ModelLoads::Run(const std::string& name) {
  std::shared_ptr<LoadJob> job;
  {
    MutexLock lock(&mutex_);
    const auto found = entries_.find(name);
    // The load was cancelled, or another task works on it.
    if (found == entries_.end() || found->second.job != nullptr) return;
    job = std::exchange(found->second.parked, nullptr);
    if (job == nullptr) job = std::make_shared<LoadJob>();
    found->second.job = job;
    found->second.given_up = false;
  }
  const std::optional<absl::Status> status = options_.work(name, *job);
  if (!status) return Park(name, job);
  {
    MutexLock lock(&mutex_);
    Entry& entry = entries_.find(name)->second;
    entry.joining = entry.later.size();
  }
  const bool unchanged = options_.signature(name) == job->signature();
  std::vector<Done> ended;
  bool again;
  {
    MutexLock lock(&mutex_);
    Entry& entry = entries_.find(name)->second;
    entry.job = nullptr;
    if (!entry.again) {
      Append(&ended, &entry.asked, entry.asked.size());
      if (unchanged) Append(&ended, &entry.later, entry.joining);
    }
    waiting_ -= ended.size();
    Append(&entry.asked, &entry.later, entry.later.size());
    again = std::exchange(entry.again, false) || !entry.asked.empty();
    if (!again) entries_.erase(name);
  }
  if (again) SubmitOrCancel(name);
  Answer(std::move(ended), *status);
}

void ModelLoads::Answer(std::vector<Done> asked, const absl::Status& status) {
  for (Done& done : asked) std::move(done)(status);
}

}  // namespace souvenir::compute
