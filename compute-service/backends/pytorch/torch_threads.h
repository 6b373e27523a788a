#pragma once

#include "absl/status/status.h"

namespace souvenir::compute {

// How many threads libtorch computes with, the calling one included.
struct TorchThreads {
  int intra_op = 1;  // that one operator is split over, for each thread that runs models
  int inter_op = 1;  // of the process, for what a model starts with torch.jit.fork

  bool operator==(const TorchThreads&) const = default;
};

// Has models on the calling thread computed with so many threads from now on. Cheap where that is
// so already; starts threads otherwise. Thread-safe.
//
// libtorch keeps the number of an operator's threads for each thread (OpenMP's setting) and that of
// the interpreter's for the process, where it cannot be changed. OpenBLAS follows OpenMP, but keeps
// its number and its threads' buffers for the process: two threads that ask for different numbers
// would take each other's buffers away in the middle of a product. So a process has one setting:
// FAILED_PRECONDITION for another than that of the first call.
absl::Status UseTorchThreads(const TorchThreads& threads);

// Has libtorch start no threads on the calling one, unless the process has a setting already. For
// loading: what a process computes with is to be decided after it has forked, because a fork has
// none of its parent's threads.
void StartNoTorchThreads();

}  // namespace souvenir::compute
