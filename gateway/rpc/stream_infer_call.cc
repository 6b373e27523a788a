#include "gateway/rpc/stream_infer_call.h"

#include <optional>
#include <string>
#include <vector>

#include "common/grpc/status.h"
#include "gateway/rpc/infer_messages.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the gateway is stopping"); }

}  // namespace

class StreamInferCall::Request final : public ResolveCall {
 public:
  Request(std::shared_ptr<StreamInferCall> stream, uint64_t number)
      : stream_(std::move(stream)),
        number_(number),
        began_(stream_->service_.calls.clock->Monotonic()),
        pass_(stream_->service_.calls.gate->Enter()) {}

  // Makes the questions; an error where it cannot be resolved.
  absl::Status Read(const grpc::ByteBuffer& bytes) {
    const absl::Status parsed = messages_.Parse(bytes);
    if (!parsed.ok()) return parsed;
    if (!pass_) return Stopping();
    return messages_.Ask(stream_->options_, *stream_->service_.catalog, *stream_->service_.targets,
                         this);
  }

  void Fail(const absl::Status& status) {
    const grpc::Status failed = ToGrpcStatus(status);
    grpc::ByteBuffer answer;
    MessageWriter::WriteTo(&answer, [&](MessageWriter& out) {
      using inference::ModelStreamInferResponse;
      out.Field(ModelStreamInferResponse::kErrorMessageFieldNumber,
                std::string_view(failed.error_message()));
      out.Message(ModelStreamInferResponse::kInferResponseFieldNumber, [&](MessageWriter& out) {
        out.Field(inference::ModelInferResponse::kIdFieldNumber, messages_.id());
      });
    });
    End(failed, std::move(answer));
  }

 private:
  void OnAllAnswered() override {
    const absl::StatusOr<InferMessages::Outputs> outputs = messages_.Join(*this);
    if (!outputs.ok()) return Fail(outputs.status());
    grpc::ByteBuffer answer;
    MessageWriter::WriteTo(&answer, [&](MessageWriter& out) {
      out.Message(inference::ModelStreamInferResponse::kInferResponseFieldNumber,
                  [&](MessageWriter& out) { messages_.Write(*this, *outputs, out); });
    });
    End(grpc::Status::OK, std::move(answer));
  }

  void End(const grpc::Status& status, grpc::ByteBuffer answer) {
    // Whoever computes for others with these questions may keep this object a while.
    const std::shared_ptr<StreamInferCall> stream = std::move(stream_);
    const StreamInferCall::Service& service = stream->service_;
    service.metrics->Record(status.error_code(), service.calls.clock->Monotonic() - began_);
    const std::optional<Gate::Pass> pass = std::exchange(pass_, std::nullopt);
    stream->Answered(number_, std::move(answer));
  }

  std::shared_ptr<StreamInferCall> stream_;
  const uint64_t number_;
  const absl::Duration began_;
  std::optional<Gate::Pass> pass_;
  InferMessages messages_;
};

StreamInferCall::Reactor* StreamInferCall::Start(const Service& service,
                                                 const grpc::CallbackServerContext& context) {
  const std::shared_ptr<StreamInferCall> stream(new StreamInferCall(service));
  stream->self_ = stream;
  absl::Status refused = ReadCallOptions(context, service.calls.trust_tenant_header,
                                         *service.calls.clock, &stream->options_);
  if (!service.streams->Add(stream)) refused = Stopping();
  Next next;
  {
    MutexLock lock(&stream->mutex_);
    if (stream->refused_.ok()) stream->refused_ = refused;
    next = stream->Plan();
  }
  stream->Do(std::move(next));
  return stream.get();
}

