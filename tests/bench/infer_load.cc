// bench-infer-load sends numbered inputs to a model of bench-model-server through a gateway. It
// prints a JSON object with the number of right answers, the duration and latencies.
//
// Each of --in_flight places has one call after another under way. With --rate calls are sent at
// that rate per second, regardless of answers, as long as a place is free.
//
// An answer counts as right only if the call has the status OK and each value belongs to its input.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/tensor/bytes_elements.h"
#include "inference/grpc_service.grpc.pb.h"
#include "tests/bench/command_line.h"
#include "tests/bench/model_value.h"

ABSL_FLAG(std::string, server, "127.0.0.1:8001", "host:port of the gateway");
ABSL_FLAG(std::string, model, "zero", "asked for");
ABSL_FLAG(uint64_t, first, 0, "number of the first input");
ABSL_FLAG(uint64_t, count, 1, "inputs from there on; after the last comes the first again");
ABSL_FLAG(std::string, order, "sequential",
          "sequential or random; either way each once before any comes again");
ABSL_FLAG(uint64_t, skip, 0, "of that order to leave out, to go on where another run ended");
ABSL_FLAG(uint64_t, requests, 0, "to send; 0: as many as --seconds allow");
ABSL_FLAG(double, seconds, 0, "stop sending after so long; 0: when --requests are sent");
ABSL_FLAG(int, rows, 1, "inputs of one request");
ABSL_FLAG(int, in_flight, 16, "calls under way at most");
ABSL_FLAG(double, rate, 0, "calls a second; 0: the next as soon as one is answered");
ABSL_FLAG(int, connections, 4, "that the calls are dealt out to");
ABSL_FLAG(
    std::string, request, "",
    "file with a ModelInferRequest, sent again and again in place of inputs: every answer must "
    "be as the first");
ABSL_FLAG(bool, exact, false, "compare every byte of an answer, not only what it begins with");
ABSL_FLAG(uint64_t, value_bytes, 300, "with --exact: what the server was given");
ABSL_FLAG(uint64_t, most_value_bytes, 1024, "with --exact: what the server was given");

namespace souvenir::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string server;
  std::string model;
  uint64_t first;
  uint64_t count;
  bool random;
  uint64_t skip;
  uint64_t requests;  // 0 for no limit
  std::chrono::duration<double> limit;
  uint64_t rows;
  int in_flight;
  double rate;
  int connections;
  std::optional<ValueBytes> exact;  // set if every byte is compared
  // Sent instead of inputs if it names a model.
  inference::ModelInferRequest request;
};

// Returns each number once before any repeats. The order is ascending, or has large steps whose
// length is coprime to the count.
class Numbers {
 public:
  Numbers(uint64_t first, uint64_t count, bool random) : first_(first), count_(count) {
    if (!random || count < 3) return;
    step_ = static_cast<uint64_t>(static_cast<double>(count) * 0.6180339887);
    while (std::gcd(step_, count_) != 1) ++step_;
  }

  uint64_t At(uint64_t place) const {
    const auto far = static_cast<__uint128_t>(place % count_) * step_;
    return first_ + static_cast<uint64_t>(far % count_);
  }

 private:
  const uint64_t first_;
  const uint64_t count_;
  uint64_t step_ = 1;
};

std::string InputOf(uint64_t number) { return fmt::format("input {:020}", number); }

// Sends the calls and collects the results. Lives on the stack of main. Calls complete on gRPC's
// threads, which start the next call in the same place. If there is a rate, the thread in Run()
// starts all calls.
class Generator {
 public:
  explicit Generator(const Options& options)
      : options_(options), numbers_(options.first, options.count, options.random) {
    for (int i = 0; i < options.connections; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection per channel
      stubs_.push_back(inference::GRPCInferenceService::NewStub(grpc::CreateCustomChannel(
          options.server, grpc::InsecureChannelCredentials(), arguments)));
    }
    for (int i = 0; i < options.in_flight; ++i) {
      places_.push_back(std::make_unique<Place>());
      places_.back()->stub = stubs_[static_cast<size_t>(i % options.connections)].get();
      free_.push_back(places_.back().get());
    }
  }

  // Sends all calls and waits for their answers.
  void Run() {
    started_ = SteadyClock::now();
    if (options_.rate > 0) {
      RunAtRate();
    } else {
      std::vector<Place*> places;
      {
        MutexLock lock(&mutex_);
        places.swap(free_);
      }
      for (Place* place : places) Next(place);
    }
    MutexLock lock(&mutex_);
    while (free_.size() < places_.size()) freed_.Wait(&mutex_);
    elapsed_ = SteadyClock::now() - started_;
  }

