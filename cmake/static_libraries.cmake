# gRPC and Abseil as parts of each program, from the archives that Debian's packages have beside their
# shared libraries (docs/adr/0016-grpc-in-the-programs.md): most of what a cache hit costs is gRPC, which
# is 20% quicker without a table of addresses between its libraries.
#
# Protocol Buffers stay shared: libtorch and what it loads use them too, and two copies in a process would
# not know of each other's messages.

# souvenir_prefer_static(<namespace>): each imported library <namespace>::* is its archive from here on.
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

# souvenir_link_shared(<target>): it keeps the shared libraries, as one that was built without all this.
function(souvenir_link_shared target)
  get_property(libraries GLOBAL PROPERTY SOUVENIR_SHARED_LIBRARIES)
  # Without TLS, they are the same functions once more, and a process with both hangs.
  list(FILTER libraries EXCLUDE REGEX "_unsecure\\.")
  # Before the archives, so that nothing is left that these are asked for; and all of them, because
  # some linkers drop what nothing before it needs.
  target_link_options(${target} BEFORE PRIVATE
                      -Wl,--push-state,--no-as-needed ${libraries} -Wl,--pop-state)
endfunction()

if(SOUVENIR_STATIC_GRPC)
  souvenir_prefer_static(absl)
  souvenir_prefer_static(gRPC)
endif()
