# Precompiles library headers that most files include, because parsing them is most of the work of a
# full build. Headers of the project are not precompiled, so that a change of one rebuilds no more
# than needed.
#
# If SOUVENIR_PRECOMPILE is off, each file depends on its own includes. The presets `dev`, `tsan` and
# `fuzz` leave it off, so that a missing include is noticed.

# The compiler uses precompiled headers only with the definitions that they were parsed with. All
# targets therefore get the definitions that these libraries require.
if(SOUVENIR_PRECOMPILE)
  add_compile_options(-pthread)
  add_compile_definitions(FMT_SHARED GTEST_HAS_PTHREAD=1)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)  # required by ccache
  endif()
endif()

# souvenir_precompiled_headers(<name> <header>...): precompiles headers for souvenir_precompile().
function(souvenir_precompiled_headers name)
  if(NOT SOUVENIR_PRECOMPILE)
    return()
  endif()
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled/${name}.cc "")
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled/${name}.cc)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

# souvenir_precompile(<target> <name>): makes a target use them.
function(souvenir_precompile target name)
  if(SOUVENIR_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

set(library_headers
  <algorithm> <array> <atomic> <chrono> <functional> <map> <memory> <optional> <set> <string>
  <string_view> <thread> <vector> <fmt/format.h> <fmt/ranges.h> <absl/container/flat_hash_map.h>
  <absl/container/inlined_vector.h> <absl/functional/any_invocable.h> <absl/status/statusor.h>
  <absl/time/time.h> <google/protobuf/generated_message_reflection.h> <google/protobuf/map_field.h>
  <google/protobuf/message.h> <google/protobuf/text_format.h> <google/protobuf/timestamp.pb.h>
  <grpcpp/grpcpp.h>)
souvenir_precompiled_headers(precompiled ${library_headers})
if(SOUVENIR_TESTS AND SOUVENIR_UNIT_TESTS)
  souvenir_precompiled_headers(precompiled_for_tests ${library_headers} <gmock/gmock.h>
                               <gtest/gtest.h>)
  if(SOUVENIR_PRECOMPILE AND SOUVENIR_SANITIZE)
    target_compile_options(precompiled_for_tests PRIVATE -O0)  # as in tests/CMakeLists.txt
  endif()
endif()
