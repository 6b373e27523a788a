// bench-model-server is a server of the Open Inference Protocol, behind a gateway, whose models
// have configured costs. Each takes BYTES `in`, one element per row, and returns BYTES `out`,
// always the same bytes for the same input:
//
//   zero    answers at once
//   sleep   answers after --sleep_ms without using a processor, like a model on another machine
//   burn    uses a processor for --burn_ms per request, on --burn_threads threads, which have the
//           nice value of souvenir-compute's models

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/run_until_signal.h"
#include "common/grpc/status.h"
#include "common/logging/logging.h"
#include "common/oip/message_tensors.h"
#include "common/oip/valid_inference.h"
#include "common/sha256.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/timer_queue.h"
#include "inference/grpc_service.grpc.pb.h"
#include "tests/bench/command_line.h"
#include "tests/bench/model_value.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0", "host:port; port 0 is any that is free");
ABSL_FLAG(uint64_t, value_bytes, 300, "the least bytes of an answer's value");
ABSL_FLAG(uint64_t, most_value_bytes, 1024, "the most; as --value_bytes: all of that size");
ABSL_FLAG(double, sleep_ms, 100, "how long the model `sleep` takes");
ABSL_FLAG(double, burn_ms, 10, "how much of a processor's time a request to `burn` takes");
ABSL_FLAG(int, burn_threads, 0, "that burn; 0: one for each core");

namespace souvenir::bench {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

constinit Logger log{"main"};

constexpr int kNice = 10;  // default of souvenir-compute's `model_nice`
constexpr char kVersion[] = "1";
constexpr char kInputName[] = "in";
constexpr char kOutputName[] = "out";

// Returns the processor time of the calling thread. With real time, a thread that waits for a
// processor would have less work.
absl::Duration ThreadTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return absl::DurationFromTimespec(now);
}

