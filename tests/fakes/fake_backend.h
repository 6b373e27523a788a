#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/cancellation.h"
#include "common/mutex.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Returns the configuration of a model with a BYTES input "text", a BYTES output "echo", and
// batches of up to 4 rows.
inline inference::ModelConfig EchoConfig(const std::string& name) {
  inference::ModelConfig config;
  config.set_name(name);
  config.set_backend("fake");
  config.set_max_batch_size(4);
  inference::ModelInput* input = config.add_input();
  input->set_name("text");
  input->set_data_type(inference::TYPE_STRING);
  input->add_dims(1);
  inference::ModelOutput* output = config.add_output();
  output->set_name("echo");
  output->set_data_type(inference::TYPE_STRING);
  output->add_dims(1);
  return config;
}

// A backend whose models return their input. A test can block each step or make it fail.
// Thread-safe.
class FakeBackend final : public Backend {
 public:
  // --- methods for tests ---

  void Offer(ModelDescription description) {
    MutexLock lock(&mutex_);
    offered_.push_back(std::move(description));
  }
  void SetDigest(std::string digest) {
    MutexLock lock(&mutex_);
    digest_ = std::move(digest);
  }
  // Sets the files that digests cover beside the folder of the version.
  void SetFiles(std::vector<std::string> files) { Set(&files_, std::move(files)); }
  // Set the status that Load(), CreateInstance() and Run() return from now on.
  void SetLoadStatus(absl::Status status) { Set(&load_status_, std::move(status)); }
  // Makes loads of that version fail; 0 for none.
  void RefuseToLoadVersion(int64_t version) { Set(&refused_version_, version); }
  void SetInstanceStatus(absl::Status status) { Set(&instance_status_, std::move(status)); }
  void SetRunStatus(absl::Status status) { Set(&run_status_, std::move(status)); }
  // Sets the memory that each model reports.
  void SetMemoryBytes(uint64_t bytes) { Set(&memory_bytes_, bytes); }
  // Makes runs whose input contains these bytes fail with INVALID_ARGUMENT.
  void RefuseInputsWith(std::string bytes) { Set(&refused_, std::move(bytes)); }
  // Block loads or runs at their beginning, or release them. A load that is cancelled ends.
  void HoldLoads(bool hold) { Set(&hold_loads_, hold); }
  // Blocks loads of only that model; "" for none.
  void HoldLoadsOf(std::string model) { Set(&held_model_, std::move(model)); }
  void HoldRuns(bool hold) { Set(&hold_runs_, hold); }
  // Wait until `count` of them have begun since the backend was created.
  void WaitForLoads(int count) { WaitFor(&loads_, count); }
  void WaitForRuns(int count) { WaitFor(&runs_, count); }
  void WaitForInstanceAttempts(int count) { WaitFor(&instance_attempts_, count); }

  int loads() const { return Get(&loads_); }
  int runs() const { return Get(&runs_); }
  int instance_attempts() const { return Get(&instance_attempts_); }
  int live_models() const { return Get(&live_models_); }
  int live_instances() const { return Get(&live_instances_); }
  // Returns the greatest number of concurrent runs so far.
  int most_running() const { return Get(&most_running_); }
  // Returns the bytes of the first input of each run, in the order in which they began.
  std::vector<std::string> inputs() const {
    MutexLock lock(&mutex_);
    return inputs_;
  }

  // --- Backend ---

