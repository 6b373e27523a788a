# Links gRPC and Abseil statically, from the archives in Debian's packages
# (docs/adr/0016-grpc-in-the-programs.md). gRPC is most of the cost of a cache hit, and is 20%
# faster without the address tables between shared libraries.
#
# Protocol Buffers stay shared. libtorch and its dependencies use them too, and two copies in a
# process would not share their registered messages.

# souvenir_prefer_static(<namespace>): replaces each imported library <namespace>::* by its archive.
function(souvenir_prefer_static namespace)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  list(FILTER targets INCLUDE REGEX "^${namespace}::")
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "SHARED_LIBRARY")
      continue()
    endif()
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    foreach(configuration IN LISTS configurations)
      get_target_property(shared ${target} IMPORTED_LOCATION_${configuration})
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${shared}")
      if(NOT EXISTS "${archive}")
        message(FATAL_ERROR "${target} has no ${archive}; configure with -DSOUVENIR_STATIC_GRPC=OFF")
      endif()
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${configuration} "${archive}")
      set_property(GLOBAL APPEND PROPERTY SOUVENIR_SHARED_LIBRARIES "${shared}")
    endforeach()
  endforeach()
endfunction()

# souvenir_link_shared(<target>): links the target to the shared libraries instead.
function(souvenir_link_shared target)
  get_property(libraries GLOBAL PROPERTY SOUVENIR_SHARED_LIBRARIES)
  # The variants without TLS define the same functions again, and a process with both hangs.
  list(FILTER libraries EXCLUDE REGEX "_unsecure\\.")
  # The shared libraries come before the archives, so that they define all symbols. --no-as-needed
  # keeps all of them, because some linkers drop libraries that nothing before them needs.
  target_link_options(${target} BEFORE PRIVATE
                      -Wl,--push-state,--no-as-needed ${libraries} -Wl,--pop-state)
endfunction()

if(SOUVENIR_STATIC_GRPC)
  souvenir_prefer_static(absl)
  souvenir_prefer_static(gRPC)
endif()
