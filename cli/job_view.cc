#include "cli/job_view.h"

#include <fmt/format.h>

#include <memory>

#include "cli/json.h"
#include "cli/printable.h"

namespace souvenir::cli {

using souvenir::v1::JobEvent;

std::string JobStateName(souvenir::v1::JobState state) {
  switch (state) {
    case souvenir::v1::JOB_STATE_RUNNING:
      return "running";
    case souvenir::v1::JOB_STATE_SUCCEEDED:
      return "succeeded";
    case souvenir::v1::JOB_STATE_FAILED:
      return "failed";
    case souvenir::v1::JOB_STATE_CANCELLED:
      return "cancelled";
    case souvenir::v1::JOB_STATE_UNSPECIFIED:
    case souvenir::v1::JobState_INT_MIN_SENTINEL_DO_NOT_USE_:
    case souvenir::v1::JobState_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return fmt::format("state {}", static_cast<int>(state));
}

std::string StepStateName(souvenir::v1::StepState state) {
  switch (state) {
    case souvenir::v1::STEP_STATE_PENDING:
      return "pending";
    case souvenir::v1::STEP_STATE_SCHEDULED:
      return "scheduled";
    case souvenir::v1::STEP_STATE_READY:
      return "ready";
    case souvenir::v1::STEP_STATE_RUNNING:
      return "running";
    case souvenir::v1::STEP_STATE_SUCCEEDED:
      return "succeeded";
    case souvenir::v1::STEP_STATE_FAILED:
      return "failed";
    case souvenir::v1::STEP_STATE_SKIPPED:
      return "skipped";
    case souvenir::v1::STEP_STATE_CANCELLED:
      return "cancelled";
    case souvenir::v1::STEP_STATE_UNSPECIFIED:
    case souvenir::v1::StepState_INT_MIN_SENTINEL_DO_NOT_USE_:
    case souvenir::v1::StepState_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return fmt::format("state {}", static_cast<int>(state));
}

std::string StepCountsText(const souvenir::v1::StepCounts& steps) {
  std::string text = fmt::format("{} of {} steps", steps.succeeded(), steps.total());
  const auto add = [&](uint64_t count, const char* what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  add(steps.running(), "running");
  add(steps.failed(), "failed");
  add(steps.skipped(), "skipped");
  add(steps.cancelled(), "cancelled");
  return text;
}

std::string JobText(const souvenir::v1::Job& job) {
  std::string text = fmt::format("{} {}: {}", Printable(job.id()), JobStateName(job.state()),
                                 StepCountsText(job.steps()));
  if (!job.name().empty()) text += fmt::format(" ({})", Printable(job.name()));
  text += '\n';
  if (job.has_status()) text += fmt::format("  {}\n", Printable(job.status().message()));
  return text;
}

namespace {

void PrintEvent(const JobEvent& event, Console& console) {
  if (event.has_job()) {
    console.out << JobText(event.job());
    return;
  }
  const souvenir::v1::StepEnded& step = event.step();
  std::string line = fmt::format("{:>6}  {:<9}  {}", event.sequence(), StepStateName(step.state()),
                                 Printable(step.id()));
  if (step.rows() > 0) {
    line += fmt::format("  {} of {} rows remembered", step.remembered_rows(), step.rows());
  }
  if (step.has_status()) line += fmt::format("  {}", Printable(step.status().message()));
  console.out << line << '\n';
}

}  // namespace

Outcome FollowJob(const std::string& job, bool json, Connection* connection,
                  souvenir::v1::TaskService::Stub* stub, Console& console) {
  souvenir::v1::Job last;
  const Outcome outcome = connection->Call([&](grpc::ClientContext* context) {
    souvenir::v1::WatchRequest request;
    request.set_job_id(job);
    const auto reader = stub->Watch(context, request);
    JobEvent event;
    while (reader->Read(&event)) {
      if (event.has_job()) last = event.job();
      if (json) {
        console.out << ToJson(event) << '\n';
      } else {
        PrintEvent(event, console);
      }
      console.out.flush();
    }
    return reader->Finish();
  });
  if (!outcome.ok() || last.state() == souvenir::v1::JOB_STATE_SUCCEEDED) return outcome;
  return {ExitCode::kFailed,
          fmt::format("the job {}: {}", JobStateName(last.state()), StepCountsText(last.steps()))};
}

}  // namespace souvenir::cli
