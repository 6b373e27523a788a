#include "compute-service/workers/worker_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "compute-service/workers/process_memory.h"
#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"workers"};
// Limited, because requests that a model cannot take may cost a worker each.
constinit LogLimit lost_limit;
constinit LogLimit loaded_limit;

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerHost>> WorkerHost::Start(Options options) {
  if (options.program.empty()) {
    return absl::InvalidArgumentError("WorkerHost: no program is given");
  }
  if (options.nice < 0 || options.nice > 19) {
    return absl::InvalidArgumentError(
        fmt::format("WorkerHost: nice is {}; 0 to 19 is expected", options.nice));
  }
  if (options.start_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("WorkerHost: start_timeout must be above 0");
  }
  if (options.max_message_bytes == 0 || options.max_message_bytes > MessageChannel::kDefaultLimit) {
    return absl::InvalidArgumentError(
        fmt::format("WorkerHost: max_message_bytes is {}; 1 to {} is expected",
                    options.max_message_bytes, MessageChannel::kDefaultLimit));
  }
  std::unique_ptr<WorkerHost> host(new WorkerHost(std::move(options)));
  MutexLock lock(&host->mutex_);
  SOUVENIR_RETURN_IF_ERROR(host->RestartIfLost());
  return host;
}

WorkerHost::WorkerHost(Options options)
    : options_(std::move(options)), backoff_(options_.clock, Backoff::Options{}) {}

WorkerHost::~WorkerHost() = default;

absl::StatusOr<std::unique_ptr<Worker>> WorkerHost::Fork() {
  std::unique_ptr<Worker> worker(new Worker(this));
  SOUVENIR_RETURN_IF_ERROR(worker->Prepare());
  return worker;
}

absl::Status WorkerHost::RestartIfLost() {
  if (process_ != nullptr && process_->Usable()) return absl::OkStatus();
  if (process_ != nullptr) {
    log.Warning(lost_limit, "a host process was lost", {{"model", options_.name}});
    ++lost_;
    process_.reset();
    backoff_.Failed();
  }
  // Checked before the pause too, because this error says what helps, and costs no start.
  SOUVENIR_RETURN_IF_ERROR(CheckFiles());
  if (backoff_.Remaining() > absl::ZeroDuration()) {
    return absl::UnavailableError(fmt::format(
        "{}: the host process could not be started, or was lost, {} times in a row; "
        "the next try is in {}",
        options_.name, backoff_.failures(), absl::FormatDuration(backoff_.Remaining())));
  }
  const absl::Duration begin = options_.clock->Monotonic();
  absl::StatusOr<std::unique_ptr<HostProcess>> process =
      HostProcess::Start({options_.program, options_.arguments, options_.nice,
                          options_.start_timeout, options_.cancellation});
  // Files that changed while the program read them are neither the old ones nor the new ones. They
  // also explain a start that failed.
  SOUVENIR_RETURN_IF_ERROR(CheckFiles());
  if (!process.ok()) {
    backoff_.Failed();
    return process.status();
  }
  process_ = *std::move(process);
  first_of_host_ = last_number_ + 1;
  log.Info(loaded_limit, "a host process has loaded its model",
           {{"model", options_.name},
            {"pid", process_->pid()},
            {"milliseconds", absl::ToInt64Milliseconds(options_.clock->Monotonic() - begin)}});
  return absl::OkStatus();
}

absl::Status WorkerHost::CheckFiles() const {
  return options_.check_files ? options_.check_files() : absl::OkStatus();
}

absl::StatusOr<WorkerHost::Process> WorkerHost::ForkProcess() {
  MutexLock lock(&mutex_);
  SOUVENIR_RETURN_IF_ERROR(RestartIfLost());
  absl::StatusOr<Process> forked = ForkFromHost();
  if (!forked.ok()) {
    process_.reset();
    backoff_.Failed();
    return forked;
  }
  backoff_.Succeeded();
  return forked;
}

WorkerHost::Process WorkerHost::ForkAhead() {
  MutexLock lock(&mutex_);
  // A host that is restarted, or given up, belongs to a request that needs a process.
  if (process_ == nullptr || !process_->Usable()) return {0, {}};
  absl::StatusOr<Process> forked = ForkFromHost();
  return forked.ok() ? *std::move(forked) : Process{0, {}};
}

absl::StatusOr<WorkerHost::Process> WorkerHost::ForkFromHost() {
  SOUVENIR_ASSIGN_OR_RETURN(auto ends, MessageChannel::CreateSockets());
  // A request of the limit comes with its length.
  const auto limit = static_cast<uint32_t>(options_.max_message_bytes + kRequestLengthBytes);
  Process forked{++last_number_, MessageChannel(std::move(ends.first), limit)};
  SOUVENIR_RETURN_IF_ERROR(
      process_->Execute({HostCommand::Kind::kFork, forked.number}, ends.second.get()).status());
  return forked;
}

uint64_t WorkerHost::MemoryBytes() {
  MutexLock lock(&mutex_);
  return process_ == nullptr ? 0 : ProcessTreeMemory(process_->pid());
}

std::string WorkerHost::EndProcess(uint64_t number) {
  MutexLock lock(&mutex_);
  if (process_ == nullptr || number < first_of_host_) return "its host process was lost";
  absl::StatusOr<std::string> reply = process_->Execute({HostCommand::Kind::kEnd, number});
  if (!reply.ok()) {
    process_.reset();
    backoff_.Failed();
    return std::string("its host process was lost");
  }
  return *std::move(reply);
}

Worker::Worker(WorkerHost* host) : host_(host), process_{0, {}}, next_{0, {}} {}

