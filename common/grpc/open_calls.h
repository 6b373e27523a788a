#pragma once

#include <cstdint>

namespace souvenir {

// Counts the open calls of one gRPC server, from their first frame on. A handler gets a unary call
// only when its message has come whole, which may never happen. gRPC counts open calls for its
// channelz anyway.
//
// Thread-safe. May be asked after the server has gone.
class OpenCalls {
 public:
  // Returns the counter of the gRPC server that `start` starts. Concurrent calls run one after
  // another.
  template <typename Start>
  static OpenCalls Of(const Start& start) {
    const StartLock lock;
    start();
    return OpenCalls(NewestServer());
  }

  // Returns the number of open calls; 0 if the server has gone.
  uint64_t count() const;

 private:
  // Held while a server starts. gRPC does not tell the channelz number of a server, but the newest
  // server has the highest number.
  class StartLock {
   public:
    StartLock();
    ~StartLock();
  };

  explicit OpenCalls(int64_t server) : server_(server) {}

  static int64_t NewestServer();

  int64_t server_;  // channelz's number
};

}  // namespace souvenir
