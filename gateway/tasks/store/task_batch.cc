#include "gateway/tasks/store/task_batch.h"

#include <utility>

#include "gateway/tasks/store/damaged_records.h"
#include "gateway/tasks/store/task_keys.h"
#include "storage/rocksdb_base.h"

namespace souvenir::gateway {

using storage::ToSlice;

template <typename Record, typename Replace>
std::unique_ptr<Record> TaskBatch::Read(const std::string& key, const Replace& replace) {
  absl::StatusOr<std::optional<std::string>> bytes = database_->Get(key);
  if (!bytes.ok()) {
    Fail(bytes.status());
    return nullptr;
  }
  if (!*bytes) return nullptr;
  auto record = std::make_unique<Record>();
  if (record->ParseFromString(**bytes)) return record;
  absl::StatusOr<Record> replaced = replace();
  if (!replaced.ok()) {
    Fail(replaced.status());
    return nullptr;
  }
  return std::make_unique<Record>(*std::move(replaced));
}

TaskBatch::Found<state::v1::TaskJob> TaskBatch::FindJob(JobNumber number) {
  auto& slot = jobs_[number];
  if (slot == nullptr) {
    slot = std::make_unique<Slot<state::v1::TaskJob>>();
    slot->owned = Read<state::v1::TaskJob>(TaskKey::Job(number), [&] {
      damaged_jobs_.push_back(number);
      return JobInPlaceOf(*database_, number);
    });
  }
  return {slot->owned.get(), &slot->changed};
}

TaskBatch::Found<state::v1::TaskStep> TaskBatch::FindStep(StepRef ref) {
  auto& slot = steps_[ref];
  if (slot == nullptr) {
    slot = std::make_unique<Slot<state::v1::TaskStep>>();
    slot->owned = Read<state::v1::TaskStep>(TaskKey::State(ref), [&] {
      damaged_steps_.push_back(ref);
      return StepInPlaceOf(*database_, ref);
    });
  }
  return {slot->owned.get(), &slot->changed};
}

const state::v1::TaskJob* TaskBatch::PeekJob(JobNumber job) { return FindJob(job).record; }

const state::v1::TaskStep* TaskBatch::PeekStep(StepRef step) { return FindStep(step).record; }

state::v1::TaskJob* TaskBatch::Job(JobNumber job) {
  const auto found = FindJob(job);
  *found.changed = true;
  return found.record;
}

state::v1::TaskStep* TaskBatch::Step(StepRef step) {
  const auto found = FindStep(step);
  *found.changed = true;
  return found.record;
}

state::v1::TaskJob* TaskBatch::NewJob(JobNumber job) {
  auto slot = std::make_unique<Slot<state::v1::TaskJob>>();
  slot->owned = std::make_unique<state::v1::TaskJob>();
  slot->changed = true;
  return (jobs_[job] = std::move(slot))->owned.get();
}

state::v1::TaskStep* TaskBatch::NewStep(StepRef step) {
  auto slot = std::make_unique<Slot<state::v1::TaskStep>>();
  slot->owned = std::make_unique<state::v1::TaskStep>();
  slot->changed = true;
  return (steps_[step] = std::move(slot))->owned.get();
}

std::optional<std::string> TaskBatch::Get(const std::string& key) {
  const auto changed = index_.find(key);
  if (changed != index_.end()) return changed->second;
  absl::StatusOr<std::optional<std::string>> read = database_->Get(key);
  if (read.ok()) return *std::move(read);
  Fail(read.status());
  return std::nullopt;
}

void TaskBatch::Put(const std::string& key, std::string value) {
  batch_.Put(database_->records(), ToSlice(key), ToSlice(value));
  index_[key] = std::move(value);
}

void TaskBatch::Delete(const std::string& key) {
  batch_.Delete(database_->records(), ToSlice(key));
  index_[key] = std::nullopt;
}

void TaskBatch::Add(const std::string& key, std::string_view value) {
  batch_.Put(database_->records(), ToSlice(key), ToSlice(value));
}

void TaskBatch::AddBlob(const std::string& key, std::string_view value) {
  batch_.Put(database_->blobs(), ToSlice(key), ToSlice(value));
}

void TaskBatch::Forget(JobNumber job) {
  const std::string prefix = TaskKey::OfJob(job);
  const std::string after = TaskKey::After(prefix);
  DeleteRange(prefix, after);
  batch_.DeleteRange(database_->blobs(), ToSlice(prefix), ToSlice(after));
  Delete(TaskKey::Job(job));
  jobs_[job] = std::make_unique<Slot<state::v1::TaskJob>>();  // there is none
  absl::erase_if(steps_, [job](const auto& item) { return item.first.job == job; });
}

void TaskBatch::DeleteRange(const std::string& from, const std::string& until) {
  batch_.DeleteRange(database_->records(), ToSlice(from), ToSlice(until));
}

absl::Status TaskBatch::Write(bool sync) {
  for (const auto& [job, slot] : jobs_) {
    if (slot->changed && slot->owned != nullptr) {
      Add(TaskKey::Job(job), slot->owned->SerializeAsString());
    }
  }
  for (const auto& [step, slot] : steps_) {
    if (slot->changed && slot->owned != nullptr) {
      Add(TaskKey::State(step), slot->owned->SerializeAsString());
    }
  }
  if (batch_.Count() == 0) return sync ? database_->Sync() : absl::OkStatus();
  return database_->Write(&batch_, sync);
}

}  // namespace souvenir::gateway
