#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gateway/tasks/store/rocksdb_task_store.h"
#include "gateway/tasks/store/task_database.h"
#include "gateway/tasks/store/task_keys.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/cache/disk/copy_store.h"
#include "tests/unit/gateway/tasks/task_store_harness.h"

namespace souvenir::gateway {
namespace {

class RocksDbHarness final : public StoreHarness {
 public:
  RocksDbHarness(ManualClock* clock, const Limits& limits) : clock_(clock), limits_(limits) {
    Open();
  }

  TaskStore& store() override { return *store_; }

  // What is on disk while the store is open is what a kill leaves.
  void Crash() override {
    End();
    Open();
  }

  void CrashAndLimitQueues(uint32_t max_queues) override {
    limits_.max_queues = max_queues;
    Crash();
  }

  void CrashAndDamage(JobNumber job, std::optional<uint32_t> step) override {
    End();
    {
      auto database = TaskDatabase::Open(Directory());
      if (!database.ok()) throw std::runtime_error(database.status().ToString());
      rocksdb::WriteBatch batch;
      batch.Put((*database)->records(), step ? TaskKey::State({job, *step}) : TaskKey::Job(job),
                "\xff\xff\xff");
      const absl::Status written = (*database)->Write(&batch, /*sync=*/false);
      if (!written.ok()) throw std::runtime_error(written.ToString());
    }
    Open();
  }

 private:
  void End() {
    const std::string before = Directory();
    ++lives_;
    cache::CopyStore(before, Directory());
    graves_.push_back(std::move(store_));
  }

  std::string Directory() const { return fmt::format("{}/{}", directory_.path(), lives_); }

  void Open() {
    RocksDbTaskStore::Options options;
    options.directory = Directory();
    options.max_steps = limits_.max_steps;
    options.max_bytes = limits_.max_bytes;
    options.max_queues = limits_.max_queues;
    options.max_lost_attempts = limits_.max_lost_attempts;
    options.piece = limits_.piece;
    options.clock = clock_;
    auto store = RocksDbTaskStore::Open(options);
    if (!store.ok()) throw std::runtime_error(store.status().ToString());
    store_ = *std::move(store);
  }

  ManualClock* const clock_;
  Limits limits_;
  TemporaryDirectory directory_;
  int lives_ = 0;
  // Stores whose processes are gone. A test may still have parts that know them.
  std::vector<std::unique_ptr<RocksDbTaskStore>> graves_;
  std::unique_ptr<RocksDbTaskStore> store_;
};

}  // namespace

StoreKind RocksDbKind() {
  return {"RocksDb", [](ManualClock* clock, const StoreHarness::Limits& limits) {
            return std::make_unique<RocksDbHarness>(clock, limits);
          }};
}

}  // namespace souvenir::gateway
