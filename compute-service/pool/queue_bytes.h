#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace souvenir::compute {

// Bounds the bytes of the requests that wait or run, over all models of a service. The queue of
// each model has a Part. A request is taken if the requests of its model hold fewer bytes than are
// still free, so that one model alone can fill only half of the limit.
//
// Owned by the service; outlives all parts. Thread-safe.
class QueueBytes {
 public:
  explicit QueueBytes(uint64_t limit) : limit_(limit) {}
  QueueBytes(const QueueBytes&) = delete;
  QueueBytes& operator=(const QueueBytes&) = delete;

  uint64_t limit() const { return limit_; }
  uint64_t held() const { return held_.load(std::memory_order_relaxed); }

  class Part;

  // The bytes of one request. They are free again when it is destroyed. Move-only.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : part_(std::exchange(other.part_, nullptr)), bytes_(other.bytes_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(part_, other.part_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share();

   private:
    friend class Part;
    Share(Part* part, uint64_t bytes) : part_(part), bytes_(bytes) {}

    Part* part_ = nullptr;  // null if it holds nothing
    uint64_t bytes_ = 0;
  };

  // The requests of one model. Owned by their queue; outlives their shares. Thread-safe.
  class Part {
   public:
    // `all` is null if there is no limit.
    explicit Part(QueueBytes* all) : all_(all) {}

    // Returns the share of a request of `bytes`, or nullopt if there is no room for it.
    std::optional<Share> Take(uint64_t bytes);

   private:
    friend class Share;

    QueueBytes* const all_;
    std::atomic<uint64_t> held_{0};
  };

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> held_{0};
};

}  // namespace souvenir::compute
