// bench-hit-path measures the gateway's work for a hit without gRPC's. It calls the handlers with
// the bytes of a request repeatedly, and they answer from memory.
//
// Each call creates and destroys a context of gRPC; "NoHandler" measures only that. The rest of the
// other figures should be compared with "TypedEcho...", the work of gRPC's typed handlers for a
// server that answers with a ready message. The program is run by hand, and under callgrind for
// figures that do not depend on the machine.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/test/default_reactor_test_peer.h>

#include <memory>
#include <string>

#include "common/oip/message_tensors.h"
#include "common/souvenir_names.h"
#include "common/tensor/bytes_elements.h"
#include "gateway/rpc/inference_service.h"
#include "gateway/rpc/translation_service.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_executor.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

// The model of suite/hits.py.
constexpr char kModel[] = "apertium-eng-spa";
constexpr char kText[] =
    "The house is red, and the garden behind it is full of old trees that nobody has ever cut.";
constexpr char kTranslation[] =
    "La casa es roja, y el jardín detrás lo es lleno de árboles viejos que nadie ha cortado nunca.";

// Simulates the model, with the same translation for every text.
void Translate(const inference::ModelInferRequest& request,
               inference::ModelInferResponse* response) {
  const std::array<int64_t, 2> shape = {request.inputs(0).shape(0), 1};
  std::string translations;
  for (int64_t row = 0; row < shape[0]; ++row) translations += FrameBytesElement(kTranslation);
  response->set_model_version("1");
  AppendOutputs({{"translation", DataType::kBytes, shape, translations}}, response);
  (*response->mutable_parameters())[kComputeTimeName].set_int64_param(1'500'000);
  (*response->mutable_parameters())[kDigestName].set_string_param(std::string(64, 'a'));
}

std::string TranslateRequest() {
  v1::TranslateRequest request;
  request.set_text(kText);
  request.set_source_language("en");
  request.add_target_languages("es");
  return request.SerializeAsString();
}

// A request of `rows` different texts.
std::string InferRequest(int64_t rows = 1) {
  const std::array<int64_t, 2> shape = {rows, 1};
  std::string texts;
  for (int64_t row = 0; row < rows; ++row) {
    texts += FrameBytesElement(fmt::format("{}{}", kText, row));
  }
  inference::ModelInferRequest request;
  request.set_model_name(kModel);
  AppendInputs({{"text", DataType::kBytes, shape, texts}}, &request);
  return request.SerializeAsString();
}

grpc::ByteBuffer Buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Bytes(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.DumpToSingleSlice(&slice).ok()) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// A gateway without servers, disk and compute.
class Handlers {
 public:
  Handlers() {
    souvenir::state::v1::KnownModels models;
    auto* const model = models.add_models();
    *model = TranslationModel(kModel, "en", "es");
    (*model->mutable_metadata()->mutable_properties())[kDigestName] = std::string(64, 'a');
    model->mutable_config()->set_max_batch_size(64);
    // Requests are checked against the declared input, as for a real model.
    auto* const input = model->mutable_config()->add_input();
    input->set_name("text");
    input->set_data_type(inference::TYPE_STRING);
    input->add_dims(1);
    auto* const output = model->mutable_config()->add_output();
    output->set_name("translation");
    output->set_data_type(inference::TYPE_STRING);
    output->add_dims(1);
    catalog_.Listen([this](const CatalogSnapshot& snapshot) {
      targets_.OnCatalog(snapshot);
      translator_.OnCatalog(snapshot);
    });
    catalog_.Update(models);
    upstream_.AnswerAllWith(Translate);
  }

  TranslationService& translation() { return translation_; }
  InferenceService& inference() { return inference_; }
  void RunDisk() { executor_.RunAll(); }

 private:
  Catalog catalog_{Catalog::Options{}};
  TargetDirectory targets_;
  Translator translator_{Translator::Options{}, &catalog_};
  TimerQueue timers_{Clock::System()};
  std::unique_ptr<cache::TieredCache> cache_ =
      *cache::TieredCache::Create(cache::TieredCache::Options{});
  ManualExecutor executor_;
  FakeUpstream upstream_;
  Resolver resolver_{Resolver::Options{},
                     {Clock::System(), &timers_, cache_.get(), &executor_, &upstream_, &catalog_}};
  RpcEntry entry_{{.metrics_prefix = "calls"}};
  LatencyByKind latency_;
  const CallParts parts_ = {
      .entry = &entry_, .resolver = &resolver_, .timers = &timers_, .latency = &latency_};
  TranslationService translation_{parts_, &translator_};
  InferenceService inference_{
      InferenceService::Options{}, parts_, &catalog_, &targets_, &upstream_, nullptr};
};

// Calls `handler` with a new context and returns its answer.
template <typename Handler>
grpc::ByteBuffer Call(const grpc::ByteBuffer& request, const Handler& handler) {
  grpc::CallbackServerContext context;
  const grpc::testing::DefaultReactorTestPeer peer(&context);
  grpc::ByteBuffer response;
  handler(&context, &request, &response);
  return response;
}

