#include "compute-service/backends/apertium/worker/allocator.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

// Settings of jemalloc. One arena is enough for one thread. jemalloc's `zero:true` is not used,
// because it would slow down every allocation, malloc() included.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:1";

// `delete` is not replaced: jemalloc's frees memory from its malloc().
void* operator new(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return souvenir::compute::new_hands_out_zeros ? std::memset(memory, 0, size) : memory;
}

void* operator new[](size_t size) { return operator new(size); }
