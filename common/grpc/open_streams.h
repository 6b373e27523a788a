#pragma once

#include <map>
#include <memory>

#include "common/mutex.h"

namespace souvenir {

// A stream that stays open for as long as its client wants, idle or not.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Refuses further requests, and ends the stream when those under way are answered; at once if
  // there are none. May be called on any thread; idempotent; does not block.
  virtual void Stop() = 0;
};

// The open streams of a service. A stop ends them, and does not wait for clients that are idle.
// Owned by the service, which outlives its streams. Thread-safe.
class OpenStreams {
 public:
  // Adds a stream. Returns false once Stop() was called: the stream must not begin then.
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

  // Stops all streams, and refuses later ones.
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
