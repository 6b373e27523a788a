#include "compute-service/pool/queue_bytes.h"

namespace souvenir::compute {

QueueBytes::Share::~Share() {
  if (part_ == nullptr) return;
  part_->held_.fetch_sub(bytes_, std::memory_order_relaxed);
  part_->all_->held_.fetch_sub(bytes_, std::memory_order_relaxed);
}

std::optional<QueueBytes::Share> QueueBytes::Part::Take(uint64_t bytes) {
  if (all_ == nullptr) return Share();
  uint64_t held = all_->held_.load(std::memory_order_relaxed);
  do {
    const uint64_t free = all_->limit_ - held;  // `held` is never above the limit
    if (bytes > free || held_.load(std::memory_order_relaxed) >= free) return std::nullopt;
  } while (!all_->held_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
  held_.fetch_add(bytes, std::memory_order_relaxed);
  return Share(this, bytes);
}

}  // namespace souvenir::compute
