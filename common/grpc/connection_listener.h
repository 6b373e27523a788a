#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/logging/log_limit.h"
#include "common/mutex.h"

struct sockaddr_storage;

namespace souvenir {

// Accepts the connections of one address, and refuses those above its limits. gRPC's own listener
// has no limits, and stops for ever once the process has no descriptor left. This one goes on as
// soon as a descriptor is free.
//
// A refused connection is closed at once. An accepted one belongs to `on_connection`, which has to
// close it; this class finds out by itself which connections are still open.
//
// Owned by a server. Thread-safe, except Start() and Stop(), which one thread calls.
//
//   SOUVENIR_ASSIGN_OR_RETURN(auto listener, ConnectionListener::Create(options));
//   ... whatever on_connection needs, which may want listener->port() ...
//   listener->Start();
class ConnectionListener {
 public:
  struct Options {
    std::string name = "public";  // in lines of log
    std::string address;          // see ListenOn()
    size_t max_connections = 4096;
    // Limit for one client address. The last 64 bits of an IPv6 address are ignored, because a
    // client may choose them.
    size_t max_connections_per_peer = 64;
    // Takes a connection, which is non-blocking. Called on the listener's thread; must not block.
    std::function<void(int listener, int connection)> on_connection;
    // Called with false when connections are refused because max_connections is reached or no
    // descriptor is left, and with true when there is room, a second after the last such refusal or
    // later. Not called for a single peer that has too many. Called on the listener's thread; may
    // be empty.
    std::function<void(bool accepting)> on_accepting;
    const Clock* clock = Clock::System();
  };

  struct Stats {
    size_t open = 0;
    uint64_t accepted = 0;
    uint64_t refused_total = 0;        // max_connections
    uint64_t refused_peer = 0;         // max_connections_per_peer
    uint64_t refused_descriptors = 0;  // the process, or the machine, has none left
  };

  // Listens; connections wait until Start(). Returns the errors of ListenOn(), and INVALID_ARGUMENT
  // for limits of 0.
  static absl::StatusOr<std::unique_ptr<ConnectionListener>> Create(Options options);

  // Calls Stop().
  ~ConnectionListener();

  int port() const { return port_; }
  Stats stats() const;

  void Start();
  // Closes the port; open connections stay open. `on_connection` is not called after this returns.
  // Idempotent.
  void Stop();

  // Cuts the connections that are still open, even if the client has not read all that was written.
  // The owners of the connections notice and close them. REQUIRES: Stop() was called.
  void Disconnect();

 private:
  struct Held {
    uint64_t cookie;  // of the socket; the descriptor may be reused after a close
    std::string peer;
  };

  ConnectionListener(Options options, std::vector<int> sockets, int port);

  void Run();
  // Accepts the connections that wait at `socket`.
  void AcceptAll(int socket);
  void Take(int socket, int connection, const sockaddr_storage& address);
  // Accepts one connection with the descriptor that is kept for it. Refuses the connection unless
  // another descriptor has become free meanwhile. Returns false if no connection waits, or if there
  // is no descriptor.
  bool AcceptByReserve(int socket);
  void CountRefusal(uint64_t Stats::*counter, const std::string& peer);
  void SetAccepting(bool accepting);
  // Accepts again if there is room, once a second.
  void LookForRoom();
  // Returns true if a connection of a new peer would be accepted now.
  bool HasRoom();

  // Returns null if a connection of `peer` may be accepted, else the counter of the refusal.
  // Forgets closed connections before it refuses.
  uint64_t Stats::*Admit(const std::string& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forget the connections that were closed.
  void SweepPeer(const std::string& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SweepAll() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(int connection) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const int port_;

  // Used by the listener's thread only.
  std::vector<int> sockets_;
  int reserve_;  // closed to accept, and refuse, a connection if no other descriptor is left
  bool accepting_ = true;
  absl::Duration looked_at_;  // when accepting_ was last set
  LogLimit log_limit_;

  mutable Mutex mutex_;
  Stats stats_ ABSL_GUARDED_BY(mutex_);
  mutable std::unordered_map<int, Held> held_ ABSL_GUARDED_BY(mutex_);  // by descriptor
  mutable std::unordered_map<std::string, std::set<int>> peers_ ABSL_GUARDED_BY(mutex_);
  absl::Duration swept_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();

  const int wake_;  // readable once the thread is to end
  std::thread thread_;
};

}  // namespace souvenir
