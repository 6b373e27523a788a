#include "gateway/tasks/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/model_name.h"
#include "common/status_macros.h"
#include "common/tensor/tensor.h"
#include "gateway/catalog/input_check.h"
#include "gateway/tasks/step_codec.h"
#include "gateway/tasks/step_inputs.h"

namespace souvenir::gateway {
namespace {

constexpr size_t kMostKeyBytes = 256;
constexpr size_t kMostQueueBytes = 64;
// Most outputs of later steps that are kept to be checked at the end.
constexpr size_t kMostExpectations = 100'000;
constexpr absl::Duration kMostBackoff = absl::Hours(24);

// Puts the path of a fault in front of its message.
absl::Status At(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), fmt::format("{}: {}", path, std::string(status.message())));
}

absl::Status Invalid(const std::string& path, std::string_view message) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, message));
}

absl::Status CheckText(std::string_view field, std::string_view text) {
  if (text.size() > kMostKeyBytes) {
    return absl::InvalidArgumentError(fmt::format("options.{}: {} bytes came; {} is the most",
                                                  field, text.size(), kMostKeyBytes));
  }
  const std::string_view fault = FaultOfName(text);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("options.{}: '{}' came: {}", field, EscapedName(text), fault));
}

absl::Status CheckRetry(const std::string& path, const RetryPolicy& retry) {
  const auto check = [&](std::string_view field, bool fits, const auto& came,
                         std::string_view expected) {
    if (fits) return absl::OkStatus();
    return Invalid(path, fmt::format("retry.{}: {} came; {} is expected", field, came, expected));
  };
  SOUVENIR_RETURN_IF_ERROR(check(
      "max_attempts", retry.max_attempts >= 1 && retry.max_attempts <= RetryPolicy::kMostAttempts,
      retry.max_attempts, "a number from 1 to 100"));
  SOUVENIR_RETURN_IF_ERROR(check("max_unavailable",
                                 retry.max_unavailable <= RetryPolicy::kMostUnavailable,
                                 retry.max_unavailable, "a number from 0 to 1000"));
  const auto is_backoff = [](absl::Duration pause) {
    return pause >= absl::Milliseconds(1) && pause <= kMostBackoff;
  };
  SOUVENIR_RETURN_IF_ERROR(check("initial_backoff", is_backoff(retry.initial_backoff),
                                 absl::FormatDuration(retry.initial_backoff),
                                 "a time from 1ms to 24h"));
  SOUVENIR_RETURN_IF_ERROR(check("max_backoff", is_backoff(retry.max_backoff),
                                 absl::FormatDuration(retry.max_backoff),
                                 "a time from 1ms to 24h"));
  return check("jitter", retry.jitter >= 0 && retry.jitter <= 1, retry.jitter,
               "a number from 0 to 1");
}

}  // namespace

absl::Status CheckQueueName(std::string_view field, std::string_view name) {
  const auto is_first = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool fits = !name.empty() && name.size() <= kMostQueueBytes && is_first(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return is_first(c) || c == '-' || c == '_' || c == '.';
                    });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}: '{}' came; 1 to {} of a-z, 0-9, '-', '_' and '.' are expected, a letter or digit first",
      field, EscapedName(name), kMostQueueBytes));
}

Submission::Submission(const Limits& limits, const Parts& parts)
    : limits_(limits), parts_(parts), models_(parts.catalog->snapshot()), graph_(limits.graph) {}

Submission::~Submission() {
  if (is_open_) parts_.store->Abandon(begun_.job);
  if (is_counted_) parts_.open->fetch_sub(1, std::memory_order_relaxed);
}

absl::Status Submission::CheckOptions(const JobOptions& options) const {
  SOUVENIR_RETURN_IF_ERROR(CheckText("name", options.name));
  SOUVENIR_RETURN_IF_ERROR(CheckText("idempotency_key", options.idempotency_key));
  SOUVENIR_RETURN_IF_ERROR(CheckText("uniqueness_key", options.uniqueness_key));
  if (options.result_ttl <= limits_.max_result_ttl) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "options.result_ttl: {} came; tasks.max_result_ttl_seconds allows {}",
      absl::FormatDuration(options.result_ttl), absl::FormatDuration(limits_.max_result_ttl)));
}

