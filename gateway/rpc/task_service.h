#pragma once

#include <utility>

#include "gateway/rpc/task_parts.h"
#include "souvenir/v1/task_service.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.TaskService. All calls may wait for the store, so they run on an executor. Without a
// store, every call is UNIMPLEMENTED and says so.
//
// Owned by the gateway; thread-safe.
class TaskService final : public v1::TaskService::CallbackService {
 public:
  // Queues are changed on the admin port only, because they belong to all callers.
  enum class Queues { kMayChange, kMayNotChange };

  TaskService(const TaskParts& parts, Queues queues);

  grpc::ServerUnaryReactor* SubmitJob(grpc::CallbackServerContext* context,
                                      const v1::SubmitJobRequest* request,
                                      v1::SubmitJobResponse* response) override;
  grpc::ServerReadReactor<v1::SubmitRequest>* Submit(grpc::CallbackServerContext* context,
                                                     v1::SubmitJobResponse* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerUnaryReactor* ListSteps(grpc::CallbackServerContext* context,
                                      const v1::ListStepsRequest* request,
                                      v1::ListStepsResponse* response) override;
  grpc::ServerWriteReactor<v1::JobEvent>* Watch(grpc::CallbackServerContext* context,
                                                const v1::WatchRequest* request) override;
  grpc::ServerWriteReactor<v1::ResultChunk>* GetResult(
      grpc::CallbackServerContext* context, const v1::GetResultRequest* request) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context,
                                   const v1::CancelRequest* request,
                                   v1::CancelResponse* response) override;
  grpc::ServerUnaryReactor* Retry(grpc::CallbackServerContext* context,
                                  const v1::RetryRequest* request,
                                  v1::RetryResponse* response) override;
  grpc::ServerUnaryReactor* ListDeadLetters(grpc::CallbackServerContext* context,
                                            const v1::ListDeadLettersRequest* request,
                                            v1::ListDeadLettersResponse* response) override;
  grpc::ServerUnaryReactor* Requeue(grpc::CallbackServerContext* context,
                                    const v1::RequeueRequest* request,
                                    v1::RequeueResponse* response) override;
  grpc::ServerUnaryReactor* ListQueues(grpc::CallbackServerContext* context,
                                       const v1::ListQueuesRequest* request,
                                       v1::ListQueuesResponse* response) override;
  grpc::ServerUnaryReactor* PauseQueue(grpc::CallbackServerContext* context,
                                       const v1::PauseQueueRequest* request,
                                       v1::Queue* response) override;
  grpc::ServerUnaryReactor* ResumeQueue(grpc::CallbackServerContext* context,
                                        const v1::ResumeQueueRequest* request,
                                        v1::Queue* response) override;
  grpc::ServerUnaryReactor* SetQueueLimits(grpc::CallbackServerContext* context,
                                           const v1::SetQueueLimitsRequest* request,
                                           v1::Queue* response) override;

 private:
  // The counters of the methods.
  struct Metrics {
    explicit Metrics(RpcEntry* entry);
    RpcMethodMetrics* const submit_job;
    RpcMethodMetrics* const submit;
    RpcMethodMetrics* const get_job;
    RpcMethodMetrics* const list_jobs;
    RpcMethodMetrics* const list_steps;
    RpcMethodMetrics* const watch;
    RpcMethodMetrics* const get_result;
    RpcMethodMetrics* const cancel;
    RpcMethodMetrics* const retry;
    RpcMethodMetrics* const list_dead_letters;
    RpcMethodMetrics* const requeue;
    RpcMethodMetrics* const list_queues;
    RpcMethodMetrics* const pause_queue;
    RpcMethodMetrics* const resume_queue;
    RpcMethodMetrics* const set_queue_limits;
  };

  // Answers with `response` and the status of `work`, which gets the tenant of the call, on
  // TaskParts::executor or another one.
  template <typename Work>
  grpc::ServerUnaryReactor* Answer(RpcMethodMetrics* metrics, grpc::CallbackServerContext* context,
                                   const google::protobuf::MessageLite* response, Work work) {
    return AnswerOnOne(parts_.executor, metrics, context, response, std::move(work));
  }
  template <typename Work>
  grpc::ServerUnaryReactor* AnswerOnOne(Executor* executor, RpcMethodMetrics* metrics,
                                        grpc::CallbackServerContext* context,
                                        const google::protobuf::MessageLite* response, Work work);
  // Returns OK if the caller may change a queue of this name.
  absl::Status CheckMayChange(const std::string& queue) const;
  absl::Status SubmitWhole(const std::string& tenant, const v1::SubmitJobRequest& request,
                           v1::SubmitJobResponse* response);
  absl::Status FillSteps(const std::string& tenant, const v1::ListStepsRequest& request,
                         v1::ListStepsResponse* response);
  absl::Status FillJobs(const std::string& tenant, const v1::ListJobsRequest& request,
                        v1::ListJobsResponse* response);
  absl::Status FillDeadLetters(const std::string& tenant, const v1::ListDeadLettersRequest& request,
                               v1::ListDeadLettersResponse* response);

  const TaskParts parts_;
  const Queues queues_;
  const Metrics metrics_;
};

}  // namespace souvenir::gateway
