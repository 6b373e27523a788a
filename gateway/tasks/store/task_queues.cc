#include "gateway/tasks/store/task_queues.h"

#include <algorithm>

namespace souvenir::gateway {

std::vector<QueueInfo> TaskQueues::Infos() const {
  std::vector<QueueInfo> infos;
  {
    MutexLock lock(&mutex_);
    for (const auto& queue : queues_) infos.push_back(queue->Info());
  }
  std::sort(infos.begin(), infos.end(),
            [](const QueueInfo& a, const QueueInfo& b) { return a.name < b.name; });
  return infos;
}

}  // namespace souvenir::gateway
