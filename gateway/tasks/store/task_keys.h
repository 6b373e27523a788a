#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/sha256.h"
#include "gateway/tasks/task_types.h"

// The keys of the task store. A key is a letter for its kind and numbers in big-endian order, so
// that keys sort as their numbers. All that belongs to one job, and is not looked up for several
// jobs, has the prefix of the job, so that one range deletion drops it.

namespace souvenir::gateway {

// Work on all steps of a job. The numbers are in records on disk.
enum class Sweep : uint8_t {
  kStart = 1,    // makes the steps ready that need no other
  kEnd = 2,      // ends the steps that have not begun
  kReset = 3,    // makes the steps pending again that are to run again
  kRelease = 4,  // tells the steps that were reset what the others have ended with
};

class TaskKey {
 public:
  // One key each, and what its value is.
  static std::string Meta() { return "m"; }          // TaskMeta
  static std::string Queue(std::string_view name) {  // TaskQueue
    return std::string("q").append(name);
  }
  static std::string Job(JobNumber job) { return Number('j', job); }       // TaskJob
  static std::string Unsealed(JobNumber job) { return Number('z', job); }  // nothing
  static std::string Sweeping(JobNumber job) { return Number('w', job); }  // TaskSweep
  // The job of an idempotency or uniqueness key, hashed with its tenant.
  static std::string Idempotency(const Sha256Digest& key) { return Hashed('i', key); }
  static std::string Uniqueness(const Sha256Digest& key) { return Hashed('u', key); }
  static Sha256Digest HashOf(std::string_view tenant, std::string_view key) {
    Sha256 hash;
    hash.Add(tenant);
    hash.Add(key);
    return hash.Finish();
  }
  static std::string JobValue(JobNumber job) {  // the value of both
    std::string value;
    Append64(job, &value);
    return value;
  }
  static std::string Running(StepRef step) { return Step('r', step); }     // nothing
  static std::string News(StepRef step) { return Step('p', step); }        // TaskNews
  static std::string DeadLetter(StepRef step) { return Step('f', step); }  // nothing
  static std::string Timer(int64_t due_us, StepRef step) {                 // nothing
    std::string key = Number('t', static_cast<uint64_t>(due_us));
    Append64(step.job, &key);
    Append32(step.step, &key);
    return key;
  }
  static std::string Expiry(int64_t at_us, JobNumber job) {  // nothing
    std::string key = Number('x', static_cast<uint64_t>(at_us));
    Append64(job, &key);
    return key;
  }
  // A ready step; the value is ReadyValue(). Steps of a higher priority come first.
  static std::string Ready(uint32_t queue, int priority, uint64_t sequence) {
    std::string key = ReadyPrefix(queue, priority);
    Append64(sequence, &key);
    return key;
  }
  static std::string ReadyPrefix(uint32_t queue, int priority) {
    std::string key = "y";
    Append32(queue, &key);
    key.push_back(static_cast<char>(kMostPriority - priority));
    return key;
  }
  static std::string ReadyValue(StepRef step) {
    std::string value;
    Append64(step.job, &value);
    Append32(step.step, &value);
    return value;
  }

  // Records of one job.
  static std::string OfJob(JobNumber job) { return Number('J', job); }  // the prefix
  static std::string State(StepRef step) { return InJob('s', step); }   // TaskStep
  static std::string Spec(StepRef step) { return InJob('d', step); }    // of the submitter
  static std::string Override(StepRef step) { return InJob('o', step); }
  static std::string Links(StepRef step) { return InJob('l', step); }  // TaskLinks
  static std::string Name(StepRef step) { return InJob('a', step); }   // its id
  static std::string Id(JobNumber job, std::string_view id) {          // its number, 32 bits
    std::string key = OfJob(job);
    key.push_back('n');
    return key.append(id);
  }
  static std::string Event(JobNumber job, uint64_t sequence) {  // TaskEvent
    std::string key = OfJob(job);
    key.push_back('e');
    Append64(sequence, &key);
    return key;
  }

  // Keys of the column family for blobs.
  static std::string Blob(JobNumber job, const Sha256Digest& digest) {
    std::string key = OfJob(job);
    key.push_back('b');
    return key.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  static std::string Result(StepRef step) { return InJob('r', step); }

  // Returns the key after all keys with `prefix`. REQUIRES: the last byte is not 255.
  static std::string After(std::string prefix) {
    for (;;) {
      const auto last = static_cast<uint8_t>(prefix.back());
      prefix.back() = static_cast<char>(last + 1);
      if (last != 255) return prefix;
      prefix.pop_back();
    }
  }

  // Appends a number as keys have it.
  static void Append32(uint32_t number, std::string* key) {
    for (int shift = 24; shift >= 0; shift -= 8) key->push_back(static_cast<char>(number >> shift));
  }

  // Reads numbers from the end of a key or value, last to first.
  class Reader {
   public:
    explicit Reader(std::string_view key) : rest_(key) {}
    uint64_t Last64() { return Last(8); }
    uint32_t Last32() { return static_cast<uint32_t>(Last(4)); }
    StepRef LastStep() {
      StepRef step;
      step.step = Last32();
      step.job = Last64();
      return step;
    }

   private:
    uint64_t Last(size_t bytes) {
      uint64_t number = 0;
      if (rest_.size() < bytes) return number;
      for (const char byte : rest_.substr(rest_.size() - bytes)) {
        number = number << 8 | static_cast<uint8_t>(byte);
      }
      rest_.remove_suffix(bytes);
      return number;
    }
    std::string_view rest_;
  };

 private:
  static void Append64(uint64_t number, std::string* key) {
    for (int shift = 56; shift >= 0; shift -= 8) key->push_back(static_cast<char>(number >> shift));
  }
  static std::string Number(char kind, uint64_t number) {
    std::string key(1, kind);
    Append64(number, &key);
    return key;
  }
  static std::string Hashed(char kind, const Sha256Digest& digest) {
    std::string key(1, kind);
    return key.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  static std::string Step(char kind, StepRef step) {
    std::string key = Number(kind, step.job);
    Append32(step.step, &key);
    return key;
  }
  static std::string InJob(char kind, StepRef step) {
    std::string key = OfJob(step.job);
    key.push_back(kind);
    Append32(step.step, &key);
    return key;
  }
};

}  // namespace souvenir::gateway
