#include "cli/tasks_command.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <vector>

#include "cli/connection.h"
#include "cli/job_view.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/tensor_view.h"
#include "cli/time_conversion.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor.h"
#include "souvenir/v1/task_service.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::TaskService;

constexpr size_t kMostElementsShown = 100;

// A connection with a stub.
struct Tasks {
  Tasks(Connection::Options options, Console& console)
      : connection(std::move(options), TaskService::service_full_name(), console.clock),
        stub(TaskService::NewStub(connection.channel())) {}

  Connection connection;
  std::unique_ptr<TaskService::Stub> stub;
};

// Asks for all pages of a list, and calls `print` with each answer.
template <typename Request, typename Response, typename Call, typename Print>
Outcome EachPage(Tasks& tasks, Request request, const Call& call, const Print& print) {
  request.set_page_size(1000);
  for (;;) {
    Response page;
    Outcome outcome = tasks.connection.Call(
        [&](grpc::ClientContext* context) { return call(context, request, &page); });
    if (!outcome.ok()) return outcome;
    print(page);
    if (page.next_page_token().empty()) return {};
    request.set_page_token(page.next_page_token());
  }
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(time), absl::LocalTimeZone());
}

// Prints a job that a call has changed.
void PrintJob(const souvenir::v1::Job& job, const Settings& settings, Console& console) {
  console.out << (settings.json ? ToJson(job) + "\n" : JobText(job));
}

void PrintQueue(const souvenir::v1::Queue& queue, const Settings& settings, Console& console) {
  if (settings.json) {
    console.out << ToJson(queue) << '\n';
    return;
  }
  console.out << fmt::format("{} {}: {} ready, {} running\n", Printable(queue.name()),
                             queue.paused() ? "is paused" : "runs", queue.ready(), queue.running());
}

// Reads a result into tensors that own their bytes.
Outcome ReadResult(const TasksOptions& options, Tasks& tasks, std::vector<Tensor>* tensors) {
  const Outcome outcome = tasks.connection.Call([&](grpc::ClientContext* context) {
    souvenir::v1::GetResultRequest request;
    request.set_job_id(options.job);
    request.set_step(options.step);
    const auto reader = tasks.stub->GetResult(context, request);
    souvenir::v1::ResultChunk chunk;
    std::vector<uint64_t> sizes;
    size_t at = 0;
    while (reader->Read(&chunk)) {
      for (const auto& output : chunk.header().outputs()) {
        tensors->push_back({output.name(),
                            ParseDataType(output.datatype()).value_or(DataType::kInvalid),
                            {output.shape().begin(), output.shape().end()},
                            ""});
        sizes.push_back(output.raw_bytes());
      }
      std::string_view rest = chunk.data();
      while (!rest.empty() && at < tensors->size()) {
        std::string& data = (*tensors)[at].data;
        const std::string_view part = rest.substr(0, sizes[at] - data.size());
        data.append(part);
        rest.remove_prefix(part.size());
        if (data.size() == sizes[at]) ++at;
      }
    }
    return reader->Finish();
  });
  if (!outcome.ok()) return outcome;
  for (const Tensor& tensor : *tensors) {
    const absl::Status valid = ValidateTensor(tensor.view());
    if (!valid.ok()) {
      return {ExitCode::kFailed,
              fmt::format("the result is malformed: {}", std::string(valid.message()))};
    }
  }
  return {};
}

}  // namespace

Outcome TasksList(const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  Table table(std::vector<Table::Align>(5, Table::Align::kLeft));
  table.Add({"job", "state", "steps", "created", "name"});
  const Outcome outcome = EachPage<souvenir::v1::ListJobsRequest, souvenir::v1::ListJobsResponse>(
      tasks, {},
      [&](auto* context, const auto& request, auto* page) {
        return tasks.stub->ListJobs(context, request, page);
      },
      [&](const souvenir::v1::ListJobsResponse& page) {
        for (const souvenir::v1::Job& job : page.jobs()) {
          if (settings.json) console.out << ToJson(job) << '\n';
          table.Add({Printable(job.id()), JobStateName(job.state()), StepCountsText(job.steps()),
                     TimeText(job.created_at()), Printable(job.name())});
        }
      });
  if (outcome.ok() && !settings.json) console.out << table.Render();
  return outcome;
}

Outcome TasksShow(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  souvenir::v1::GetJobRequest ask;
  ask.set_job_id(options.job);
  souvenir::v1::Job job;
  Outcome outcome = tasks.connection.Call(
      [&](grpc::ClientContext* context) { return tasks.stub->GetJob(context, ask, &job); });
  if (!outcome.ok()) return outcome;
  PrintJob(job, settings, console);
  Table table(std::vector<Table::Align>(6, Table::Align::kLeft));
  table.Add({"step", "state", "model", "queue", "attempts", "note"});
  souvenir::v1::ListStepsRequest request;
  request.set_job_id(options.job);
  outcome = EachPage<souvenir::v1::ListStepsRequest, souvenir::v1::ListStepsResponse>(
      tasks, request,
      [&](auto* context, const auto& request, auto* page) {
        return tasks.stub->ListSteps(context, request, page);
      },
      [&](const souvenir::v1::ListStepsResponse& page) {
        for (const souvenir::v1::JobStep& step : page.steps()) {
          if (settings.json) console.out << ToJson(step) << '\n';
          table.Add({Printable(step.id()), StepStateName(step.state()), Printable(step.model()),
                     Printable(step.queue()), fmt::to_string(step.attempts()),
                     Printable(step.status().message())});
        }
      });
  if (outcome.ok() && !settings.json) console.out << table.Render(2);
  return outcome;
}