  // REQUIRES: Run() has returned.
  std::string Report() const {
    std::vector<uint32_t> latencies;
    for (const auto& place : places_) {
      latencies.insert(latencies.end(), place->latencies_us.begin(), place->latencies_us.end());
    }
    std::sort(latencies.begin(), latencies.end());
    const auto percentile = [&](double fraction) -> uint32_t {
      if (latencies.empty()) return 0;
      return latencies[static_cast<size_t>(fraction * static_cast<double>(latencies.size() - 1))];
    };
    const double seconds = std::chrono::duration<double>(elapsed_).count();
    return fmt::format(R"({{"requests": {}, "errors": {}, "value_bytes": {}, "seconds": {:.4f}, )"
                       R"("per_second": {:.1f}, "p50_us": {}, "p99_us": {}}})",
                       latencies.size(), errors(), value_bytes(), seconds,
                       static_cast<double>(latencies.size()) / seconds, percentile(0.50),
                       percentile(0.99));
  }

  uint64_t errors() const {
    uint64_t sum = 0;
    for (const auto& place : places_) sum += place->errors;
    return sum;
  }

 private:
  // The state of one call after another. Used by one thread at a time.
  struct Place {
    inference::GRPCInferenceService::Stub* stub;
    // The callback must not destroy the context. The last owner of a channel joins the threads that
    // run callbacks (gRPC 1.51), so it must not be one of them.
    std::optional<grpc::ClientContext> context;
    inference::ModelInferRequest request;
    inference::ModelInferResponse response;
    std::vector<std::string> inputs;
    std::string first;  // first answer, if there are no inputs
    SteadyClock::time_point sent;
    std::vector<uint32_t> latencies_us;  // latencies of right answers
    uint64_t errors = 0;
    uint64_t value_bytes = 0;
  };

  uint64_t value_bytes() const {
    uint64_t sum = 0;
    for (const auto& place : places_) sum += place->value_bytes;
    return sum;
  }

  // Returns the number of the next call, or nullopt if all have been sent.
  std::optional<uint64_t> Take() {
    if (options_.limit.count() > 0 && SteadyClock::now() - started_ >= options_.limit) return {};
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    if (options_.requests > 0 && number >= options_.requests) return {};
    return number;
  }

  void Next(Place* place) {
    const std::optional<uint64_t> number = Take();
    if (number) {
      Send(place, *number, SteadyClock::now());
    } else {
      Free(place);
    }
  }

  void RunAtRate() {
    // With the default slack the kernel may wake a thread 50 µs late.
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    const std::chrono::duration<double> step(1 / options_.rate);
    SteadyClock::time_point caught_up = started_;
    while (const std::optional<uint64_t> number = Take()) {
      const auto due = started_ + std::chrono::duration_cast<SteadyClock::duration>(
                                      step * static_cast<double>(*number));
      std::this_thread::sleep_until(due);
      Place* place = nullptr;
      {
        MutexLock lock(&mutex_);
        while (free_.empty()) {
          freed_.Wait(&mutex_);
          caught_up = SteadyClock::now();
        }
        place = free_.back();
        free_.pop_back();
      }
      // The latency includes the time for which a call waits for earlier answers, since it waits
      // for the server. It excludes the time by which this thread woke up late.
      Send(place, *number, due < caught_up ? due : SteadyClock::now());
    }
  }

  void Send(Place* place, uint64_t number, SteadyClock::time_point sent) {
    if (!options_.request.model_name().empty()) {
      place->request = options_.request;
    } else {
      FillIn(number, place);
    }
    place->sent = sent;
    place->context.emplace();
    place->context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    place->stub->async()->ModelInfer(
        &*place->context, &place->request, &place->response,
        [this, place](const grpc::Status& status) { Done(place, status); });
  }

  void FillIn(uint64_t number, Place* place) const {
    inference::ModelInferRequest& request = place->request;
    request.Clear();
    request.set_model_name(options_.model);
    auto* const input = request.add_inputs();
    input->set_name("in");
    input->set_datatype("BYTES");
    input->add_shape(static_cast<int64_t>(options_.rows));
    input->add_shape(1);
    place->inputs.clear();
    std::string* const contents = request.add_raw_input_contents();
    for (uint64_t row = 0; row < options_.rows; ++row) {
      place->inputs.push_back(InputOf(numbers_.At(options_.skip + number * options_.rows + row)));
      AppendBytesElement(place->inputs.back(), contents);
    }
  }