template <typename Handler>
void Measure(benchmark::State& state, const std::string& bytes, const Handler& handler) {
  const grpc::ByteBuffer request = Buffer(bytes);
  for (auto _ : state) benchmark::DoNotOptimize(Call(request, handler));
}

void NoHandler(benchmark::State& state) {
  const grpc::ByteBuffer fixed = Buffer(TranslateRequest());
  Measure(state, TranslateRequest(), [&](auto* context, auto*, auto* response) {
    *response = fixed;
    context->DefaultReactor()->Finish(grpc::Status::OK);
  });
}

// Returns the answer of one hit.
template <typename Handler>
std::string WarmUp(Handlers& handlers, const std::string& bytes, const Handler& handler) {
  const grpc::ByteBuffer request = Buffer(bytes);
  (void)Call(request, [&](auto... arguments) {
    handler(arguments...);
    handlers.RunDisk();
  });
  return Bytes(Call(request, handler));
}

template <typename Request, typename Response>
void MeasureTypedEcho(benchmark::State& state, const std::string& bytes,
                      const std::string& answer) {
  Response fixed;
  fixed.ParseFromString(answer);
  Measure(state, bytes, [&](auto* context, const grpc::ByteBuffer* buffer, auto* out) {
    Request request;
    Response response;
    grpc::ByteBuffer copy(*buffer);
    grpc::SerializationTraits<Request>::Deserialize(&copy, &request);
    response = fixed;
    bool own;
    grpc::ByteBuffer serialized;
    grpc::SerializationTraits<Response>::Serialize(response, &serialized, &own);
    out->Swap(&serialized);
    context->DefaultReactor()->Finish(grpc::Status::OK);
  });
}

void TranslateHit(benchmark::State& state) {
  Handlers handlers;
  const auto handler = [&](auto... arguments) { handlers.translation().Translate(arguments...); };
  v1::TranslateResponse response;
  response.ParseFromString(WarmUp(handlers, TranslateRequest(), handler));
  if (response.translations_size() != 1 || response.translations(0).text() != kTranslation ||
      response.translations(0).provenance().kind() != v1::CACHE_KIND_MEMORY) {
    return state.SkipWithError("no hit");
  }
  Measure(state, TranslateRequest(), handler);
}

void TypedEchoTranslate(benchmark::State& state) {
  Handlers handlers;
  MeasureTypedEcho<v1::TranslateRequest, v1::TranslateResponse>(
      state, TranslateRequest(), WarmUp(handlers, TranslateRequest(), [&](auto... arguments) {
        handlers.translation().Translate(arguments...);
      }));
}

void InferHit(benchmark::State& state) {
  Handlers handlers;
  const auto handler = [&](auto... arguments) { handlers.inference().ModelInfer(arguments...); };
  inference::ModelInferResponse response;
  response.ParseFromString(WarmUp(handlers, InferRequest(), handler));
  if (response.raw_output_contents_size() != 1 ||
      response.raw_output_contents(0) != FrameBytesElement(kTranslation)) {
    return state.SkipWithError("no hit");
  }
  Measure(state, InferRequest(), handler);
}

void InferRowHits(benchmark::State& state) {
  Handlers handlers;
  const std::string request = InferRequest(state.range(0));
  const auto handler = [&](auto... arguments) { handlers.inference().ModelInfer(arguments...); };
  inference::ModelInferResponse response;
  response.ParseFromString(WarmUp(handlers, request, handler));
  std::string translations;
  for (int64_t row = 0; row < state.range(0); ++row) {
    translations += FrameBytesElement(kTranslation);
  }
  if (response.raw_output_contents_size() != 1 || response.raw_output_contents(0) != translations) {
    return state.SkipWithError("no hit");
  }
  Measure(state, request, handler);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void TypedEchoInfer(benchmark::State& state) {
  Handlers handlers;
  MeasureTypedEcho<inference::ModelInferRequest, inference::ModelInferResponse>(
      state, InferRequest(), WarmUp(handlers, InferRequest(), [&](auto... arguments) {
        handlers.inference().ModelInfer(arguments...);
      }));
}

// Measures only the counters and timers of a hit.
void Counting(benchmark::State& state) {
  RpcMetrics metrics{"calls"};
  RpcMethodMetrics* const method = metrics.Method("Translate");
  ModelCounters counters;
  DurationHistogram by_kind;
  const RequestLog log{absl::Seconds(1), Clock::System()};
  for (auto _ : state) {
    const RpcTimer timer(method, Clock::System());
    counters.Count(CacheKind::kMemory, absl::Milliseconds(3));
    const absl::Duration took = timer.End(grpc::StatusCode::OK);
    by_kind.Record(took);
    benchmark::DoNotOptimize(log.Wants(grpc::StatusCode::OK, took));
  }
}

BENCHMARK(NoHandler);
BENCHMARK(Counting);
BENCHMARK(TranslateHit);
BENCHMARK(TypedEchoTranslate);
BENCHMARK(InferHit);
BENCHMARK(InferRowHits)->Arg(16)->Arg(64);
BENCHMARK(TypedEchoInfer);

}  // namespace
}  // namespace souvenir::gateway

BENCHMARK_MAIN();
