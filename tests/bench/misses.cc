// bench-misses lets a gateway translate the lines of a file, each once, with a fixed number of
// calls under way, until the lines or the time are used up. With --rate the calls begin at fixed
// times, however many are under way. It prints a JSON object with the number of right answers,
// their kinds, the duration and latencies.
//
// An answer counts as right only if its call and its target have the status OK and it has text. A
// load generator that counts other answers measures how fast a server can fail.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "common/mutex.h"
#include "souvenir/v1/translation.grpc.pb.h"
#include "tests/bench/command_line.h"

ABSL_FLAG(std::string, server, "127.0.0.1:8001", "host:port of the gateway");
ABSL_FLAG(std::string, texts, "", "file with one text a line");
ABSL_FLAG(std::string, source, "en", "language of the texts");
ABSL_FLAG(std::string, target, "es", "language to translate into");
ABSL_FLAG(int, outstanding, 8, "calls under way at any time");
ABSL_FLAG(double, rate, 0, "calls a second; 0: the next as soon as one is answered");
ABSL_FLAG(bool, again, false, "begin with the first text again after the last");
ABSL_FLAG(double, seconds, 0, "stop sending after this long; 0: when the texts are used up");

namespace souvenir::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Sends the texts and collects the results. Lives on the stack of main. Calls complete on gRPC's
// threads, which start the next call, so that the load needs no other thread.
class Generator {
 public:
  Generator(std::unique_ptr<v1::TranslationService::Stub> stub, std::vector<std::string> texts,
            std::chrono::duration<double> limit)
      : stub_(std::move(stub)), texts_(std::move(texts)), limit_(limit) {
    latencies_us_.reserve(texts_.size());
  }

  // Sends all texts and waits for their answers.
  void Run(int outstanding) {
    started_ = SteadyClock::now();
    for (int i = 0; i < outstanding; ++i) (void)Next(SteadyClock::now());
    WaitForAnswers();
  }

  // The same with `rate` calls a second. The latency of a call counts from the time at which it
  // should have begun, so that a generator that is held up hides nothing.
  void RunPaced(double rate) {
    paced_ = true;
    started_ = SteadyClock::now();
    for (uint64_t i = 0;; ++i) {
      const auto due = started_ + std::chrono::duration_cast<SteadyClock::duration>(
                                      std::chrono::duration<double>(static_cast<double>(i) / rate));
      std::this_thread::sleep_until(due);
      if (!Next(due)) break;
    }
    WaitForAnswers();
  }

  void WaitForAnswers() {
    MutexLock lock(&mutex_);
    while (under_way_ > 0) idle_.Wait(&mutex_);
    elapsed_ = SteadyClock::now() - started_;
  }

  std::string Report() {
    MutexLock lock(&mutex_);
    std::sort(latencies_us_.begin(), latencies_us_.end());
    std::string kinds;
    for (const auto& [kind, count] : kinds_) {
      kinds += fmt::format("{}\"{}\": {}", kinds.empty() ? "" : ", ", kind, count);
    }
    return fmt::format(
        R"({{"ok": {}, "failed": {}, "seconds": {:.4f}, "p50_us": {}, "p99_us": {}, )"
        R"("kinds": {{{}}}}})",
        latencies_us_.size(), failed_, std::chrono::duration<double>(elapsed_).count(),
        Percentile(0.50), Percentile(0.99), kinds);
  }

  bool failed() {
    MutexLock lock(&mutex_);
    return failed_ > 0;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::TranslateRequest request;
    v1::TranslateResponse response;
    SteadyClock::time_point sent;
  };

  // Starts a call if there are texts and time left. Returns true if there were.
  bool Next(SteadyClock::time_point due) {
    Call* call = nullptr;
    {
      MutexLock lock(&mutex_);
      const bool late = limit_.count() > 0 && SteadyClock::now() - started_ >= limit_;
      if (next_ == texts_.size() && absl::GetFlag(FLAGS_again)) next_ = 0;
      if (late || next_ == texts_.size()) return false;
      call = calls_.emplace_back(std::make_unique<Call>()).get();
      call->request.set_text(texts_[next_++]);
      ++under_way_;
    }
    call->request.set_source_language(absl::GetFlag(FLAGS_source));
    call->request.add_target_languages(absl::GetFlag(FLAGS_target));
    call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    call->sent = due;
    stub_->async()->Translate(&call->context, &call->request, &call->response,
                              [this, call](const grpc::Status& status) { Done(*call, status); });
    return true;
  }

  void Done(const Call& call, const grpc::Status& status) {
    const auto latency =
        std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - call.sent);
    if (!paced_) (void)Next(SteadyClock::now());
    MutexLock lock(&mutex_);
    Record(call.response, status, latency.count());
    --under_way_;
    idle_.NotifyAll();
  }

  void Record(const v1::TranslateResponse& response, const grpc::Status& status, int64_t latency_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::string error;
    if (!status.ok()) {
      error = status.error_message();
    } else if (response.translations_size() != 1) {
      error = fmt::format("{} translations, expected 1", response.translations_size());
    } else if (response.translations(0).status().code() != 0) {
      error = response.translations(0).status().message();
    } else if (response.translations(0).text().empty()) {
      error = "an empty translation";
    } else {
      latencies_us_.push_back(latency_us);
      ++kinds_[v1::CacheKind_Name(response.translations(0).provenance().kind())];
      return;
    }
    if (failed_++ == 0) fmt::print(stderr, "first failure: {}\n", error);
  }

  int64_t Percentile(double fraction) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (latencies_us_.empty()) return 0;
    return latencies_us_[static_cast<size_t>(fraction *
                                             static_cast<double>(latencies_us_.size() - 1))];
  }

  const std::unique_ptr<v1::TranslationService::Stub> stub_;
  const std::vector<std::string> texts_;
  const std::chrono::duration<double> limit_;
  bool paced_ = false;               // set before the first call
  SteadyClock::time_point started_;  // the same
  SteadyClock::duration elapsed_{};  // set after the last call

  Mutex mutex_;
  CondVar idle_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t failed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<int64_t> latencies_us_ ABSL_GUARDED_BY(mutex_);  // latencies of right answers
  // Callbacks must not destroy calls. The last owner of a channel joins the threads that run
  // callbacks (gRPC 1.51), so it must not be one of them.
  std::vector<std::unique_ptr<Call>> calls_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> kinds_ ABSL_GUARDED_BY(mutex_);
};

int Run() {
  const std::string path = absl::GetFlag(FLAGS_texts);
  std::ifstream file(path);
  if (!file) {
    fmt::print(stderr, "cannot read --texts={}\n", path);
    return 2;
  }
  std::vector<std::string> texts;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) texts.push_back(line);
  }
  const int outstanding = absl::GetFlag(FLAGS_outstanding);
  if (outstanding < 1) {
    fmt::print(stderr, "--outstanding={}; it must be at least 1\n", outstanding);
    return 2;
  }
  Generator generator(v1::TranslationService::NewStub(grpc::CreateChannel(
                          absl::GetFlag(FLAGS_server), grpc::InsecureChannelCredentials())),
                      std::move(texts),
                      std::chrono::duration<double>(absl::GetFlag(FLAGS_seconds)));
  const double rate = absl::GetFlag(FLAGS_rate);
  if (rate > 0) {
    generator.RunPaced(rate);
  } else {
    generator.Run(outstanding);
  }
  fmt::print("{}\n", generator.Report());
  return generator.failed() ? 1 : 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(argc, argv,
                                    "translates the lines of a file through a gateway and counts");
  return souvenir::bench::Run();
}
