#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// An upstream that a test answers by hand, call by call, in any order. Thread-safe; callbacks run
// on the thread that answers.
class FakeUpstream final : public Upstream {
 public:
  struct Inference {
    std::unique_ptr<inference::ModelInferRequest> request;
    Done<inference::ModelInferResponse> done;
    bool cancelled = false;
  };

  std::shared_ptr<Call> Infer(std::unique_ptr<inference::ModelInferRequest> request, absl::Duration,
                              Done<inference::ModelInferResponse> done) override {
    size_t index;
    bool answer_now;
    {
      MutexLock lock(&mutex_);
      index = calls_.size();
      auto call = std::make_unique<Inference>();
      call->request = std::move(request);
      call->done = std::move(done);
      calls_.push_back(std::move(call));
      answer_now = automatic_ != nullptr;
    }
    if (answer_now) Answer(index, automatic_);
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

  // Has every call from now on answered at once.
  void AnswerAllWith(Model model) { automatic_ = std::move(model); }

  size_t calls() const {
    MutexLock lock(&mutex_);
    return calls_.size();
  }
  const inference::ModelInferRequest& request(size_t call) const {
    MutexLock lock(&mutex_);
    return *calls_[call]->request;
  }
  bool cancelled(size_t call) const {
    MutexLock lock(&mutex_);
    return calls_[call]->cancelled;
  }

  // Ends a call; does nothing for one that has ended.
  void Answer(size_t call, const Model& model) {
    auto response = std::make_unique<inference::ModelInferResponse>();
    model(request(call), response.get());
    End(call, std::move(response));
  }
  void Fail(size_t call, const absl::Status& status) { End(call, status); }

  // Ends all that is open, and what comes of that.
  void FailAll(const absl::Status& status) {
    for (size_t call = 0; call < calls(); ++call) Fail(call, status);
  }

  void Statistics(std::unique_ptr<inference::ModelStatisticsRequest>, absl::Duration,
                  Done<inference::ModelStatisticsResponse> done) override {
    std::move(done)(absl::UnimplementedError("not asked for in tests"));
  }
  void Load(std::unique_ptr<inference::RepositoryModelLoadRequest>, absl::Duration,
            Done<inference::RepositoryModelLoadResponse> done) override {
    std::move(done)(absl::UnimplementedError("not asked for in tests"));
  }
  void Unload(std::unique_ptr<inference::RepositoryModelUnloadRequest>, absl::Duration,
              Done<inference::RepositoryModelUnloadResponse> done) override {
    std::move(done)(absl::UnimplementedError("not asked for in tests"));
  }
  absl::StatusOr<souvenir::state::v1::KnownModels> Describe(const std::vector<std::string>&,
                                                            absl::Duration) override {
    return absl::UnimplementedError("not asked for in tests");
  }
  const std::string& address() const override { return address_; }

 private:
  void End(size_t call, absl::StatusOr<std::unique_ptr<inference::ModelInferResponse>> outcome) {
    Done<inference::ModelInferResponse> done;
    {
      MutexLock lock(&mutex_);
      done = std::exchange(calls_[call]->done, nullptr);
    }
    if (done) std::move(done)(std::move(outcome));
  }

  const std::string address_ = "fake:1";
  Model automatic_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Inference>> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