StreamInferCall::Next StreamInferCall::Plan() {
  Next next;
  if (finished_) return next;
  if (lost_ && !writing_) {
    for (const auto& [number, answer] : ready_) flights_.erase(number);
    ready_.clear();
  }
  if (!writing_ && !ready_.empty()) {
    writing_ = true;
    next.write = &ready_.front().second;
  }
  const bool reading = reads_done_ < reads_planned_;
  const bool takes_more = !all_read_ && !lost_ && refused_.ok();
  if (takes_more && !reading && flights_.size() < service_.limit) {
    ++reads_planned_;
    next.read = true;
  }
  if (!flights_.empty()) return next;
  if (!refused_.ok()) {
    // A read that waits for the client ends with the stream; one that is about to begin may not
    // begin after its end.
    next.finish = reads_begun_ == reads_planned_;
    next.status = refused_;
  } else {
    next.finish = !reading && !takes_more;
  }
  finished_ = next.finish;
  return next;
}

void StreamInferCall::Do(Next next) {
  const std::shared_ptr<StreamInferCall> self = shared_from_this();
  for (;;) {
    if (next.write != nullptr) StartWrite(next.write);
    if (next.finish) return Finish(ToGrpcStatus(next.status));
    if (!next.read) return;
    StartRead(&read_);
    MutexLock lock(&mutex_);
    ++reads_begun_;
    next = Plan();
  }
}

void StreamInferCall::OnReadDone(bool ok) {
  if (ok) {
    grpc::ByteBuffer bytes;
    bytes.Swap(&read_);
    uint64_t number;
    {
      MutexLock lock(&mutex_);
      if (finished_) return;
      number = next_number_++;
      flights_[number];
    }
    Handle(number, bytes);  // the read still counts as under way, so that the call cannot end
  }
  Next next;
  {
    MutexLock lock(&mutex_);
    ++reads_done_;
    if (!ok) all_read_ = true;
    next = Plan();
  }
  Do(std::move(next));
}

void StreamInferCall::Handle(uint64_t number, const grpc::ByteBuffer& bytes) {
  const auto request = std::make_shared<Request>(shared_from_this(), number);
  const absl::Status read = request->Read(bytes);
  if (!read.ok()) return request->Fail(read);
  {
    MutexLock lock(&mutex_);
    flights_.at(number).request = request;
  }
  service_.calls.resolver->Resolve(request);
  {
    MutexLock lock(&mutex_);
    const auto flight = flights_.find(number);
    if (flight == flights_.end() || flight->second.request == nullptr) return;  // answered
    flight->second.resolving = false;
    if (!lost_) return;
  }
  service_.calls.resolver->Cancel(request, absl::CancelledError("the caller has gone"));
}

void StreamInferCall::Answered(uint64_t number, grpc::ByteBuffer answer) {
  std::shared_ptr<Request> answered;  // let go of outside the lock
  Next next;
  {
    MutexLock lock(&mutex_);
    answered = std::move(flights_.at(number).request);
    ready_.emplace_back(number, std::move(answer));
    next = Plan();
  }
  Do(std::move(next));
}

void StreamInferCall::OnWriteDone(bool ok) {
  Next next;
  std::pair<uint64_t, grpc::ByteBuffer> written;  // destroyed outside the lock
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) lost_ = true;
    written = std::move(ready_.front());
    ready_.pop_front();
    flights_.erase(written.first);
    next = Plan();
  }
  Do(std::move(next));
}

void StreamInferCall::OnCancel() {
  std::vector<std::shared_ptr<Request>> requests;
  {
    MutexLock lock(&mutex_);
    lost_ = true;
    for (const auto& [number, flight] : flights_) {
      if (flight.request != nullptr && !flight.resolving) requests.push_back(flight.request);
    }
  }
  for (const auto& request : requests) {
    service_.calls.resolver->Cancel(request, absl::CancelledError("the caller has gone"));
  }
  Next next;
  {
    MutexLock lock(&mutex_);
    next = Plan();
  }
  Do(std::move(next));
}

void StreamInferCall::Stop() {
  Next next;
  {
    MutexLock lock(&mutex_);
    if (refused_.ok()) refused_ = Stopping();
    next = Plan();
  }
  Do(std::move(next));
}

void StreamInferCall::OnDone() {
  service_.streams->Remove(this);
  const std::shared_ptr<StreamInferCall> self = std::move(self_);  // goes at the end
}

}  // namespace souvenir::gateway
