#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "gateway/upstream/grpc_infer_message.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// An upstream whose calls a test answers one by one, in any order. Thread-safe. Callbacks run on
// the thread that answers.
class FakeUpstream final : public UpstreamServer {
 public:
  // The destructor calls `on_closed`.
  explicit FakeUpstream(std::function<void()> on_closed = [] {})
      : on_closed_(std::move(on_closed)) {}
  ~FakeUpstream() override { on_closed_(); }

  std::shared_ptr<Call> Infer(std::shared_ptr<const Inference> inference, absl::Duration timeout,
                              InferenceDone done) override {
    size_t index;
    bool answer_now;
    absl::Status fail_with;
    {
      MutexLock lock(&mutex_);
      index = calls_.size();
      auto call = std::make_unique<Made>();
      call->request = InferRequest(*inference);
      call->timeout = timeout;
      call->done = std::move(done);
      calls_.push_back(std::move(call));
      answer_now = automatic_ != nullptr;
      fail_with = fails_with_;
    }
    if (answer_now) Answer(index, automatic_);
    if (!fail_with.ok()) Fail(index, fail_with);
    struct Handle final : Call {
      explicit Handle(FakeUpstream* upstream, size_t index) : upstream(upstream), index(index) {}
      void Cancel() override {
        {
          MutexLock lock(&upstream->mutex_);
          upstream->calls_[index]->cancelled = true;
        }
        upstream->Fail(index, absl::CancelledError("cancelled"));
      }
      FakeUpstream* const upstream;
      const size_t index;
    };
    return std::make_shared<Handle>(this, index);
  }

  using Model =
      std::function<void(const inference::ModelInferRequest&, inference::ModelInferResponse*)>;

  // Answers every call from now on at once. Not thread-safe.
  void AnswerAllWith(Model model) { automatic_ = std::move(model); }

  // Sets what servers() returns from now on. Not thread-safe.
  void SetServers(size_t servers) { servers_ = servers; }
  size_t servers() const override { return servers_; }

  // Sets what left_out() returns from now on. Not thread-safe.
  void LeaveOut(size_t models) { left_out_ = models; }
  size_t left_out() const override { return left_out_; }

  // Fails every call from now on at once.
  void FailAllWith(absl::Status status) {
    MutexLock lock(&mutex_);
    fails_with_ = std::move(status);
  }

  size_t calls() const {
    MutexLock lock(&mutex_);
    return calls_.size();
  }
  const inference::ModelInferRequest& request(size_t call) const {
    MutexLock lock(&mutex_);
    return calls_[call]->request;
  }
  absl::Duration timeout(size_t call) const {
    MutexLock lock(&mutex_);
    return calls_[call]->timeout;
  }
  bool cancelled(size_t call) const {
    MutexLock lock(&mutex_);
    return calls_[call]->cancelled;
  }

  // Answer() and Fail() end a call. They do nothing if it has ended.
  void Answer(size_t call, const Model& model) {
    auto response = std::make_unique<inference::ModelInferResponse>();
    model(request(call), response.get());
    End(call, ReadInferResponse(std::move(response), request(call).model_name()));
  }
  void Fail(size_t call, const absl::Status& status) { End(call, status); }

  // Fails all open calls, and those that start because of that.
  void FailAll(const absl::Status& status) {
    for (size_t call = 0; call < calls(); ++call) Fail(call, status);
  }

  // Set the answers of PassOn() from now on: those to kStatistics, and to kLoad and kUnload.
  void SetStatistics(const absl::StatusOr<inference::ModelStatisticsResponse>& statistics) {
    if (statistics.ok()) {
      statistics_ = std::vector<std::string>{statistics->SerializeAsString()};
    } else {
      statistics_ = statistics.status();
    }
  }
  void SetRepositoryStatus(const absl::Status& status) {
    if (status.ok()) {
      changed_ = std::vector<std::string>{""};
    } else {
      changed_ = status;
    }
  }
  // Holds PassOn() up from now on, until it is cancelled.
  void HoldPassedOn() { holds_passed_on_ = true; }

  std::shared_ptr<Call> PassOn(Operation operation, const std::string&, absl::Duration,
                               PassedOnDone done) override {
    auto call = std::make_shared<PassedOn>();
    if (holds_passed_on_) {
      call->done = std::move(done);
    } else {
      std::move(done)(operation == Operation::kStatistics ? statistics_ : changed_);
    }
    return call;
  }
  absl::StatusOr<KnownModelsPtr> Describe(const Look&) override {
    return absl::UnimplementedError("not asked for in tests");
  }

 private:
  struct Made {
    inference::ModelInferRequest request;
    absl::Duration timeout;
    InferenceDone done;
    bool cancelled = false;
  };

  struct PassedOn final : Call {
    void Cancel() override {
      if (done == nullptr) return;
      std::exchange(done, nullptr)(absl::CancelledError("cancelled"));
    }
    PassedOnDone done;
  };

  void End(size_t call, absl::StatusOr<InferenceAnswer> outcome) {
    InferenceDone done;
    {
      MutexLock lock(&mutex_);
      done = std::exchange(calls_[call]->done, nullptr);
    }
    if (done) std::move(done)(std::move(outcome));
  }

  absl::StatusOr<std::vector<std::string>> statistics_ =
      absl::UnimplementedError("not asked for in tests");
  absl::StatusOr<std::vector<std::string>> changed_ =
      absl::UnimplementedError("not asked for in tests");
  const std::function<void()> on_closed_;
  bool holds_passed_on_ = false;
  size_t left_out_ = 0;
  size_t servers_ = 1;
  Model automatic_;
  mutable Mutex mutex_;
  absl::Status fails_with_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Made>> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
