#include "gateway/catalog/catalog_poller.h"

#include <utility>

#include "common/logging/logging.h"
#include "common/thread.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"catalog"};

}  // namespace

CatalogPoller::CatalogPoller(const Options& options, Upstream* upstream, Catalog* catalog)
    : options_(options), upstream_(upstream), catalog_(catalog) {
  thread_ = StartThread("catalog", [this] { Run(); });
}

CatalogPoller::~CatalogPoller() { Stop(); }

void CatalogPoller::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void CatalogPoller::Poke() {
  {
    MutexLock lock(&mutex_);
    poked_ = true;
  }
  changed_.NotifyAll();
}

absl::Status CatalogPoller::status() const {
  MutexLock lock(&mutex_);
  return status_;
}

void CatalogPoller::Run() {
  for (bool first = true;; first = false) {
    auto models = upstream_->Describe(options_.names, options_.timeout);
    const absl::Status status = models.status();
    if (models.ok()) catalog_->Update(*std::move(models));

    MutexLock lock(&mutex_);
    if (first || status.ok() != status_.ok()) {
      if (status.ok()) {
        log.Info("compute answers", {{"address", upstream_->address()}});
      } else {
        log.Warning("compute does not answer", {{"reason", status.ToString()}});
      }
    }
    status_ = status;
    const absl::Duration pause = status.ok() ? options_.interval : options_.interval / 10;
    if (!poked_ && !stopping_) changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(pause));
    poked_ = false;
    if (stopping_) return;
  }
}

}  // namespace souvenir::gateway