void Burn(absl::Duration duration) {
  const absl::Duration end = ThreadTime() + duration;
  volatile uint64_t word = 1;
  do {
    for (int i = 0; i < 20'000; ++i) word = word * 6364136223846793005 + 1;
  } while (ThreadTime() < end);
}

inference::ModelConfig ConfigOf(const std::string& name) {
  inference::ModelConfig config;
  config.set_name(name);
  config.set_backend("bench");
  config.set_max_batch_size(64);
  auto* const input = config.add_input();
  input->set_name(kInputName);
  input->set_data_type(inference::TYPE_STRING);
  input->add_dims(1);
  auto* const output = config.add_output();
  output->set_name(kOutputName);
  output->set_data_type(inference::TYPE_STRING);
  output->add_dims(1);
  (*config.mutable_parameters())["row_exact"].set_string_value("true");
  config.mutable_response_cache()->set_enable(true);
  return config;
}

// Returns the digest of a model. Its answers depend on the sizes of values; the name is included
// for form.
std::string DigestOf(const std::string& name, const ValueBytes& bytes) {
  Sha256 hash;
  hash.Add(name);
  hash.Add(bytes.least);
  hash.Add(bytes.most);
  return HexString(hash.Finish());
}

// Handlers never block. They answer at once, or leave that to the timers or the burning threads.
// Lives on the stack of main and outlives its server. Thread-safe.
class ModelService final : public inference::GRPCInferenceService::CallbackService {
 public:
  struct Options {
    ValueBytes value_bytes;
    absl::Duration sleep;
    absl::Duration burn;
  };

  ModelService(const Options& options, TimerQueue* timers, Executor* burners)
      : options_(options), timers_(*timers), burners_(*burners) {
    for (const char* name : {"zero", "sleep", "burn"}) {
      models_[name] = {ConfigOf(name), DigestOf(name, options.value_bytes)};
    }
  }

  ServerUnaryReactor* ServerLive(CallbackServerContext* context,
                                 const inference::ServerLiveRequest*,
                                 inference::ServerLiveResponse* response) override {
    response->set_live(true);
    return Answer(context, absl::OkStatus());
  }

  ServerUnaryReactor* ServerReady(CallbackServerContext* context,
                                  const inference::ServerReadyRequest*,
                                  inference::ServerReadyResponse* response) override {
    response->set_ready(true);
    return Answer(context, absl::OkStatus());
  }

  ServerUnaryReactor* ModelReady(CallbackServerContext* context,
                                 const inference::ModelReadyRequest* request,
                                 inference::ModelReadyResponse* response) override {
    const auto model = Find(request->name(), request->version());
    if (model.ok()) response->set_ready(true);
    return Answer(context, model.status());
  }

  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context,
                                    const inference::ModelMetadataRequest* request,
                                    inference::ModelMetadataResponse* response) override {
    const auto model = Find(request->name(), request->version());
    if (!model.ok()) return Answer(context, model.status());
    response->set_name((*model)->config.name());
    response->add_versions(std::string(kVersion));
    response->set_platform((*model)->config.backend());
    const auto describe = [](const char* name, auto* tensor) {
      tensor->set_name(name);
      tensor->set_datatype("BYTES");
      tensor->add_shape(-1);
      tensor->add_shape(1);
    };
    describe(kInputName, response->add_inputs());
    describe(kOutputName, response->add_outputs());
    (*response->mutable_properties())[kDigestName] = (*model)->digest;
    return Answer(context, absl::OkStatus());
  }

  ServerUnaryReactor* ModelConfig(CallbackServerContext* context,
                                  const inference::ModelConfigRequest* request,
                                  inference::ModelConfigResponse* response) override {
    const auto model = Find(request->name(), request->version());
    if (model.ok()) *response->mutable_config() = (*model)->config;
    return Answer(context, model.status());
  }

  ServerUnaryReactor* RepositoryIndex(CallbackServerContext* context,
                                      const inference::RepositoryIndexRequest*,
                                      inference::RepositoryIndexResponse* response) override {
    for (const auto& [name, model] : models_) {
      auto* const entry = response->add_models();
      entry->set_name(name);
      entry->set_version(kVersion);
      entry->set_state("READY");
    }
    return Answer(context, absl::OkStatus());
  }

  ServerUnaryReactor* ModelInfer(CallbackServerContext* context,
                                 const inference::ModelInferRequest* request,
                                 inference::ModelInferResponse* response) override {
    const auto model = Find(request->model_name(), request->model_version());
    if (!model.ok()) return Answer(context, model.status());
    ServerUnaryReactor* const reactor = context->DefaultReactor();
    // gRPC keeps the request and the response until the reactor has finished.
    const auto finish = [this, model = *model, request, response, reactor,
                         begun = Clock::System()->Monotonic()] {
      reactor->Finish(ToGrpcStatus(Infer(*model, *request, begun, response)));
    };
    const std::string& name = (*model)->config.name();
    if (name == "sleep") {
      timers_.Schedule(Clock::System()->Monotonic() + options_.sleep, finish);
    } else if (name == "burn") {
      Task task = [this, finish] {
        Burn(options_.burn);
        finish();
      };
      if (!burners_.TrySubmit(task)) {
        reactor->Finish(
            ToGrpcStatus(absl::ResourceExhaustedError("too many requests wait to be burnt for")));
      }
    } else {
      finish();
    }
    return reactor;
  }

 private:
  struct Model {
    inference::ModelConfig config;
    std::string digest;
  };

  static ServerUnaryReactor* Answer(CallbackServerContext* context, const absl::Status& status) {
    ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }

  absl::StatusOr<const Model*> Find(const std::string& name, const std::string& version) const {
    const auto found = models_.find(name);
    if (found == models_.end()) {
      return absl::NotFoundError(fmt::format("no model '{}'; there are: burn, sleep, zero", name));
    }
    if (!version.empty() && version != kVersion) {
      return absl::NotFoundError(
          fmt::format("no version '{}' of model '{}'; there is: {}", version, name, kVersion));
    }
    return &found->second;
  }

  absl::Status Infer(const Model& model, const inference::ModelInferRequest& request,
                     absl::Duration begun, inference::ModelInferResponse* response) const {
    SOUVENIR_ASSIGN_OR_RETURN(const ValidInference valid, ValidateInference(model.config, request));
    Tensor output{kOutputName, DataType::kBytes, {valid.rows, 1}, ""};
    BytesElementReader reader(valid.inputs.front().data);
    while (const std::optional<std::string_view> element = reader.Next()) {
      AppendBytesElement(MakeValue(*element, options_.value_bytes), &output.data);
    }
    response->set_model_name(model.config.name());
    response->set_model_version(kVersion);
    response->set_id(request.id());
    auto& parameters = *response->mutable_parameters();
    parameters[kDigestName].set_string_param(model.digest);
    parameters[kComputeTimeName].set_int64_param(
        absl::ToInt64Nanoseconds(Clock::System()->Monotonic() - begun));
    std::vector<Tensor> outputs;
    outputs.push_back(std::move(output));
    AppendOutputs(std::move(outputs), response);
    return absl::OkStatus();
  }

  const Options options_;
  TimerQueue& timers_;
  Executor& burners_;
  std::map<std::string, Model> models_;  // constant after construction
};

