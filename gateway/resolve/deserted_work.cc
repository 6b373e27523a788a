#include "gateway/resolve/deserted_work.h"

#include <utility>
#include <vector>

namespace souvenir::gateway {

std::string_view DesertedWork::EndName(End end) {
  constexpr std::array<std::string_view, kEnds> kNames = {"answered", "failed", "wanted",
                                                          "given_up"};
  return kNames[static_cast<size_t>(end)];
}

bool DesertedWork::HasRoom(const Call& call) const {
  if (closed_ || options_.max_calls == 0) return false;
  const auto of_model = calls_of_model_.find(call.model);
  if (of_model != calls_of_model_.end() && of_model->second >= options_.max_calls) return false;
  // A request is in memory once, however many of its calls are deserted.
  uint64_t bytes = 0;
  for (const Request& request : call.requests) {
    if (!calls_of_request_.contains(request.id)) bytes += request.bytes;
  }
  return bytes <= options_.max_bytes && stats_.bytes <= options_.max_bytes - bytes &&
         options_.max_bytes > 0;
}

bool DesertedWork::Add(Call call) {
  MutexLock lock(&mutex_);
  if (!HasRoom(call)) {
    ++stats_.ended[static_cast<size_t>(End::kGivenUp)];
    return false;
  }
  ++stats_.calls;
  ++calls_of_model_[call.model];
  for (const Request& request : call.requests) {
    if (++calls_of_request_[request.id] == 1) stats_.bytes += request.bytes;
  }
  calls_.emplace(call.id, std::move(call));
  return true;
}

void DesertedWork::Remove(const void* id, End end) {
  Call removed;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  removed = std::move(found->second);
  calls_.erase(found);
  --stats_.calls;
  ++stats_.ended[static_cast<size_t>(end)];
  const auto of_model = calls_of_model_.find(removed.model);
  if (--of_model->second == 0) calls_of_model_.erase(of_model);
  for (const Request& request : removed.requests) {
    const auto of_request = calls_of_request_.find(request.id);
    if (--of_request->second > 0) continue;
    calls_of_request_.erase(of_request);
    stats_.bytes -= request.bytes;
  }
}

void DesertedWork::CountGivenUp() {
  MutexLock lock(&mutex_);
  ++stats_.ended[static_cast<size_t>(End::kGivenUp)];
}

void DesertedWork::Close() {
  std::vector<std::function<void()>> give_up;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    for (const auto& [id, call] : calls_) give_up.push_back(call.give_up);
  }
  for (const auto& call : give_up) call();
}

DesertedWork::Stats DesertedWork::stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace souvenir::gateway
