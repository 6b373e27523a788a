// bench-apertium-workers measures the engine without a service. Each worker gets one text after
// another directly from a thread of its own.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "compute-service/backends/apertium/apertium_backend.h"
#include "tests/bench/command_line.h"

ABSL_FLAG(std::string, texts, "", "file with one text a line");
ABSL_FLAG(std::string, mode, "eng-spa", "of Apertium");
ABSL_FLAG(std::string, modes_directory, "/usr/share/apertium/modes", "where the modes are");
ABSL_FLAG(std::string, worker, "", "path of souvenir-worker-apertium");
ABSL_FLAG(int, workers, 2, "asked at the same time");
ABSL_FLAG(double, seconds, 2, "stop after this long, or when the texts are used up");

namespace souvenir::bench {
namespace {

using compute::Instance;
using SteadyClock = std::chrono::steady_clock;

std::vector<std::string> ReadLines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

absl::StatusOr<std::unique_ptr<compute::Model>> LoadModel() {
  SOUVENIR_ASSIGN_OR_RETURN(
      std::unique_ptr<compute::ApertiumBackend> backend,
      compute::ApertiumBackend::Create({.modes_directory = absl::GetFlag(FLAGS_modes_directory),
                                        .worker_program = absl::GetFlag(FLAGS_worker)}));
  compute::ModelDescription description;
  description.config.set_name("apertium-" + absl::GetFlag(FLAGS_mode));
  description.config.set_backend("apertium");
  SOUVENIR_RETURN_IF_ERROR(backend->Complete(&description));
  return backend->Load(description, /*cancellation=*/nullptr);
}

absl::Status Translate(Instance& instance, const std::string& text) {
  static constexpr int64_t kShape[] = {1, 1};
  const std::string element = FrameBytesElement(text);
  const TensorView input{"text", DataType::kBytes, kShape, element};
  static const std::string output = "translation";
  return instance
      .Run({.inputs = {&input, 1}, .outputs = {&output, 1}, .row_limit = absl::Minutes(1)})
      .status();
}

absl::Status Run() {
  const std::vector<std::string> texts = ReadLines(absl::GetFlag(FLAGS_texts));
  if (texts.empty()) return absl::InvalidArgumentError("--texts names no file with a text");
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<compute::Model> model, LoadModel());
  std::vector<std::unique_ptr<Instance>> instances;
  for (int i = 0; i < absl::GetFlag(FLAGS_workers); ++i) {
    SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Instance> instance, model->CreateInstance());
    SOUVENIR_RETURN_IF_ERROR(Translate(*instance, "warm up"));
    instances.push_back(std::move(instance));
  }
  std::atomic<size_t> next{0};
  std::atomic<uint64_t> done{0};
  std::atomic<uint64_t> failed{0};
  const SteadyClock::time_point begun = SteadyClock::now();
  const std::chrono::duration<double> limit(absl::GetFlag(FLAGS_seconds));
  std::vector<std::thread> threads;
  for (const std::unique_ptr<Instance>& instance : instances) {
    threads.emplace_back([&, instance = instance.get()] {
      while (SteadyClock::now() - begun < limit) {
        const size_t number = next.fetch_add(1);
        if (number >= texts.size()) return;
        ++(Translate(*instance, texts[number]).ok() ? done : failed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  if (failed > 0) return absl::InternalError(fmt::format("{} texts failed", failed.load()));
  fmt::print(R"({{"ok": {}, "seconds": {:.4f}, "per_second": {:.1f}}})"
             "\n",
             done.load(), seconds, static_cast<double>(done) / seconds);
  return absl::OkStatus();
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(argc, argv,
                                    "translates texts in engine workers, without any service");
  const absl::Status status = souvenir::bench::Run();
  if (status.ok()) return 0;
  fmt::print(stderr, "bench-apertium-workers: {}\n", std::string(status.message()));
  return 1;
}