Worker::~Worker() {
  if (process_.channel.open()) End();
  if (next_.channel.open()) {
    next_.channel.Close();
    host_->EndProcess(next_.number);
  }
  if (retired_ != 0) host_->EndProcess(retired_);
}

std::string Worker::End() {
  process_.channel.Close();
  return host_->EndProcess(process_.number);
}

absl::Status Worker::Prepare() {
  const std::string& name = host_->options_.name;
  if (!process_.channel.open() && next_.channel.open()) {
    process_ = std::exchange(next_, {0, {}});
    served_ = 0;
  }
  // No message is expected now: the process died while idle, or sent something unasked.
  if (process_.channel.open() && process_.channel.Readable()) {
    ++host_->lost_;
    log.Warning(lost_limit, "a worker was lost while idle", {{"model", name}, {"end", End()}});
  }
  if (process_.channel.open()) return absl::OkStatus();
  SOUVENIR_ASSIGN_OR_RETURN(process_, host_->ForkProcess());
  served_ = 0;
  return absl::OkStatus();
}

bool Worker::UsedUpBy(size_t requests) const {
  const uint64_t recycle_after = host_->options_.recycle_after;
  return recycle_after > 0 && served_ + requests >= recycle_after;
}

void Worker::ReplaceAhead() {
  if (!next_.channel.open()) next_ = host_->ForkAhead();
  if (retired_ != 0) host_->EndProcess(std::exchange(retired_, 0));
}

void Worker::Retire() {
  if (retired_ != 0) host_->EndProcess(retired_);
  process_.channel.Close();
  retired_ = process_.number;
}

size_t Worker::GroupSize(absl::Span<const std::string> requests) const {
  const WorkerHost::Options& options = host_->options_;
  uint64_t most = requests.size();
  if (options.recycle_after > 0) most = std::min(most, options.recycle_after - served_);
  uint64_t bytes = 0;
  size_t size = 0;
  while (size < most) {
    bytes += kRequestLengthBytes + requests[size].size();
    if (size > 0 && bytes > options.max_message_bytes) break;
    ++size;
  }
  return size;
}

absl::StatusOr<WorkerAnswer> Worker::Receive(absl::Duration timeout) {
  SOUVENIR_ASSIGN_OR_RETURN(std::string message, process_.channel.Receive(timeout));
  return DecodeAnswer(std::move(message));
}

absl::Status Worker::Lost(const absl::Status& reason, absl::Duration timeout) {
  const std::string& name = host_->options_.name;
  const std::string end = End();
  ++host_->lost_;
  if (absl::IsDeadlineExceeded(reason)) {
    log.Warning(lost_limit, "a worker took too long and was killed", {{"model", name}});
    return absl::DeadlineExceededError(fmt::format(
        "{}: the worker needed more than {} and was killed", name, absl::FormatDuration(timeout)));
  }
  log.Warning(lost_limit, "a worker was lost", {{"model", name}, {"end", end}});
  if (absl::IsUnavailable(reason)) {
    return absl::UnavailableError(fmt::format("{}: the worker died: {}", name, end));
  }
  return absl::UnavailableError(
      fmt::format("{}: the worker was given up: {}", name, reason.ToString()));
}

absl::StatusOr<size_t> Worker::CallGroup(absl::Span<const std::string> group,
                                         absl::Duration timeout,
                                         absl::FunctionRef<void(Answer)> take) {
  const Clock& clock = *Clock::System();
  absl::Duration deadline = clock.Monotonic() + timeout;
  const absl::Status sent = process_.channel.Send(EncodeRequests(group), timeout);
  if (!sent.ok()) return Lost(sent, timeout);
  if (UsedUpBy(group.size())) ReplaceAhead();
  size_t taken = 0;
  while (taken < group.size() && process_.channel.open()) {
    absl::StatusOr<WorkerAnswer> answer = Receive(deadline - clock.Monotonic());
    if (!answer.ok()) return Lost(answer.status(), timeout);
    deadline = clock.Monotonic() + timeout;  // the worker is at the next request already
    ++served_;
    // A process that has served many requests may have programs, which must end with it. The wait
    // for that once in so many requests is nothing.
    if (answer->retire || (UsedUpBy(0) && host_->options_.recycle_after > 1)) {
      End();
    } else if (UsedUpBy(0)) {
      Retire();
    }
    SOUVENIR_RETURN_IF_ERROR(answer->status);
    take({std::move(answer->payload), answer->compute_time});
    ++taken;
  }
  return taken;
}

absl::Status Worker::CallAll(absl::Span<const std::string> requests, absl::Duration timeout,
                             absl::FunctionRef<void(Answer)> take) {
  const uint32_t limit = host_->options_.max_message_bytes;
  while (!requests.empty()) {
    if (requests.front().size() > limit) {
      return absl::ResourceExhaustedError(
          fmt::format("{}: a request of {} bytes is above the limit of {}", host_->options_.name,
                      requests.front().size(), limit));
    }
    SOUVENIR_RETURN_IF_ERROR(Prepare());
    SOUVENIR_ASSIGN_OR_RETURN(const size_t taken,
                              CallGroup(requests.first(GroupSize(requests)), timeout, take));
    requests.remove_prefix(taken);
  }
  return absl::OkStatus();
}

absl::StatusOr<Worker::Answer> Worker::Call(const std::string& request, absl::Duration timeout) {
  Answer answer;
  SOUVENIR_RETURN_IF_ERROR(CallAll(absl::MakeConstSpan(&request, 1), timeout,
                                   [&](Answer only) { answer = std::move(only); }));
  return answer;
}

}  // namespace souvenir::compute
