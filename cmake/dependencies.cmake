# Finds all third-party libraries. docs/dependencies.md gives the purpose of each.

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
pkg_check_modules(SOXR REQUIRED IMPORTED_TARGET soxr)
pkg_check_modules(SNDFILE REQUIRED IMPORTED_TARGET sndfile)
if(SOUVENIR_BACKEND_PYTORCH)
  # find_package(Torch) is not used: it runs Caffe2's own search for gflags, whose target differs
  # from the one that RocksDB's configuration has created before. torch_cpu is the whole of
  # libtorch; `torch` only combines it with other devices.
  find_path(TORCH_INCLUDE_DIRECTORY torch/csrc/jit/api/module.h REQUIRED)
  find_library(TORCH_CPU_LIBRARY torch_cpu REQUIRED)
  find_library(TORCH_C10_LIBRARY c10 REQUIRED)
  # Headers with types and the version need no library.
  add_library(torch::headers INTERFACE IMPORTED)
  target_include_directories(torch::headers SYSTEM INTERFACE ${TORCH_INCLUDE_DIRECTORY})
  add_library(torch::c10 UNKNOWN IMPORTED)
  set_target_properties(torch::c10 PROPERTIES
    IMPORTED_LOCATION ${TORCH_C10_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${TORCH_INCLUDE_DIRECTORY})
  add_library(torch::cpu UNKNOWN IMPORTED)
  set_target_properties(torch::cpu PROPERTIES
    IMPORTED_LOCATION ${TORCH_CPU_LIBRARY}
    INTERFACE_LINK_LIBRARIES torch::c10)
endif()
if(SOUVENIR_BACKEND_POCKETSPHINX)
  pkg_check_modules(POCKETSPHINX REQUIRED pocketsphinx)
  pkg_check_modules(SPHINXBASE REQUIRED sphinxbase)
  # pkg-config also names a folder that Debian does not have, and sphinxad, which records sound.
  find_path(POCKETSPHINX_INCLUDE_DIRECTORY pocketsphinx_export.h PATH_SUFFIXES pocketsphinx REQUIRED)
  find_path(SPHINXBASE_INCLUDE_DIRECTORY sphinx_config.h PATH_SUFFIXES sphinxbase REQUIRED)
  find_library(POCKETSPHINX_LIBRARY pocketsphinx REQUIRED)
  find_library(SPHINXBASE_LIBRARY sphinxbase REQUIRED)
  add_library(pocketsphinx::pocketsphinx INTERFACE IMPORTED)
  target_include_directories(pocketsphinx::pocketsphinx SYSTEM INTERFACE
                             ${POCKETSPHINX_INCLUDE_DIRECTORY} ${SPHINXBASE_INCLUDE_DIRECTORY})
  target_link_libraries(pocketsphinx::pocketsphinx INTERFACE ${POCKETSPHINX_LIBRARY} ${SPHINXBASE_LIBRARY})
endif()
if(SOUVENIR_BACKEND_ESPEAK_NG)
  pkg_check_modules(ESPEAK_NG REQUIRED espeak-ng)
  # Not the archive, which lies beside it.
  find_library(ESPEAK_NG_LIBRARY libespeak-ng.so REQUIRED)
  # Debian's library looks for its data beside itself. espeak-ng-data need not be installed to build.
  get_filename_component(ESPEAK_NG_DATA_DIRECTORY ${ESPEAK_NG_LIBRARY} DIRECTORY)
  string(APPEND ESPEAK_NG_DATA_DIRECTORY /espeak-ng-data)
endif()

find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
find_program(GRPC_PYTHON_PLUGIN grpc_python_plugin REQUIRED)

if(SOUVENIR_TESTS)
  find_package(GTest CONFIG REQUIRED)
  include(GoogleTest)
  # Debian's interpreter is needed, because Debian's gRPC module is built for no other.
  find_program(SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
endif()
if(SOUVENIR_BENCH)
  find_package(benchmark CONFIG REQUIRED)
endif()
