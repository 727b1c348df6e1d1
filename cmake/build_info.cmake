# What the binary says of itself, fixed when CMake configures, which happens again after a commit. A tree
# without git says "unknown", unless PGTRAFFIC_REVISION names the commit that it is of.
set(PGTRAFFIC_REVISION "" CACHE STRING "Git revision of a tree without git")
find_package(Git QUIET)
set(PGTRAFFIC_GIT_SHA "unknown")
if(PGTRAFFIC_REVISION)
  set(PGTRAFFIC_GIT_SHA ${PGTRAFFIC_REVISION})
elseif(GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE described
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(PGTRAFFIC_GIT_SHA ${described})
  endif()
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --path-format=absolute --git-path logs/HEAD
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE git_log
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND EXISTS ${git_log})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${git_log})
  endif()
endif()
set(BUILD_INFO_SOURCE ${CMAKE_BINARY_DIR}/generated/build_info.cpp)
configure_file(${CMAKE_SOURCE_DIR}/cmake/build_info.cpp.in ${BUILD_INFO_SOURCE} @ONLY)
