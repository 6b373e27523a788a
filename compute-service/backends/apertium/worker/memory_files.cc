#include "compute-service/backends/apertium/worker/memory_files.h"

#include <cstdlib>

namespace souvenir::compute {

MemoryOutput::MemoryOutput()
    : file_(open_memstream(&bytes_, &size_)),
      // Without a named codepage ICU would take the locale's, which is ASCII under LC_ALL=C.
      unicode_file_(u_finit(file_, "en_US_POSIX", "UTF-8")) {}

MemoryOutput::~MemoryOutput() {
  u_fclose(unicode_file_);  // leaves file_ open
  (void)fclose(file_);
  free(bytes_);
}

std::string_view MemoryOutput::Take() {
  u_fflush(unicode_file_);
  (void)fflush(file_);
  const std::string_view written(bytes_, size_);
  // Rewinding keeps the bytes until the next write.
  (void)fseek(file_, 0, SEEK_SET);
  return written;
}

}  // namespace souvenir::compute
