#include "compute-service/backends/exec/exec_backend.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/logging/logging.h"
#include "common/mutex.h"
#include "common/read_file.h"
#include "common/sha256.h"
#include "common/status_macros.h"
#include "compute-service/backends/exec/exec_messages.h"
#include "compute-service/backends/exec/exec_process.h"
#include "compute-service/backends/model_parameters.h"
#include "compute-service/workers/child_environment.h"
#include "compute-service/workers/process_memory.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"exec"};
// Limited, because requests that a program cannot take may end a process each.
constinit LogLimit lost_limit;

namespace fs = std::filesystem;

// Lines of standard error that a model may log at once: some tracebacks of Python.
constexpr uint64_t kErrorLineBurst = 200;

constexpr char kCommandParameter[] = "command";
constexpr char kDefaultCommand[] = "python3 model.py";
// Part of the digest. To be changed when the same program gets its requests in another form.
constexpr std::string_view kFormat = "1";

absl::Status CheckFiles(const FilesCheck& check) { return check ? check() : absl::OkStatus(); }

// Starts a program that serves under the digest of the files that `check` knows.
absl::StatusOr<std::unique_ptr<ExecProcess>> StartUnchanged(const ExecProcess::Options& options,
                                                            const FilesCheck& check) {
  SOUVENIR_RETURN_IF_ERROR(CheckFiles(check));  // saves a start
  absl::StatusOr<std::unique_ptr<ExecProcess>> process = ExecProcess::Start(options);
  // A change while the program read its files ends it. A change also explains a start that failed.
  const absl::Status present = CheckFiles(check);
  if (IsFilesChanged(present)) {
    return FilesChangedError(fmt::format(
        "the files of model '{0}' have changed while its program started; a program must not write "
        "into its folder, but elsewhere, as below TMPDIR; if something else has changed them, "
        "`souvenir models load {0}` loads the model again",
        options.name));
  }
  SOUVENIR_RETURN_IF_ERROR(present);
  return process;
}

// A model's program, and the state that its processes share.
class ExecModel final : public Model {
 public:
  ExecModel(ExecProcess::Options options, FilesCheck check, std::unique_ptr<ExecProcess> first)
      : options_(std::move(options)), check_(std::move(check)), first_(std::move(first)) {}

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override;
  uint64_t lost_workers() const override { return lost_; }
  uint64_t MemoryBytes() override;

 private:
  friend class ExecInstance;

  absl::StatusOr<std::unique_ptr<ExecProcess>> StartProcess();
  void Lost(const ExecProcess& process);

  const ExecProcess::Options options_;
  const FilesCheck check_;  // may be empty
  std::atomic<uint64_t> lost_{0};
  Mutex mutex_;
  std::unique_ptr<ExecProcess> first_ ABSL_GUARDED_BY(mutex_);  // not given to an instance yet
  std::vector<pid_t> pids_ ABSL_GUARDED_BY(mutex_);
};

