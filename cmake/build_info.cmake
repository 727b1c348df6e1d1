# What the binary says of itself, fixed when CMake configures. A tree without git says "unknown".
find_package(Git QUIET)
set(PGTRAFFIC_GIT_SHA "unknown")
if(GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE described
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(PGTRAFFIC_GIT_SHA ${described})
  endif()
endif()
set(BUILD_INFO_SOURCE ${CMAKE_BINARY_DIR}/generated/build_info.cpp)
configure_file(${CMAKE_SOURCE_DIR}/cmake/build_info.cpp.in ${BUILD_INFO_SOURCE} @ONLY)
