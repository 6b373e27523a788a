#include "compute-service/backends/apertium/worker/allocator.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

// jemalloc's settings: there is one thread. Its own `zero:true` would slow down whatever is
// allocated, and C's memory too.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:1";

// `delete` stays jemalloc's, which takes what its malloc() gave.
void* operator new(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return souvenir::compute::new_hands_out_zeros ? std::memset(memory, 0, size) : memory;
}

void* operator new[](size_t size) { return operator new(size); }