// Owned by its pool; not thread-safe. If its process is lost, the next request starts another.
class ExecInstance final : public Instance {
 public:
  ExecInstance(ExecModel* model, std::unique_ptr<ExecProcess> process)
      : model_(model),
        process_(std::move(process)),
        backoff_(Clock::System(), Backoff::Options{}) {}
  ~ExecInstance() override {
    if (process_ != nullptr) GiveUp();
  }

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    SOUVENIR_RETURN_IF_ERROR(Prepare());
    const std::string& name = model_->options_.name;
    const absl::Duration limit = request.row_limit * request.rows;
    const absl::Duration begun = Clock::System()->Monotonic();
    const absl::StatusOr<std::string> answer =
        process_->Exchange(EncodeExecRequest(request, ++requests_), limit);
    if (!answer.ok()) return Failed(answer.status(), limit, request.rows);
    absl::StatusOr<std::vector<Tensor>> outputs =
        DecodeExecAnswer(*answer, request.outputs, requests_);
    if (absl::IsDataLoss(outputs.status())) return Failed(outputs.status(), limit, request.rows);
    backoff_.Succeeded();
    if (!outputs.ok()) {
      return absl::Status(outputs.status().code(),
                          fmt::format("{}: {}", name, std::string(outputs.status().message())));
    }
    return InferenceResult{*std::move(outputs), Clock::System()->Monotonic() - begun};
  }

 private:
  absl::Status Prepare() {
    if (process_ != nullptr && !process_->usable()) {
      Lost("it ended, or wrote, between requests", process_->End());
      backoff_.Failed();
    }
    if (process_ != nullptr) return absl::OkStatus();
    // Checked before the pause, because this error says what helps.
    SOUVENIR_RETURN_IF_ERROR(CheckFiles(model_->check_));
    if (backoff_.Remaining() > absl::ZeroDuration()) {
      return absl::UnavailableError(fmt::format(
          "{}: the program could not be started, or was lost between requests, {} times in a row; "
          "the next try is in {}",
          model_->options_.name, backoff_.failures(), absl::FormatDuration(backoff_.Remaining())));
    }
    absl::StatusOr<std::unique_ptr<ExecProcess>> started = model_->StartProcess();
    if (!started.ok()) {
      backoff_.Failed();
      if (IsFilesChanged(started.status())) return started.status();
      return absl::UnavailableError(std::string(started.status().message()));
    }
    process_ = *std::move(started);
    return absl::OkStatus();
  }

  // Returns the status of a request of `rows` rows after which the process cannot be used any more.
  // Causes no pause: the program had started properly, so the request is to blame, and others must
  // not be refused for it.
  absl::Status Failed(const absl::Status& reason, absl::Duration limit, int64_t rows) {
    const ExecProcess::Ending ending = process_->End();
    const std::string& name = model_->options_.name;
    if (absl::IsDeadlineExceeded(reason)) {
      Lost("it took too long", ending);
      return absl::DeadlineExceededError(fmt::format(
          "{}: the program needed more than {} and was killed", name, absl::FormatDuration(limit)));
    }
    Lost(absl::IsDataLoss(reason) ? "it wrote what is no answer" : "it ended", ending);
    return absl::UnavailableError(fmt::format("{}: the program was lost: {} ({}{})", name,
                                              std::string(reason.message()), ending.how,
                                              Words(ending, rows)));
  }

  // Returns the program's output for the message to the caller of a request of `rows` rows. It is
  // left out if there are several rows, because each may be another caller's.
  static std::string Words(const ExecProcess::Ending& ending, int64_t rows) {
    if (ending.error_bytes == 0) return "";
    if (rows == 1 && !ending.words.empty()) return "; it wrote: " + ending.words;
    return fmt::format("; it wrote {} bytes, left out because they may quote other requests",
                       ending.error_bytes);
  }

  // Logs the loss. `reason` must contain no part of a request, because it is logged.
  void Lost(std::string_view reason, const ExecProcess::Ending& ending) {
    ++model_->lost_;
    log.Warning(lost_limit, "a program was lost",
                {{"model", model_->options_.name},
                 {"reason", reason},
                 {"end", ending.how},
                 {"error_bytes", ending.error_bytes}});
    GiveUp();
  }

  void GiveUp() {
    model_->Lost(*process_);
    process_ = nullptr;
  }

  ExecModel* const model_;
  std::unique_ptr<ExecProcess> process_;  // null if it was lost
  uint64_t requests_ = 0;                 // number of the last request
  Backoff backoff_;                       // counts starts that failed, and losses between requests
};

absl::StatusOr<std::unique_ptr<Instance>> ExecModel::CreateInstance() {
  std::unique_ptr<ExecProcess> process;
  {
    MutexLock lock(&mutex_);
    process = std::move(first_);
    if (process != nullptr) pids_.push_back(process->pid());
  }
  if (process == nullptr) {
    SOUVENIR_ASSIGN_OR_RETURN(process, StartProcess());
  }
  return std::make_unique<ExecInstance>(this, std::move(process));
}

