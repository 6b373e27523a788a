# Functions that define the targets of the project's folders. Sources include each other by their
# path from the top, as "common/clock.h".

# souvenir_library(<name> [SOURCES <.cc>...] [DEPS <target>...] [PRIVATE_DEPS <target>...]): adds a
# library, or a header-only target if there are no sources.
function(souvenir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
    souvenir_precompile(${name} precompiled)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# souvenir_binary(<name> SOURCES <.cc>... [DEPS <target>...]): adds a program.
function(souvenir_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  souvenir_precompile(${name} precompiled)
endfunction()

# souvenir_test(<name> SOURCES <.cc>... [DEPS <target>...] [LABEL unit|integration]): adds a test
# program and registers each of its tests.
function(souvenir_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  souvenir_precompile(${name} precompiled_for_tests)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  gtest_discover_tests(${name} TEST_PREFIX "${ARG_LABEL}/" DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 300
                       ENVIRONMENT "${SOUVENIR_TEST_ENVIRONMENT}")
endfunction()

# souvenir_fuzz_target(<name> [DEPS <target>...]): adds a fuzz target from <name>.cc, which defines
# LLVMFuzzerTestOneInput. With SOUVENIR_FUZZ it is the program fuzz-<name>; otherwise it is the test
# unit/fuzz/<name>, which replays the inputs in corpus/<name>/.
function(souvenir_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  if(SOUVENIR_FUZZ)
    souvenir_binary(fuzz-${name} SOURCES ${name}.cc DEPS ${ARG_DEPS})
    target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  souvenir_binary(replay-${name} SOURCES ${name}.cc replay.cc DEPS ${ARG_DEPS})
  set_target_properties(replay-${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME unit/fuzz/${name}
           COMMAND replay-${name} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}
                   ${PROJECT_BINARY_DIR}/tests/replay-${name}.input)
  set_tests_properties(unit/fuzz/${name} PROPERTIES LABELS unit TIMEOUT 300
                       ENVIRONMENT "${SOUVENIR_TEST_ENVIRONMENT}")
endfunction()