absl::Status Submission::Begin(JobOptions options) {
  SOUVENIR_RETURN_IF_ERROR(parts_.catalog->CheckKnown());
  if (options.result_ttl < absl::ZeroDuration()) options.result_ttl = limits_.result_ttl;
  SOUVENIR_RETURN_IF_ERROR(CheckOptions(options));
  is_counted_ = true;
  if (parts_.open->fetch_add(1, std::memory_order_relaxed) >= limits_.max_open) {
    return absl::ResourceExhaustedError(
        fmt::format("{} jobs are being submitted, and the limit is {}; try again later",
                    limits_.max_open, limits_.max_open));
  }
  options_ = std::move(options);
  SOUVENIR_ASSIGN_OR_RETURN(begun_, parts_.store->Begin(options_, parts_.clock->Now()));
  is_open_ = !begun_.already_submitted;
  return absl::OkStatus();
}

absl::Status Submission::Add(std::vector<StepRequest> steps) {
  std::vector<NewStep> added;
  std::vector<Blob> blobs;
  added.reserve(steps.size());
  for (StepRequest& step : steps) {
    if (step.queue.empty()) step.queue = "default";
    SOUVENIR_RETURN_IF_ERROR(graph_.Add(step.id, step.needs));
    const std::string path = graph_.PathOf(static_cast<uint32_t>(graph_.size() - 1));
    SOUVENIR_RETURN_IF_ERROR(CheckStep(path, step));
    absl::StatusOr<CatalogModelPtr> model = models_->Find(step.spec.model, step.spec.version);
    if (!model.ok()) {
      return Invalid(path + ": call", std::string(model.status().message()));
    }
    model_of_.push_back(model->get());  // the snapshot owns it
    SOUVENIR_RETURN_IF_ERROR(CheckInputs(path, step));
    const size_t blobs_before = blobs.size();
    NewStep& to = added.emplace_back();
    to.id = std::move(step.id);
    to.queue = std::move(step.queue);
    to.priority = step.priority;
    to.needs = static_cast<uint32_t>(step.needs.size());
    to.not_before = step.not_before;
    to.countdown = step.countdown;
    to.spec = EncodeStep(std::move(step.spec), &blobs);
    bytes_ += to.spec.size() + to.id.size();
    for (const std::string& need : step.needs) bytes_ += need.size();
    for (size_t i = blobs_before; i < blobs.size(); ++i) bytes_ += blobs[i].bytes.size();
    if (bytes_ > limits_.max_job_bytes) {
      return absl::ResourceExhaustedError(
          fmt::format("{}: the steps have more than {} bytes together, which is the limit of a job",
                      path, limits_.max_job_bytes));
    }
  }
  return parts_.store->Append(begun_.job, std::move(added), std::move(blobs));
}

absl::Status Submission::CheckStep(const std::string& path, const StepRequest& step) const {
  SOUVENIR_RETURN_IF_ERROR(CheckQueueName(path + ": queue", step.queue));
  if (step.priority < kLeastPriority || step.priority > kMostPriority) {
    return Invalid(path, fmt::format("priority: {} came; a number from {} to {} is expected",
                                     step.priority, kLeastPriority, kMostPriority));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckRetry(path, step.spec.retry));
  if (step.spec.time_limit < absl::Milliseconds(1)) {
    return Invalid(path, fmt::format("time_limit: {} came; at least 1ms is expected",
                                     absl::FormatDuration(step.spec.time_limit)));
  }
  const absl::Duration ahead = step.not_before == absl::InfinitePast()
                                   ? step.countdown
                                   : step.not_before - parts_.clock->Now();
  if (step.countdown < absl::ZeroDuration()) {
    return Invalid(path, fmt::format("countdown: {} came; a time that is not negative is expected",
                                     absl::FormatDuration(step.countdown)));
  }
  if (ahead <= limits_.max_delay) return absl::OkStatus();
  return Invalid(path,
                 fmt::format("it would start in {}; tasks.max_delay_seconds allows {}",
                             absl::FormatDuration(ahead), absl::FormatDuration(limits_.max_delay)));
}