absl::StatusOr<std::unique_ptr<ExecProcess>> ExecModel::StartProcess() {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<ExecProcess> process, StartUnchanged(options_, check_));
  MutexLock lock(&mutex_);
  pids_.push_back(process->pid());
  return process;
}

void ExecModel::Lost(const ExecProcess& process) {
  MutexLock lock(&mutex_);
  std::erase(pids_, process.pid());
}

uint64_t ExecModel::MemoryBytes() {
  MutexLock lock(&mutex_);
  uint64_t bytes = 0;
  for (const pid_t pid : pids_) bytes += ProcessTreeMemory(pid);
  return bytes;
}

std::string CommandOf(const inference::ModelConfig& config) {
  return std::string(Parameter(config, kCommandParameter).value_or(kDefaultCommand));
}

}  // namespace

absl::Status ExecBackend::Complete(ModelDescription* description) {
  inference::ModelConfig& config = description->config;
  SOUVENIR_RETURN_IF_ERROR(CheckParameterNames(config, "exec", {kCommandParameter}));
  if (description->directory.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("model {}: a folder {}/{} is expected, to run the program in", config.name(),
                    config.name(), description->version));
  }
  if (!Parameter(config, kCommandParameter)) {
    const std::string program = description->directory + "/model.py";
    const absl::Status readable = OpenRegularFile(program).status();
    if (absl::IsNotFound(readable)) {
      return absl::InvalidArgumentError(
          fmt::format("model {}: there is no {}; put one there, or say what to run with the "
                      "parameter \"{}\"",
                      config.name(), program, kCommandParameter));
    }
    if (!readable.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("model {}: {}", config.name(), std::string(readable.message())));
    }
  }
  DefaultParameter(kCommandParameter, kDefaultCommand, &config);
  DefaultParameter("isolation", "process", &config);
  if (Parameter(config, "isolation") != "process") {
    return absl::InvalidArgumentError(
        fmt::format("model {}: isolation is \"{}\"; \"process\" is the only value that a program "
                    "can have",
                    config.name(), *Parameter(config, "isolation")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExecBackend::Digest(const ModelDescription& description) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator it(description.directory, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    // Python's compiled files are not part of the program.
    if (it->path().filename() == "__pycache__") it.disable_recursion_pending();
    if (it->is_regular_file(ignored)) files.push_back(it->path());
  }
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("cannot read {}: {}", description.directory, error.message()));
  }
  std::sort(files.begin(), files.end());
  Sha256 hash;
  hash.Add(kFormat);
  hash.Add(CommandOf(description.config));
  for (const fs::path& file : files) {
    hash.Add(file.lexically_relative(description.directory).string());
    SOUVENIR_RETURN_IF_ERROR(HashFile(file.string(), &hash));
  }
  return HexString(hash.Finish());
}

absl::StatusOr<std::unique_ptr<Model>> ExecBackend::Load(const ModelDescription& description,
                                                         const Cancellation* cancellation) {
  ExecProcess::Options process;
  process.name = description.config.name();
  process.command = CommandOf(description.config);
  process.directory = description.directory;
  process.worker_program = options_.worker_program;
  process.environment = ChildEnvironment(
      {"PYTHONPATH=" + BeforeInheritedPath("PYTHONPATH", options_.python_directory, environ),
       "PYTHONUNBUFFERED=1",
       // Tells souvenir_worker that its standard input and output are the service's pipes.
       "SOUVENIR_MODEL_PIPES=1",
       // The repository may be read-only, and its files are in the digest.
       "PYTHONDONTWRITEBYTECODE=1"},
      options_.inherit, environ);
  process.nice = description.nice;
  process.greeting = EncodeExecModel(description.config);
  process.start_timeout = options_.start_timeout;
  process.cancellation = cancellation;
  if (options_.log_errors) {
    process.error_lines =
        std::make_shared<LogLimit>(LogLimit::kDefaultMost, Clock::System(), kErrorLineBurst);
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<ExecProcess> first,
                            StartUnchanged(process, description.check_files));
  return std::make_unique<ExecModel>(std::move(process), description.check_files, std::move(first));
}

}  // namespace souvenir::compute
