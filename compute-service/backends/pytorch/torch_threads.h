#pragma once

#include "absl/status/status.h"

namespace souvenir::compute {

// Numbers of threads that libtorch computes with.
struct TorchThreads {
  // Threads that an operator is split over, the calling one included. Each thread that runs models
  // has so many.
  int intra_op = 1;
  int inter_op = 1;  // threads of the process for tasks that models start with torch.jit.fork

  bool operator==(const TorchThreads&) const = default;
};

// Makes libtorch use these numbers of threads for models that run on the calling thread. Starts
// threads at the first call on a thread; later calls are cheap. Thread-safe.
//
// libtorch keeps the number of an operator's threads per thread (OpenMP's setting), and the number
// of the interpreter's threads per process, where it cannot be changed. OpenBLAS follows OpenMP,
// but keeps its number and the buffers of its threads per process: two threads with different
// numbers would free each other's buffers during a product. Hence a process has one setting.
// FAILED_PRECONDITION if `threads` differ from those of the first call; INTERNAL if libtorch fails.
absl::Status UseTorchThreads(const TorchThreads& threads);

// Keeps libtorch from starting threads while the calling thread loads a model. Has no effect once
// UseTorchThreads() was called in the process. A forked process has none of its parent's threads,
// so threads must be started after the fork.
void StartNoTorchThreads();

}  // namespace souvenir::compute