Outcome TasksWatch(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServerForLong(), console);
  return FollowJob(options.job, settings.json, &tasks.connection, tasks.stub.get(), console);
}

Outcome TasksCancel(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  souvenir::v1::CancelRequest request;
  request.set_job_id(options.job);
  souvenir::v1::CancelResponse response;
  Outcome outcome = tasks.connection.Call([&](grpc::ClientContext* context) {
    return tasks.stub->Cancel(context, request, &response);
  });
  if (outcome.ok()) PrintJob(response.job(), settings, console);
  return outcome;
}

Outcome TasksResult(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  std::vector<Tensor> tensors;
  Outcome outcome = ReadResult(options, tasks, &tensors);
  if (!outcome.ok()) return outcome;
  if (settings.json) {
    std::string outputs;
    for (const Tensor& tensor : tensors) {
      outputs += (outputs.empty() ? "" : ",") + TensorJson(tensor.view());
    }
    console.out << fmt::format("{{\"outputs\":[{}]}}\n", outputs);
    return {};
  }
  for (const Tensor& tensor : tensors) {
    if (!options.quiet) {
      console.out << TensorTitle(tensor.view()) << '\n'
                  << TensorText(tensor.view(), 2, kMostElementsShown);
    } else if (tensor.datatype == DataType::kBytes) {
      BytesElementReader reader(tensor.data);
      while (const auto element = reader.Next()) console.out << *element << '\n';
    } else {
      console.out << TensorText(tensor.view(), 0, SIZE_MAX);
    }
  }
  return {};
}

Outcome TasksDead(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  Table table(std::vector<Table::Align>(6, Table::Align::kLeft));
  table.Add({"job", "step", "model", "attempts", "failed", "reason"});
  souvenir::v1::ListDeadLettersRequest request;
  request.set_job_id(options.job);
  request.set_queue(options.queue);
  const Outcome outcome =
      EachPage<souvenir::v1::ListDeadLettersRequest, souvenir::v1::ListDeadLettersResponse>(
          tasks, request,
          [&](auto* context, const auto& request, auto* page) {
            return tasks.stub->ListDeadLetters(context, request, page);
          },
          [&](const souvenir::v1::ListDeadLettersResponse& page) {
            for (const souvenir::v1::DeadLetter& letter : page.dead_letters()) {
              if (settings.json) console.out << ToJson(letter) << '\n';
              table.Add({Printable(letter.job_id()), Printable(letter.step()),
                         Printable(letter.model()), fmt::to_string(letter.attempts()),
                         TimeText(letter.failed_at()), Printable(letter.status().message())});
            }
          });
  if (outcome.ok() && !settings.json) console.out << table.Render();
  return outcome;
}

Outcome TasksRequeue(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  souvenir::v1::RequeueRequest request;
  request.set_job_id(options.job);
  for (const std::string& step : options.steps) request.add_steps(step);
  souvenir::v1::RequeueResponse response;
  Outcome outcome = tasks.connection.Call([&](grpc::ClientContext* context) {
    return tasks.stub->Requeue(context, request, &response);
  });
  if (outcome.ok()) PrintJob(response.job(), settings, console);
  return outcome;
}

Outcome TasksRetry(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  souvenir::v1::RetryRequest request;
  request.set_job_id(options.job);
  souvenir::v1::RetryResponse response;
  Outcome outcome = tasks.connection.Call(
      [&](grpc::ClientContext* context) { return tasks.stub->Retry(context, request, &response); });
  if (outcome.ok()) PrintJob(response.job(), settings, console);
  return outcome;
}

Outcome TasksQueues(const Settings& settings, Console& console) {
  Tasks tasks(settings.ToServer(), console);
  souvenir::v1::ListQueuesResponse response;
  Outcome outcome = tasks.connection.Call(
      [&](grpc::ClientContext* context) { return tasks.stub->ListQueues(context, {}, &response); });
  if (!outcome.ok()) return outcome;
  for (const souvenir::v1::Queue& queue : response.queues()) PrintQueue(queue, settings, console);
  return {};
}

Outcome TasksPause(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToAdmin(), console);
  souvenir::v1::PauseQueueRequest request;
  request.set_name(options.queue);
  souvenir::v1::Queue queue;
  Outcome outcome = tasks.connection.Call([&](grpc::ClientContext* context) {
    return tasks.stub->PauseQueue(context, request, &queue);
  });
  if (outcome.ok()) PrintQueue(queue, settings, console);
  return outcome;
}

Outcome TasksResume(const TasksOptions& options, const Settings& settings, Console& console) {
  Tasks tasks(settings.ToAdmin(), console);
  souvenir::v1::ResumeQueueRequest request;
  request.set_name(options.queue);
  souvenir::v1::Queue queue;
  Outcome outcome = tasks.connection.Call([&](grpc::ClientContext* context) {
    return tasks.stub->ResumeQueue(context, request, &queue);
  });
  if (outcome.ok()) PrintQueue(queue, settings, console);
  return outcome;
}

}  // namespace souvenir::cli
