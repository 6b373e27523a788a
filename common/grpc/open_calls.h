#pragma once

#include <cstdint>

namespace souvenir {

// Counts the calls of one gRPC server that are open, from their first frame on: a handler hears of
// a unary call when its message has come whole, and that may be never. gRPC counts them for its
// channelz anyway.
//
// Thread-safe. May be asked after the server has gone.
class OpenCalls {
 public:
  // Of the gRPC server that `start` starts. Servers that are started through here at the same time
  // wait for each other.
  template <typename Start>
  static OpenCalls Of(const Start& start) {
    const StartLock lock;
    start();
    return OpenCalls(NewestServer());
  }

  // 0 if there is no such server any more.
  uint64_t count() const;

 private:
  // gRPC tells the number of a server to nobody, but counts up.
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
