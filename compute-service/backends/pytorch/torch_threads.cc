#include "compute-service/backends/pytorch/torch_threads.h"

#include <ATen/Parallel.h>
#include <ATen/core/ivalue.h>  // before ops/, which clang cannot read without it in C++20
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include <optional>

#include "common/mutex.h"
#include "compute-service/backends/pytorch/torch_errors.h"

namespace souvenir::compute {
namespace {

// A product of matrices of this size makes OpenBLAS read the number of threads.
constexpr int64_t kProductSize = 256;

struct Process {
  Mutex mutex;
  std::optional<TorchThreads> threads ABSL_GUARDED_BY(mutex);
};

Process& TheProcess() {
  static Process process;
  return process;
}

thread_local bool this_thread_is_set = false;

}  // namespace

absl::Status UseTorchThreads(const TorchThreads& threads) {
  Process& process = TheProcess();
  MutexLock lock(&process.mutex);
  if (process.threads && *process.threads != threads) {
    return absl::FailedPreconditionError(fmt::format(
        "the model asks for {} threads for an operator and {} for the interpreter, but models of "
        "this process already use {} and {}, and OpenBLAS supports only one number; give all "
        "models the same INTRA_OP_THREAD_COUNT and INTER_OP_THREAD_COUNT",
        threads.intra_op, threads.inter_op, process.threads->intra_op, process.threads->inter_op));
  }
  if (this_thread_is_set) return absl::OkStatus();
  try {
    at::set_num_threads(threads.intra_op);
    if (!process.threads) {
      at::set_num_interop_threads(threads.inter_op);
      // OpenBLAS adopts the number in the first large product. That is not thread-safe, so the
      // first product is computed here, under the lock.
      (void)at::mm(at::ones({kProductSize, kProductSize}), at::ones({kProductSize, kProductSize}));
      process.threads = threads;
    }
  } catch (...) {
    return absl::InternalError(fmt::format("libtorch's threads could not be set: {}",
                                           ThrownLine(std::current_exception())));
  }
  this_thread_is_set = true;
  return absl::OkStatus();
}

void StartNoTorchThreads() {
  Process& process = TheProcess();
  MutexLock lock(&process.mutex);
  if (!process.threads) at::set_num_threads(1);
}

}  // namespace souvenir::compute
