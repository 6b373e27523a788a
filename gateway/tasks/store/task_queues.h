#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "gateway/tasks/task_types.h"

namespace souvenir::gateway {

// A queue of the task store: figures, and where its ready steps begin on disk. The steps themselves
// are on disk alone.
//
// Changed by the thread that writes the store. The figures may be read on any thread.
struct TaskQueue {
  static constexpr size_t kPriorities = kMostPriority - kLeastPriority + 1;

  // The ready steps of one priority.
  struct Level {
    uint64_t ready = 0;  // number of steps
    // No step is ready below this sequence number. A scan that begins here does not meet what was
    // deleted before.
    uint64_t first = 0;
  };

  TaskQueue(std::string name, uint32_t number) : name(std::move(name)), number(number) {}

  Level& level(int priority) { return levels[static_cast<size_t>(kMostPriority - priority)]; }
  QueueInfo Info() const {
    return {.name = name,
            .paused = paused.load(std::memory_order_relaxed),
            .max_running = max_running.load(std::memory_order_relaxed),
            .ready = ready.load(std::memory_order_relaxed),
            .running = running.load(std::memory_order_relaxed)};
  }

  const std::string name;
  const uint32_t number;  // in keys
  std::atomic<bool> paused{false};
  std::atomic<uint32_t> max_running{0};  // 0: no limit
  std::atomic<uint64_t> ready{0};
  std::atomic<uint64_t> running{0};
  std::array<Level, kPriorities> levels;  // the highest priority first
};

// The queues of a store. They are never removed, so that pointers stay valid. Thread-safe.
class TaskQueues {
 public:
  explicit TaskQueues(size_t most) : most_(most) {}

  // Returns null if there is none.
  TaskQueue* Find(std::string_view name) const {
    MutexLock lock(&mutex_);
    for (const auto& queue : queues_) {
      if (queue->name == name) return queue.get();
    }
    return nullptr;
  }
  // Returns null if there is none.
  TaskQueue* At(uint32_t number) const {
    MutexLock lock(&mutex_);
    return number < queues_.size() ? queues_[number].get() : nullptr;
  }

  // Returns the name of a queue; "" if there is none.
  std::string NameOf(uint32_t number) const {
    MutexLock lock(&mutex_);
    return number < queues_.size() ? queues_[number]->name : std::string();
  }

  // Adds a queue, whose number is the number of queues before. Returns null if there are as many as
  // there may be.
  TaskQueue* Add(const std::string& name) { return full() ? nullptr : Restore(name); }

  // Same as above, for a queue that is on disk: those stay when the limit is lowered.
  TaskQueue* Restore(const std::string& name) {
    MutexLock lock(&mutex_);
    queues_.push_back(std::make_unique<TaskQueue>(name, static_cast<uint32_t>(queues_.size())));
    return queues_.back().get();
  }

  size_t most() const { return most_; }
  bool full() const {
    MutexLock lock(&mutex_);
    return queues_.size() >= most_;
  }

  // Forgets all. REQUIRES: nobody has a pointer of Find(), At() or Add().
  void Clear() {
    MutexLock lock(&mutex_);
    queues_.clear();
  }

  // Returns the figures, by name.
  std::vector<QueueInfo> Infos() const;

 private:
  const size_t most_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<TaskQueue>> queues_ ABSL_GUARDED_BY(mutex_);  // by number
};

}  // namespace souvenir::gateway