  void Done(Place* place, const grpc::Status& status) {
    const auto latency =
        std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - place->sent);
    const std::string wrong = status.ok() ? WhatIsWrong(place) : status.error_message();
    if (wrong.empty()) {
      place->latencies_us.push_back(static_cast<uint32_t>(latency.count()));
    } else {
      ++place->errors;
      if (!told_.exchange(true)) fmt::print(stderr, "first failure: {}\n", wrong);
    }
    if (options_.rate > 0) {
      Free(place);
    } else {
      Next(place);
    }
  }

  bool IsRight(const std::string& input, std::string_view value) const {
    return options_.exact ? value == MakeValue(input, *options_.exact) : IsValueOf(input, value);
  }

  // Returns the fault of an answer; "" if it is right.
  std::string WhatIsWrong(Place* place) const {
    const inference::ModelInferResponse& response = place->response;
    if (place->inputs.empty()) {
      if (place->first.empty()) place->first = response.raw_output_contents(0);
      return response.raw_output_contents(0) == place->first ? "" : "another answer than the first";
    }
    if (response.raw_output_contents_size() != 1) {
      return fmt::format("{} outputs, expected 1", response.raw_output_contents_size());
    }
    BytesElementReader values(response.raw_output_contents(0));
    for (const std::string& input : place->inputs) {
      const std::optional<std::string_view> value = values.Next();
      if (!value || !IsRight(input, *value)) {
        return fmt::format("the answer to '{}' is not its own", input);
      }
      place->value_bytes += value->size();
    }
    if (!values.complete()) return "more values than inputs";
    return "";
  }

  void Free(Place* place) {
    // Notified under the lock: once it is released, Run() may return and the lock be destroyed.
    MutexLock lock(&mutex_);
    free_.push_back(place);
    freed_.NotifyAll();
  }

  const Options options_;
  const Numbers numbers_;
  std::vector<std::unique_ptr<inference::GRPCInferenceService::Stub>> stubs_;
  std::vector<std::unique_ptr<Place>> places_;
  SteadyClock::time_point started_;  // set before the first call
  SteadyClock::duration elapsed_{};  // set after the last call
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> told_{false};

  Mutex mutex_;
  CondVar freed_;
  std::vector<Place*> free_ ABSL_GUARDED_BY(mutex_);  // places without a call under way
};

absl::Status Read(Options* options) {
  const std::string order = absl::GetFlag(FLAGS_order);
  if (order != "sequential" && order != "random") {
    return absl::InvalidArgumentError(
        fmt::format("--order={}; it can be sequential or random", order));
  }
  const int rows = absl::GetFlag(FLAGS_rows);
  *options = {.server = absl::GetFlag(FLAGS_server),
              .model = absl::GetFlag(FLAGS_model),
              .first = absl::GetFlag(FLAGS_first),
              .count = absl::GetFlag(FLAGS_count),
              .random = order == "random",
              .skip = absl::GetFlag(FLAGS_skip),
              .requests = absl::GetFlag(FLAGS_requests),
              .limit = std::chrono::duration<double>(absl::GetFlag(FLAGS_seconds)),
              .rows = static_cast<uint64_t>(rows),
              .in_flight = absl::GetFlag(FLAGS_in_flight),
              .rate = absl::GetFlag(FLAGS_rate),
              .connections = absl::GetFlag(FLAGS_connections),
              .exact = {},
              .request = {}};
  if (absl::GetFlag(FLAGS_exact)) {
    options->exact = {absl::GetFlag(FLAGS_value_bytes), absl::GetFlag(FLAGS_most_value_bytes)};
  }
  if (const std::string file = absl::GetFlag(FLAGS_request); !file.empty()) {
    std::ifstream stream(file, std::ios::binary);
    if (!options->request.ParseFromIstream(&stream)) {
      return absl::InvalidArgumentError(
          fmt::format("--request={}: it cannot be read, or is no ModelInferRequest", file));
    }
  }
  if (options->count < 1 || rows < 1 || options->in_flight < 1 || options->connections < 1) {
    return absl::InvalidArgumentError(
        "--count, --rows, --in_flight and --connections must be at least 1");
  }
  if (!(options->rate >= 0) || !(options->limit.count() >= 0)) {
    return absl::InvalidArgumentError("--rate and --seconds must be at least 0");
  }
  if (options->requests == 0 && options->limit.count() == 0) {
    return absl::InvalidArgumentError("--requests or --seconds must say when to stop");
  }
  return absl::OkStatus();
}

int Run() {
  Options options;
  const absl::Status read = Read(&options);
  if (!read.ok()) {
    fmt::print(stderr, "bench-infer-load: {}\n", std::string(read.message()));
    return 2;
  }
  Generator generator(options);
  generator.Run();
  fmt::print("{}\n", generator.Report());
  return generator.errors() > 0 ? 1 : 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(
      argc, argv,
      "asks a model about numbered inputs and counts, e.g.\n"
      "  bench-infer-load --server=127.0.0.1:8001 --count=1000 --order=random --seconds=3");
  return souvenir::bench::Run();
}
