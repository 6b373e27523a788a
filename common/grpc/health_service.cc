#include "common/grpc/health_service.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "common/grpc/status.h"
#include "common/name_list.h"
#include "common/nearest.h"

namespace souvenir {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Writes a service's status at the beginning and after each change. After changes during a write,
// the last status is written once.
class HealthService::WatchCall final : public grpc::ServerWriteReactor<HealthCheckResponse>,
                                       public std::enable_shared_from_this<WatchCall> {
 public:
  WatchCall(HealthService* owner, std::string service)
      : owner_(owner), service_(std::move(service)) {}

  const std::string& service() const { return service_; }

  // Writes the status if it differs from the last one that was written.
  void Tell() { Go({.stop = false, .written = false}); }
  void Stop() { Go({.stop = true, .written = false}); }

  void OnWriteDone(bool ok) override { Go({.stop = !ok, .written = true}); }
  void OnCancel() override { Stop(); }
  void OnDone() override { owner_->Forget(shared_from_this()); }

 private:
  struct Event {
    bool stop;
    bool written;
  };

  void Go(Event event) {
    bool finish = false;
    {
      MutexLock lock(&mutex_);
      if (event.written) writing_ = false;
      if (event.stop) stopping_ = true;
      if (writing_ || finished_) return;
      if (stopping_) {
        finish = finished_ = true;
      } else {
        const Status status = owner_->StatusOf(service_);
        if (last_ == status) return;
        last_ = status;
        writing_ = true;
        response_.set_status(status);
      }
    }
    // gRPC may call back before either of these returns. The caller keeps this object alive.
    if (finish) {
      Finish({grpc::StatusCode::UNAVAILABLE, "the server is stopping"});
    } else {
      StartWrite(&response_);
    }
  }

  HealthService* const owner_;
  const std::string service_;
  HealthCheckResponse response_;  // used while a write is under way
  Mutex mutex_;
  std::optional<Status> last_ ABSL_GUARDED_BY(mutex_);  // the last one that was written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;  // the server stops, or the caller has gone
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

void HealthService::Set(const std::string& service, bool serving) {
  {
    MutexLock lock(&mutex_);
    serving_[service] = serving;
  }
  Tell(service);
}

void HealthService::Remove(const std::string& service) {
  {
    MutexLock lock(&mutex_);
    serving_.erase(service);
  }
  Tell(service);
}

void HealthService::Tell(const std::string& service) {
  std::vector<std::shared_ptr<WatchCall>> told;
  {
    MutexLock lock(&mutex_);
    for (const auto& call : watches_) {
      if (call->service() == service) told.push_back(call);
    }
  }
  for (const auto& call : told) call->Tell();
}

void HealthService::Stop() {
  std::set<std::shared_ptr<WatchCall>> watches;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    watches = watches_;
  }
  for (const auto& call : watches) call->Stop();
}

HealthService::Status HealthService::StatusOf(const std::string& service) const {
  MutexLock lock(&mutex_);
  const auto found = serving_.find(service);
  if (found == serving_.end()) return HealthCheckResponse::SERVICE_UNKNOWN;
  return found->second ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

std::string HealthService::NoSuchPart(const std::string& service) const {
  std::vector<std::string> names;
  size_t more = 0;
  {
    MutexLock lock(&mutex_);
    for (const auto& [part, serving] : serving_) {
      if (part.empty()) continue;
      if (names.size() < NameList::kMostCompared) {
        names.push_back(part);
      } else {
        ++more;
      }
    }
  }
  const std::string nearest = Nearest(service, names);
  NameList parts(service);
  for (const std::string& name : names) parts.Add(name);
  parts.LeaveOut(more);
  return fmt::format("this server has no part '{}'{}; its parts are: {}", parts.word(),
                     nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                     parts.Text());
}

void HealthService::Forget(const std::shared_ptr<WatchCall>& call) {
  MutexLock lock(&mutex_);
  watches_.erase(call);
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  const Status status = StatusOf(request->service());
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (status == HealthCheckResponse::SERVICE_UNKNOWN) {
    reactor->Finish(ToGrpcStatus(absl::NotFoundError(NoSuchPart(request->service()))));
  } else {
    response->set_status(status);
    reactor->Finish(grpc::Status::OK);
  }
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext*, const HealthCheckRequest* request) {
  const auto call = std::make_shared<WatchCall>(this, request->service());
  bool stopped = false;
  {
    MutexLock lock(&mutex_);
    watches_.insert(call);
    stopped = stopped_;
  }
  if (stopped) {
    call->Stop();
  } else {
    call->Tell();
  }
  return call.get();
}

}  // namespace souvenir
