# Settings of compiler, linker and sanitizers for all targets.

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache caches files with precompiled headers only if it ignores their macros and dates. Depend
  # mode and the inode cache make its misses cheap: it neither preprocesses nor hashes a header
  # twice.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=true CCACHE_INODECACHE=true ${CCACHE})
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wno-unused-parameter
                    # Designated initialisers omit members that keep their defaults.
                    -Wno-missing-field-initializers -fno-omit-frame-pointer
                    # As in Debian's packages; it keeps the paths of this tree out of binaries.
                    -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 has false positives for every moved absl::InlinedVector. clang-tidy and the sanitizers
  # find real cases.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_compile_options(-fstack-protector-strong)
endif()

if(SOUVENIR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SOUVENIR_SANITIZE)
  add_compile_options(-fsanitize=${SOUVENIR_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SOUVENIR_SANITIZE})
  if(SOUVENIR_SANITIZE STREQUAL "thread")
    include_directories(BEFORE SYSTEM ${PROJECT_SOURCE_DIR}/cmake/tsan)
    string(CONCAT SOUVENIR_TEST_ENVIRONMENT "TSAN_OPTIONS=ignore_noninstrumented_modules=1:"
           "suppressions=${PROJECT_SOURCE_DIR}/tests/tsan_suppressions.txt")
  endif()
endif()