  std::string_view name() const override { return "fake"; }
  std::string_view platform() const override { return "fake_platform"; }
  std::vector<ModelDescription> Discover() override {
    MutexLock lock(&mutex_);
    return offered_;
  }
  // Gives a model without tensors those of EchoConfig(). Refuses the parameter `refuse`.
  absl::Status Complete(ModelDescription* description) override {
    inference::ModelConfig& config = description->config;
    if (config.parameters().contains("refuse")) {
      return absl::InvalidArgumentError("the parameter 'refuse' is not supported");
    }
    if (config.input_size() > 0) return absl::OkStatus();
    const inference::ModelConfig echo = EchoConfig(config.name());
    config.set_max_batch_size(echo.max_batch_size());
    *config.mutable_input() = echo.input();
    *config.mutable_output() = echo.output();
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Digest(const ModelDescription&) override {
    MutexLock lock(&mutex_);
    return digest_;
  }
  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override {
    std::vector<std::string> files = Get(&files_);
    if (!description.directory.empty()) files.push_back(description.directory);
    return files;
  }
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override {
    MutexLock lock(&mutex_);
    ++loads_;
    changed_.NotifyAll();
    const auto cancelled = [&] { return cancellation != nullptr && cancellation->cancelled(); };
    const auto held = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return hold_loads_ || (!held_model_.empty() && held_model_ == description.config.name());
    };
    // A cancellation does not wake this.
    const Clock& clock = *Clock::System();
    while (held() && !cancelled()) {
      (void)changed_.WaitUntil(&mutex_, clock, clock.Monotonic() + absl::Milliseconds(1));
    }
    if (cancelled()) return absl::UnavailableError("the load was given up");
    if (!load_status_.ok()) return load_status_;
    if (description.version == refused_version_) {
      return absl::FailedPreconditionError("this version does not load");
    }
    return std::unique_ptr<Model>(new FakeModel(this));
  }

 private:
  class FakeInstance final : public Instance {
   public:
    explicit FakeInstance(FakeBackend* backend) : backend_(backend) {}
    ~FakeInstance() override { backend_->Add(&backend_->live_instances_, -1); }
    absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
      return backend_->Run(request);
    }

   private:
    FakeBackend* const backend_;
  };

  class FakeModel final : public Model {
   public:
    explicit FakeModel(FakeBackend* backend) : backend_(backend) {
      // The constructor runs under the backend's lock, see Load().
      ++backend_->live_models_;
    }
    ~FakeModel() override { backend_->Add(&backend_->live_models_, -1); }
    absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
      MutexLock lock(&backend_->mutex_);
      ++backend_->instance_attempts_;
      backend_->changed_.NotifyAll();
      if (!backend_->instance_status_.ok()) return backend_->instance_status_;
      ++backend_->live_instances_;
      return std::unique_ptr<Instance>(new FakeInstance(backend_));
    }

    uint64_t MemoryBytes() override { return backend_->Get(&backend_->memory_bytes_); }

   private:
    FakeBackend* const backend_;
  };

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) {
    MutexLock lock(&mutex_);
    ++runs_;
    most_running_ = std::max(most_running_, ++running_);
    inputs_.emplace_back(request.inputs[0].data);
    changed_.NotifyAll();
    while (hold_runs_) changed_.Wait(&mutex_);
    --running_;
    if (!run_status_.ok()) return run_status_;
    if (!refused_.empty() && request.inputs[0].data.find(refused_) != std::string::npos) {
      return absl::InvalidArgumentError("refused");
    }
    InferenceResult result;
    result.compute_time = absl::Milliseconds(3);
    for (const std::string& output : request.outputs) {
      const TensorView& input = request.inputs[0];
      result.outputs.push_back({output,
                                input.datatype,
                                {input.shape.begin(), input.shape.end()},
                                std::string(input.data)});
    }
    return result;
  }

  template <typename T>
  void Set(T* member, T value) {
    MutexLock lock(&mutex_);
    *member = std::move(value);
    changed_.NotifyAll();
  }
  template <typename T>
  T Get(const T* member) const {
    MutexLock lock(&mutex_);
    return *member;
  }
  void Add(int* member, int amount) {
    MutexLock lock(&mutex_);
    *member += amount;
  }
  void WaitFor(const int* member, int count) {
    MutexLock lock(&mutex_);
    while (*member < count) changed_.Wait(&mutex_);
  }

  // Guards all members below. They have no annotations, because Set() and Get() take addresses.
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<ModelDescription> offered_;
  std::string digest_ = "engine 1";
  std::vector<std::string> files_;
  absl::Status load_status_;
  int64_t refused_version_ = 0;
  absl::Status instance_status_;
  absl::Status run_status_;
  std::string refused_;
  uint64_t memory_bytes_ = 0;
  bool hold_loads_ = false;
  std::string held_model_;
  bool hold_runs_ = false;
  int loads_ = 0;
  int runs_ = 0;
  int running_ = 0;
  int most_running_ = 0;
  int instance_attempts_ = 0;
  int live_models_ = 0;
  int live_instances_ = 0;
  std::vector<std::string> inputs_;
};

}  // namespace souvenir::compute
