#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace souvenir {

// A shared pointer to an object that counts its references itself. The object has AddRef() and
// Release(), both const and thread-safe; the last Release() destroys it. A RefPtr takes one word,
// whereas std::shared_ptr takes two and a block for the counts. A RefPtr itself is as thread-safe
// as a plain pointer.
template <typename T>
class RefPtr {
 public:
  RefPtr() = default;
  RefPtr(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): like a plain pointer
  // Adds a reference.
  explicit RefPtr(T* object) : object_(object) {
    if (object_ != nullptr) object_->AddRef();
  }
  // Takes over the caller's reference.
  static RefPtr Adopt(T* object) {
    RefPtr pointer;
    pointer.object_ = object;
    return pointer;
  }
  RefPtr(const RefPtr& other) : RefPtr(other.object_) {}
  RefPtr(RefPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ~RefPtr() {
    if (object_ != nullptr) object_->Release();
  }
  RefPtr& operator=(RefPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }

  // Hands its reference over to the caller.
  T* Detach() { return std::exchange(object_, nullptr); }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

  bool operator==(const RefPtr& other) const { return object_ == other.object_; }
  bool operator==(std::nullptr_t) const { return object_ == nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace souvenir
