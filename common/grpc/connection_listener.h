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
// knows no limits, and stops for ever once the process has no descriptor left; this one goes on as
// soon as there is one again.
//
// A refused connection is closed at once. Who is given a connection owns and closes it; this class
// finds out by itself which are still open.
//
// Owned by a server. Thread-safe, but for Start() and Stop(), which are called by one thread.
//
//   SOUVENIR_ASSIGN_OR_RETURN(auto listener, ConnectionListener::Create(options));
//   ... whatever on_connection needs, which may want listener->port() ...
//   listener->Start();
class ConnectionListener {
 public:
  struct Options {
    std::string name = "public";  // in lines of log
    std::string address;          // as ListenOn()
    size_t max_connections = 4096;
    // Of one address; IPv6's last 64 bits do not count, because a client may choose them.
    size_t max_connections_per_peer = 64;
    // Takes a connection that does not block. On the listener's thread; must not block.
    std::function<void(int listener, int connection)> on_connection;
    // Told false when connections are refused because there are too many, or no descriptors; and
    // true once there has been room for a second. Not told of a peer that alone has too many. On
    // the listener's thread; may be empty.
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

  // Listens; connections wait until Start(). As ListenOn(), and INVALID_ARGUMENT for limits of 0.
  static absl::StatusOr<std::unique_ptr<ConnectionListener>> Create(Options options);

  // As Stop().
  ~ConnectionListener();

  int port() const { return port_; }
  Stats stats() const;

  void Start();
  // Closes the port; connections that are open stay so. Returns when on_connection is not being
  // called any more, and will not be. Idempotent.
  void Stop();

  // Cuts the connections that are still open, whatever was written to them and is not read; who
  // owns them notices, and closes them. REQUIRES: stopped.
  void Disconnect();

 private:
  struct Held {
    uint64_t cookie;  // of the socket: the descriptor's number may be another file's by now
    std::string peer;
  };

  ConnectionListener(Options options, std::vector<int> sockets, int port);

  void Run();
  // Takes what waits at `socket`.
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
  // Whether a connection of some peer would be taken now.
  bool HasRoom();

  // Makes room if it can: which counter of refusals is to go up, or null if `peer` may come in.
  uint64_t Stats::*Admit(const std::string& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets connections that were closed.
  void SweepPeer(const std::string& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SweepAll() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(int connection) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const int port_;

  // Of the listener's thread.
  std::vector<int> sockets_;
  int reserve_;  // given up to accept, and refuse, a connection where there is no other descriptor
  bool accepting_ = true;
  absl::Duration looked_at_;  // when accepting_ was found to be so
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