absl::Status CheckFlags() {
  const uint64_t least = absl::GetFlag(FLAGS_value_bytes);
  const uint64_t most = absl::GetFlag(FLAGS_most_value_bytes);
  if (least < kLeastValueBytes || most < least) {
    return absl::InvalidArgumentError(fmt::format(
        "--value_bytes={} --most_value_bytes={}; the least must be at least {}, and not above the "
        "most",
        least, most, kLeastValueBytes));
  }
  if (!(absl::GetFlag(FLAGS_sleep_ms) >= 0) || !(absl::GetFlag(FLAGS_burn_ms) >= 0)) {
    return absl::InvalidArgumentError("--sleep_ms and --burn_ms must be at least 0");
  }
  if (absl::GetFlag(FLAGS_burn_threads) < 0) {
    return absl::InvalidArgumentError(
        fmt::format("--burn_threads={}; it must be at least 0", absl::GetFlag(FLAGS_burn_threads)));
  }
  return absl::OkStatus();
}

absl::Status Run() {
  SOUVENIR_RETURN_IF_ERROR(InitLogging(LogOptions()));
  TimerQueue timers(Clock::System());
  ThreadExecutor::Options burning;
  burning.name = "burn";
  burning.threads = absl::GetFlag(FLAGS_burn_threads);
  if (burning.threads == 0) {
    burning.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  burning.nice = kNice;
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<ThreadExecutor> burners,
                            ThreadExecutor::Create(burning));
  ModelService service(
      {.value_bytes = {absl::GetFlag(FLAGS_value_bytes), absl::GetFlag(FLAGS_most_value_bytes)},
       .sleep = absl::Milliseconds(absl::GetFlag(FLAGS_sleep_ms)),
       .burn = absl::Milliseconds(absl::GetFlag(FLAGS_burn_ms))},
      &timers, burners.get());
  GrpcServer::Options options;
  options.address = absl::GetFlag(FLAGS_listen);
  options.services = {&service};
  options.connections.max_connections_per_peer = options.connections.max_connections;
  // Made last, so that it is destroyed first: calls under way still need the objects above.
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> server, GrpcServer::Start(options));
  log.Info("serving", {{"listen", fmt::format("127.0.0.1:{}", server->port())}});
  RunUntilSignal({.stop = [&] { server->Shutdown(absl::Seconds(1)); },
                  .reload = [] { return absl::OkStatus(); }});
  return absl::OkStatus();
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(argc, argv,
                                    "models `zero`, `sleep` and `burn` of chosen cost, over gRPC");
  souvenir::BlockSignals();
  absl::Status status = souvenir::bench::CheckFlags();
  const int failed = status.ok() ? 1 : 2;
  if (status.ok()) status = souvenir::bench::Run();
  if (status.ok()) return 0;
  fmt::print(stderr, "bench-model-server: {}\n", std::string(status.message()));
  return failed;
}
