# Writes ${OUTPUT}, a source with VersionText(), unless the file already has this content. common/version runs
# it at each build: cmake -DSOURCE_DIRECTORY= -DVERSION= -DCOMMIT= -DOUTPUT= -P.

set(text "${VERSION}")
if(NOT COMMIT)
  find_program(GIT git)
  # Ignores a repository around a source tree that was unpacked into it.
  if(GIT AND EXISTS ${SOURCE_DIRECTORY}/.git)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIRECTORY} rev-parse --short=12 HEAD
                    OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(COMMIT)
      execute_process(COMMAND ${GIT} -C ${SOURCE_DIRECTORY} --no-optional-locks diff-index --quiet HEAD --
                      RESULT_VARIABLE differs ERROR_QUIET)
      if(differs)
        string(APPEND COMMIT ", changed")
      endif()
    endif()
  endif()
endif()
if(COMMIT)
  string(APPEND text " (commit ${COMMIT})")
endif()

set(source "#include \"common/version/version.h\"

namespace souvenir {

std::string VersionText() { return \"${text}\"; }

}  // namespace souvenir
")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL source)
  file(WRITE ${OUTPUT} "${source}")
endif()
