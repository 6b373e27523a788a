#include "compute-service/rpc/stream_infer_call.h"

#include <string>
#include <utility>
#include <vector>

#include "common/grpc/status.h"
#include "compute-service/rpc/infer_call.h"
#include "compute-service/rpc/model_messages.h"

namespace souvenir::compute {

StreamInferCall::StreamInferCall(const CallContext& calls,
                                 const grpc::CallbackServerContext& context)
    : calls_(calls),
      deadline_(MonotonicDeadline(context, *calls.clock)),
      pass_(calls.gate->Enter()) {}

void StreamInferCall::Start() {
  if (!pass_) {
    {
      MutexLock lock(&mutex_);
      finished_ = true;
    }
    Finish(ToGrpcStatus(absl::UnavailableError("the server is stopping")));
    return;
  }
  Next next;
  {
    MutexLock lock(&mutex_);
    next = Plan();
  }
  Do(next);
}

StreamInferCall::Next StreamInferCall::Plan() {
  Next next;
  if (finished_) return next;
  if (lost_ && !writing_) {
    for (const auto& [number, response] : ready_) flights_.erase(number);
    ready_.clear();
  }
  if (!writing_ && !ready_.empty()) {
    writing_ = true;
    next.write = ready_.front().second.get();
  }
  const bool room = flights_.size() < static_cast<size_t>(calls_.stream_limit);
  if (!reading_ && !all_read_ && !lost_ && room) {
    reading_ = true;
    next.read = true;
  }
  next.finish = finished_ = !reading_ && flights_.empty() && (all_read_ || lost_);
  return next;
}

void StreamInferCall::Do(const Next& next) {
  // What is asked for last may end the call, and this object with it.
  if (next.read) {
    reading_into_ = std::make_unique<inference::ModelInferRequest>();
    StartRead(reading_into_.get());
  }
  if (next.write != nullptr) StartWrite(next.write);
  if (next.finish) Finish(grpc::Status::OK);
}

void StreamInferCall::OnReadDone(bool ok) {
  if (ok) {
    uint64_t number;
    const inference::ModelInferRequest* request;
    {
      MutexLock lock(&mutex_);
      number = next_number_++;
      Flight& flight = flights_[number];
      flight.request = std::move(reading_into_);
      flight.begun = calls_.clock->Monotonic();
      request = flight.request.get();
    }
    Queue(number, *request);  // the read still counts as under way, so that the call cannot end
  }
  Next next;
  {
    MutexLock lock(&mutex_);
    reading_ = false;
    if (!ok) all_read_ = true;
    next = Plan();
  }
  Do(next);
}

void StreamInferCall::Queue(uint64_t number, const inference::ModelInferRequest& request) {
  absl::StatusOr<QueuedInference> queued = QueueInference(
      calls_, request, deadline_,
      [this, number, &request](const ServedModel& model, absl::StatusOr<InferenceResult> result) {
        auto response = std::make_unique<Response>();
        const absl::Status status = result.status();
        if (status.ok()) {
          FillInferResponse(model, request, *std::move(result), response->mutable_infer_response());
        } else {
          response->mutable_infer_response()->set_id(request.id());
        }
        Ready(number, std::move(response), status);
      });
  if (!queued.ok()) {
    auto response = std::make_unique<Response>();
    response->mutable_infer_response()->set_id(request.id());
    Ready(number, std::move(response), queued.status());
    return;
  }
  {
    MutexLock lock(&mutex_);
    const auto flight = flights_.find(number);
    if (flight == flights_.end()) return;  // answered already
    flight->second.model = queued->model;
    flight->second.job = queued->id;
    if (!lost_) return;
  }
  queued->model->Cancel(queued->id);
}

void StreamInferCall::Ready(uint64_t number, std::unique_ptr<Response> response,
                            const absl::Status& status) {
  const grpc::Status answer = ToGrpcStatus(status);
  if (!answer.ok()) response->set_error_message(answer.error_message());
  Next next;
  {
    MutexLock lock(&mutex_);
    calls_.metrics->Method("ModelStreamInfer")
        ->Record(answer.error_code(), calls_.clock->Monotonic() - flights_.at(number).begun);
    ready_.emplace_back(number, std::move(response));
    next = Plan();
  }
  Do(next);
}

void StreamInferCall::OnWriteDone(bool ok) {
  Next next;
  std::pair<uint64_t, std::unique_ptr<Response>> written;  // destroyed outside the lock
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) lost_ = true;
    written = std::move(ready_.front());
    ready_.pop_front();
    flights_.erase(written.first);
    next = Plan();
  }
  Do(next);
}

void StreamInferCall::OnCancel() {
  std::vector<std::pair<std::shared_ptr<ServedModel>, JobId>> jobs;
  {
    MutexLock lock(&mutex_);
    lost_ = true;
    for (const auto& [number, flight] : flights_) {
      if (flight.model != nullptr) jobs.emplace_back(flight.model, flight.job);
    }
  }
  for (const auto& [model, job] : jobs) model->Cancel(job);
  Next next;
  {
    MutexLock lock(&mutex_);
    next = Plan();
  }
  Do(next);
}

}  // namespace souvenir::compute
