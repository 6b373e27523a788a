#include "common/grpc/open_calls.h"

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "common/mutex.h"

namespace souvenir {
namespace {

Mutex& StartMutex() {
  static auto* const mutex = new Mutex;
  return *mutex;
}

// Returns gRPC's answer in JSON, and frees the original; empty if there is none.
std::string Take(char* json) {
  if (json == nullptr) return "";
  const std::string text(json);
  gpr_free(json);
  return text;
}

// Returns the number after the next `"name":"` at `*at` or later, and moves `*at` behind that key.
// Without the key it returns 0, because channelz leaves zeros out, and sets `*at` to npos.
int64_t NumberOf(std::string_view json, std::string_view name, size_t* at) {
  const std::string key = fmt::format("\"{}\":\"", name);
  const size_t found = json.find(key, *at);
  if (found == std::string_view::npos) {
    *at = found;
    return 0;
  }
  *at = found + key.size();
  int64_t number = 0;
  std::from_chars(json.data() + *at, json.data() + json.size(), number);
  return number;
}

int64_t NumberOf(std::string_view json, std::string_view name) {
  size_t at = 0;
  return NumberOf(json, name, &at);
}

}  // namespace

OpenCalls::StartLock::StartLock() { StartMutex().Lock(); }
OpenCalls::StartLock::~StartLock() { StartMutex().Unlock(); }

int64_t OpenCalls::NewestServer() {
  int64_t newest = 0;
  for (;;) {
    const std::string page = Take(grpc_channelz_get_servers(newest + 1));
    const int64_t before = newest;
    for (size_t at = 0;;) {
      const int64_t number = NumberOf(page, "serverId", &at);
      if (at == std::string::npos) break;
      newest = std::max(newest, number);
    }
    if (newest == before) return newest;
  }
}

uint64_t OpenCalls::count() const {
  const std::string server = Take(grpc_channelz_get_server(server_));
  // gRPC reads the counters one after the other, so `ended` may be larger.
  const int64_t begun = NumberOf(server, "callsStarted");
  const int64_t ended = NumberOf(server, "callsSucceeded") + NumberOf(server, "callsFailed");
  return static_cast<uint64_t>(std::max<int64_t>(0, begun - ended));
}

}  // namespace souvenir
