#include "gateway/upstream/grpc_upstream.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <optional>
#include <utility>

#include "common/grpc/caller.h"
#include "common/mutex.h"
#include "gateway/upstream/call_group.h"
#include "gateway/upstream/grpc_infer_message.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {

using inference::GRPCInferenceService;

GrpcUpstream::GrpcUpstream(const Options& options)
    : address_(options.address),
      channel_(OpenChannel(options)),
      stub_(GRPCInferenceService::NewStub(channel_)),
      models_(channel_, options.address) {}

GrpcUpstream::~GrpcUpstream() {
  calls_.Close();
  calls_.WaitUntilEmpty();
}

template <typename Request, typename Response, typename Method>
std::shared_ptr<Upstream::Call> GrpcUpstream::Start(Method method,
                                                    std::shared_ptr<const Request> request,
                                                    absl::Duration timeout, Done<Response> done,
                                                    const TraceContext& trace) {
  // Keeps the channel in use. The gate is left after the context is destroyed.
  struct Live {
    explicit Live(Gate::Pass pass) : pass(std::move(pass)) {}
    const Gate::Pass pass;
    grpc::ClientContext context;
  };
  struct State final : Call {
    void Cancel() override {
      cancelled = true;
      std::shared_ptr<Live> called;
      {
        MutexLock lock(&mutex);
        called = live;
      }
      if (called != nullptr) called->context.TryCancel();
    }
    std::atomic<bool> cancelled{false};
    std::shared_ptr<const Request> request;
    std::unique_ptr<Response> response = std::make_unique<Response>();
    Done<Response> done;
    Mutex mutex;
    std::shared_ptr<Live> live ABSL_GUARDED_BY(mutex);  // null once the call has ended
  };
  auto state = std::make_shared<State>();
  std::optional<Gate::Pass> pass = calls_.Enter();
  if (!pass) {
    std::move(done)(absl::UnavailableError("the gateway is stopping"));
    return state;
  }
  state->request = std::move(request);
  state->done = std::move(done);
  const auto live = std::make_shared<Live>(*std::move(pass));
  live->context.set_deadline(DeadlineIn(timeout));
  for (const auto& [name, value] : trace.Headers()) live->context.AddMetadata(name, value);
  {
    MutexLock lock(&state->mutex);
    state->live = live;
  }
  // The callback keeps the state alive until the call has ended.
  (stub_->async()->*method)(
      &live->context, state->request.get(), state->response.get(),
      [state, this](const grpc::Status& status) {
        std::shared_ptr<Live> ended;  // destroyed last, after `done` and all that it holds
        {
          MutexLock lock(&state->mutex);
          ended = std::move(state->live);
        }
        Done<Response> done = std::move(state->done);
        state->request.reset();
        if (status.ok()) {
          std::move(done)(std::move(state->response));
        } else {
          std::move(done)(Explain(state->cancelled ? status : AwayIfCancelled(status),
                                  ended->context, address_));
        }
      });
  return state;
}

// The member functions of gRPC's stubs come in two forms; this one names the form with a callback.
#define SOUVENIR_ASYNC_METHOD(name)                                                      \
  static_cast<void (GRPCInferenceService::Stub::async::*)(                               \
      grpc::ClientContext*, const inference::name##Request*, inference::name##Response*, \
      std::function<void(grpc::Status)>)>(&GRPCInferenceService::Stub::async::name)

std::shared_ptr<Upstream::Call> GrpcUpstream::Infer(std::shared_ptr<const Inference> inference,
                                                    absl::Duration timeout, InferenceDone done) {
  using Response = std::unique_ptr<inference::ModelInferResponse>;
  return Start<inference::ModelInferRequest, inference::ModelInferResponse>(
      SOUVENIR_ASYNC_METHOD(ModelInfer),
      std::make_shared<const inference::ModelInferRequest>(InferRequest(*inference)), timeout,
      [inference, done = std::move(done)](absl::StatusOr<Response> response) mutable {
        if (!response.ok()) return std::move(done)(response.status());
        std::move(done)(ReadInferResponse(*std::move(response), inference->model));
      },
      inference->trace);
}

template <typename Request, typename Response, typename Method>
std::shared_ptr<Upstream::Call> GrpcUpstream::PassOnBy(Method method, const std::string& request,
                                                       absl::Duration timeout, PassedOnDone done) {
  auto message = std::make_shared<Request>();
  if (!message->ParseFromString(request)) {
    std::move(done)(absl::InternalError("a request that is passed on cannot be read"));
    return std::make_shared<CallGroup>();
  }
  return Start<Request, Response>(
      method, std::move(message), timeout,
      [done = std::move(done)](absl::StatusOr<std::unique_ptr<Response>> response) mutable {
        if (!response.ok()) return std::move(done)(response.status());
        std::move(done)(std::vector<std::string>{(*response)->SerializeAsString()});
      });
}

#define SOUVENIR_PASS_ON(name)                                                               \
  PassOnBy<inference::name##Request, inference::name##Response>(SOUVENIR_ASYNC_METHOD(name), \
                                                                request, timeout, std::move(done))

std::shared_ptr<Upstream::Call> GrpcUpstream::PassOn(Operation operation,
                                                     const std::string& request,
                                                     absl::Duration timeout, PassedOnDone done) {
  switch (operation) {
    case Operation::kStatistics:
      return SOUVENIR_PASS_ON(ModelStatistics);
    case Operation::kLoad:
      return SOUVENIR_PASS_ON(RepositoryModelLoad);
    case Operation::kUnload:
      break;
  }
  return SOUVENIR_PASS_ON(RepositoryModelUnload);
}

#undef SOUVENIR_PASS_ON
#undef SOUVENIR_ASYNC_METHOD

}  // namespace souvenir::gateway
