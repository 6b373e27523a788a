#pragma once

#include <map>
#include <memory>

#include "common/mutex.h"

namespace souvenir {

// A stream that stays open for as long as its client wants, idle or not.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Takes no more requests, and ends when those under way are answered: at once where there are
  // none. On any thread; idempotent; does not block.
  virtual void Stop() = 0;
};

// Those that are open, so that a stop does not wait for clients that have nothing to say. Owned by
// a service, which outlives its streams. Thread-safe.
class OpenStreams {
 public:
  // False once all are stopped: the stream is not to begin.
  bool Add(const std::shared_ptr<OpenStream>& stream) {
    MutexLock lock(&mutex_);
    if (stopped_) return false;
    streams_[stream.get()] = stream;
    return true;
  }

  void Remove(OpenStream* stream) {
    MutexLock lock(&mutex_);
    streams_.erase(stream);
  }

  // Stops all of them, and those that come.
  void Stop() {
    std::map<OpenStream*, std::weak_ptr<OpenStream>> streams;
    {
      MutexLock lock(&mutex_);
      stopped_ = true;
      streams.swap(streams_);
    }
    for (const auto& [address, stream] : streams) {
      if (const std::shared_ptr<OpenStream> open = stream.lock()) open->Stop();
    }
  }

 private:
  Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<OpenStream*, std::weak_ptr<OpenStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
