#pragma once

#include <rocksdb/write_batch.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "gateway/tasks/store/task_database.h"
#include "gateway/tasks/task_types.h"
#include "souvenir/state/v1/tasks.pb.h"

namespace souvenir::gateway {

// Changes of the task store on their way to one write. A record that was changed is read back
// changed, so that many outcomes can count down one join.
//
// Used by one thread. Pointers that it returns are valid as long as it lives, or until Forget() of
// their job. A read error is kept: the batch must not be written then.
class TaskBatch {
 public:
  explicit TaskBatch(TaskDatabase* database) : database_(database) {}

  // Return a record, or null if there is none or it cannot be read; see status(). Peek...() for
  // reading alone; the others write the record with the batch.
  const state::v1::TaskJob* PeekJob(JobNumber job);
  const state::v1::TaskStep* PeekStep(StepRef step);
  state::v1::TaskJob* Job(JobNumber job);
  state::v1::TaskStep* Step(StepRef step);

  // Adds a record, which was not there.
  state::v1::TaskJob* NewJob(JobNumber job);
  state::v1::TaskStep* NewStep(StepRef step);

  // Read and change a record of an index. Get() returns what Put() and Delete() have left.
  std::optional<std::string> Get(const std::string& key);
  void Put(const std::string& key, std::string value);
  void Delete(const std::string& key);

  // Add records that the batch does not read back.
  void Add(const std::string& key, std::string_view value);
  void AddBlob(const std::string& key, std::string_view value);

  // Drops all records with the prefix of a job.
  void Forget(JobNumber job);
  // Drops the records from `from` to before `until`.
  void DeleteRange(const std::string& from, const std::string& until);

  // Returns the jobs and steps whose records could not be read, each once. What Job() and Step()
  // return for them is of damaged_records.h, and is not written unless it is changed.
  std::vector<JobNumber> TakeDamagedJobs() { return std::exchange(damaged_jobs_, {}); }
  std::vector<StepRef> TakeDamagedSteps() { return std::exchange(damaged_steps_, {}); }

  const TaskDatabase& database() const { return *database_; }

  // The first error of a read.
  const absl::Status& status() const { return status_; }
  void Fail(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

  // Has the write be synced, although its changes do not ask for that.
  void NeedSync() { needs_sync_ = true; }
  bool needs_sync() const { return needs_sync_; }

  // Writes everything, once. REQUIRES: status() is OK.
  absl::Status Write(bool sync);

 private:
  template <typename Record>
  struct Slot {
    std::unique_ptr<Record> owned;  // null if there is no such record
    bool changed = false;
  };
  template <typename Record>
  struct Found {
    Record* record;
    bool* changed;
  };
  template <typename Number, typename Record>
  using Records = absl::flat_hash_map<Number, std::unique_ptr<Slot<Record>>>;
  Found<state::v1::TaskJob> FindJob(JobNumber number);
  Found<state::v1::TaskStep> FindStep(StepRef ref);
  // Reads a record. Where it cannot be parsed, `replace` returns what takes its place.
  template <typename Record, typename Replace>
  std::unique_ptr<Record> Read(const std::string& key, const Replace& replace);

  TaskDatabase* const database_;
  rocksdb::WriteBatch batch_;
  // Slots are allocated one by one, so that `changed` does not move either.
  Records<JobNumber, state::v1::TaskJob> jobs_;
  Records<StepRef, state::v1::TaskStep> steps_;
  absl::flat_hash_map<std::string, std::optional<std::string>> index_;
  std::vector<JobNumber> damaged_jobs_;
  std::vector<StepRef> damaged_steps_;
  absl::Status status_;
  bool needs_sync_ = false;
};

}  // namespace souvenir::gateway
