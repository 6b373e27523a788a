// souvenir-worker-audio reads and writes audio files in processes of their own. souvenir-compute
// starts it.

#include <sys/resource.h>

#include <optional>

#include "common/version/about_program.h"
#include "compute-service/backends/audio/audio_engine.h"
#include "compute-service/isolation/model_worker.h"

namespace {

// Address space of the host and of each worker. It holds the largest message several times, and is
// far from what a file can make a library ask for. A request that wants more fails, and only that.
constexpr rlim_t kMostMemory = rlim_t{2} << 30;

void LimitMemory() {
  // A sanitizer reserves terabytes of addresses that it never uses.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0) return;
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur <= kMostMemory) return;
  limit.rlim_cur = kMostMemory;
  (void)setrlimit(RLIMIT_AS, &limit);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<int> exit_code = souvenir::AnswerAboutProgram(
      argc, argv, "souvenir-worker-audio",
      "Reads and writes audio files in processes of their own. souvenir-compute starts it.");
  if (exit_code) return *exit_code;
  LimitMemory();
  souvenir::compute::AudioEngine backend;
  return souvenir::compute::RunModelWorker(argc, argv, &backend);
}