absl::Status Submission::CheckInputs(const std::string& path, const StepRequest& step) {
  std::vector<InputForm> forms;
  for (size_t i = 0; i < step.spec.inputs.size(); ++i) {
    const StepInput& input = step.spec.inputs[i];
    const std::string input_path =
        fmt::format("{}: inputs[{}] '{}'", path, i, EscapedName(input.name));
    InputForm& form = forms.emplace_back(InputForm{.name = input.name});
    if (!input.reshape.empty() &&
        std::find(input.reshape.begin(), input.reshape.end(), -1) == input.reshape.end()) {
      form.shape = input.reshape;
    }
    if (const auto* literal = std::get_if<LiteralInput>(&input.source)) {
      form.datatype = literal->datatype;
      if (input.reshape.empty()) {
        form.shape = literal->shape;
      } else {
        SOUVENIR_RETURN_IF_ERROR(At(input_path, Reshaped(literal->shape, input.reshape).status()));
      }
    } else if (const auto* output = std::get_if<OutputInput>(&input.source)) {
      SOUVENIR_RETURN_IF_ERROR(CheckOutput(input_path, input, step, output->need, output->output));
    } else if (const auto* gathered = std::get_if<GatheredInput>(&input.source)) {
      for (const uint32_t need : gathered->needs) {
        SOUVENIR_RETURN_IF_ERROR(CheckOutput(input_path, input, step, need, gathered->output));
      }
    } else {
      form.datatype = DataType::kBytes;
      if (step.id != options_.failure_step) {
        return Invalid(input_path, "the failures of the job are for options.failure_step alone");
      }
    }
  }
  return At(path + ": call", CheckInputForms(*model_of_.back(), forms));
}

absl::Status Submission::CheckOutput(const std::string& path, const StepInput& input,
                                     const StepRequest& step, uint32_t need,
                                     const std::string& output) {
  const Expectation expectation{.step = static_cast<uint32_t>(graph_.size() - 1),
                                .input = input.name,
                                .needed = step.needs[need],
                                .output = output};
  const std::optional<uint32_t> needed = graph_.Find(expectation.needed);
  if (needed && *needed < model_of_.size()) return At(path, Check(expectation));
  // Those beyond the limit are found when their steps run.
  if (expectations_.size() < kMostExpectations) expectations_.push_back(expectation);
  return absl::OkStatus();
}

absl::Status Submission::Check(const Expectation& expectation) const {
  const std::optional<uint32_t> needed = graph_.Find(expectation.needed);
  if (!needed) return absl::OkStatus();  // Seal() of the graph says so
  const absl::StatusOr<const OutputDeclaration*> output =
      FindOutput(*model_of_[*needed], expectation.output);
  if (!output.ok()) return output.status();
  if (*output == nullptr || (*output)->datatype == DataType::kInvalid) return absl::OkStatus();
  const CatalogModel& model = *model_of_[expectation.step];
  return CheckInputDatatype(model, expectation.input, (*output)->datatype);
}

absl::StatusOr<TaskStore::SpecialSteps> Submission::FindSpecialSteps() const {
  TaskStore::SpecialSteps special;
  if (!options_.failure_step.empty()) {
    special.failure_step = graph_.Find(options_.failure_step);
    if (!special.failure_step) {
      return absl::InvalidArgumentError(fmt::format("options.failure_step: there is no step '{}'",
                                                    EscapedName(options_.failure_step)));
    }
    if (!graph_.needs(*special.failure_step).empty() ||
        !graph_.feeds(*special.failure_step).empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "options.failure_step: {} needs a step, or a step needs it; it runs when all others have "
          "ended",
          graph_.PathOf(*special.failure_step)));
    }
    if (graph_.size() == 1) {
      return absl::InvalidArgumentError("options.failure_step: the job has no other step");
    }
  }
  special.result_step = options_.result_step.empty() ? graph_.OnlySink(special.failure_step)
                                                     : graph_.Find(options_.result_step);
  if (options_.result_step.empty() || special.result_step) return special;
  return absl::InvalidArgumentError(
      fmt::format("options.result_step: there is no step '{}'", EscapedName(options_.result_step)));
}

absl::StatusOr<TaskStore::Sealed> Submission::Seal() {
  SOUVENIR_RETURN_IF_ERROR(graph_.Seal());
  for (const Expectation& expectation : expectations_) {
    SOUVENIR_RETURN_IF_ERROR(At(fmt::format("{}: input '{}'", graph_.PathOf(expectation.step),
                                            EscapedName(expectation.input)),
                                Check(expectation)));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const TaskStore::SpecialSteps special, FindSpecialSteps());
  absl::StatusOr<TaskStore::Sealed> sealed =
      parts_.store->Seal(begun_.job, graph_, special, parts_.clock->Now());
  if (sealed.ok()) {
    is_open_ = false;
    begun_ = sealed->begun;
  }
  return sealed;
}

}  // namespace souvenir::gateway
