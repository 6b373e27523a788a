#include "cli/run_command.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/connection.h"
#include "cli/job_view.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/standard_input.h"
#include "common/read_file.h"
#include "souvenir/v1/task_service.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::SubmitJobRequest;
using souvenir::v1::SubmitRequest;
using souvenir::v1::TaskService;

constexpr size_t kMostPlanBytes = 256u << 20;
// A message has room for far more, and a server reads the next while it handles one.
constexpr size_t kPieceBytes = 1u << 20;

absl::StatusOr<SubmitJobRequest> ReadPlan(const RunOptions& options, Console& console) {
  const std::string where = options.plan == "-" ? "standard input" : options.plan;
  absl::StatusOr<std::string> text = options.plan == "-" ? ReadAll(console.in, kMostPlanBytes)
                                                         : ReadFile(options.plan, kMostPlanBytes);
  if (!text.ok()) return text.status();
  // Tells the place of a fault, and keys that come twice.
  const absl::StatusOr<nlohmann::json> json = ParseJson(*text, where);
  if (!json.ok()) return json.status();
  SubmitJobRequest plan;
  const auto parsed = google::protobuf::util::JsonStringToMessage(*text, &plan);
  if (parsed.ok()) return plan;
  return absl::InvalidArgumentError(
      fmt::format("{}: what came is no plan: {}", where, std::string(parsed.message())));
}

// Sends the plan in pieces.
grpc::Status Submit(SubmitJobRequest* plan, grpc::ClientContext* context, TaskService::Stub* stub,
                    souvenir::v1::SubmitJobResponse* response) {
  const auto writer = stub->Submit(context, response);
  SubmitRequest message;
  *message.mutable_options() = plan->options();
  bool goes_on = writer->Write(message);
  for (int next = 0; goes_on && next < plan->steps_size();) {
    auto& steps = *message.mutable_steps()->mutable_steps();
    for (size_t bytes = 0; next < plan->steps_size() && bytes < kPieceBytes; ++next) {
      bytes += plan->steps(next).ByteSizeLong();
      steps.Add(std::move(*plan->mutable_steps(next)));
    }
    goes_on = writer->Write(message);
    message.Clear();
  }
  message.mutable_seal();
  if (goes_on) writer->Write(message);
  writer->WritesDone();
  return writer->Finish();  // if a write failed, this has the reason
}

}  // namespace

Outcome Run(const RunOptions& options, const Settings& settings, Console& console) {
  absl::StatusOr<SubmitJobRequest> plan = ReadPlan(options, console);
  if (!plan.ok()) return Outcome::Usage(std::string(plan.status().message()));
  Connection connection(settings.ToServerForLong(), TaskService::service_full_name(),
                        console.clock);
  const auto stub = TaskService::NewStub(connection.channel());
  souvenir::v1::SubmitJobResponse response;
  const Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return Submit(&*plan, context, stub.get(), &response); });
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    console.out << ToJson(response) << '\n';
  } else {
    console.out << fmt::format("{}{}\n", Printable(response.job_id()),
                               response.already_submitted() ? " was submitted before" : "");
  }
  console.out.flush();
  if (options.detach) return {};
  return FollowJob(response.job_id(), settings.json, &connection, stub.get(), console);
}

}  // namespace souvenir::cli
