# What is installed where, and the Debian package of it: manual page and completions are made by a program
# that is linked with the option table. Nothing here takes the time of day, so that the same commit gives the
# same bytes.

set(PAGES ${CMAKE_BINARY_DIR}/pages)
file(MAKE_DIRECTORY ${PAGES})
add_executable(generate_pages packaging/generate_pages.cpp)
target_link_libraries(generate_pages PRIVATE pgtraffic_io pgtraffic_flags)
find_program(GZIP gzip REQUIRED)
add_custom_command(
  OUTPUT ${PAGES}/pgtraffic.1 ${PAGES}/pgtraffic.1.gz ${PAGES}/pgtraffic.bash ${PAGES}/_pgtraffic
    ${PAGES}/pgtraffic.fish
  COMMAND generate_pages ${PAGES}
  COMMAND ${GZIP} -9nkf ${PAGES}/pgtraffic.1
  DEPENDS generate_pages VERBATIM)
add_custom_target(pages ALL DEPENDS ${PAGES}/pgtraffic.1.gz)

# The moment that stands in the package: the commit's, unless the environment names one.
set(PGTRAFFIC_EPOCH "$ENV{SOURCE_DATE_EPOCH}")
if(NOT PGTRAFFIC_EPOCH AND GIT_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} log -1 --format=%ct
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE PGTRAFFIC_EPOCH
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT PGTRAFFIC_EPOCH)
  set(PGTRAFFIC_EPOCH 1767225600)  # 2026-01-01: a tree without history has no date of its own
endif()

set(CPACK_PACKAGE_NAME pgtraffic)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "pgtraffic maintainers <pgtraffic@users.noreply.github.com>"
  CACHE STRING "Maintainer in the package")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
# Below the summary; CPack indents it.
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Puts load on a PostgreSQL database over one to thousands of connections, from
one process with one thread, as fast as the server can or along a rate or a
traffic pattern, and reports throughput and latency.
.
Latency counts from the moment a query was due, so that a server that stalls
is charged for every query that it kept waiting. Each report ends in a verdict
on whether its figures speak of the database or of the client.")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS postgresql)  # its programs are the temporary server
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# One package of two components: what Debian has in its own form is not in it twice.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_COMPONENTS_ALL program debian)
configure_file(cmake/package_epoch.cmake.in ${CMAKE_BINARY_DIR}/package_epoch.cmake @ONLY)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_BINARY_DIR}/package_epoch.cmake)

set(debian ${CMAKE_BINARY_DIR}/debian)
execute_process(COMMAND date -u -R -d @${PGTRAFFIC_EPOCH} OUTPUT_VARIABLE PGTRAFFIC_CHANGELOG_DATE
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
configure_file(packaging/changelog.Debian.in ${debian}/changelog.Debian @ONLY)
add_custom_command(
  OUTPUT ${debian}/changelog.gz ${debian}/changelog.Debian.gz
  COMMAND ${GZIP} -9nkf ${debian}/changelog.Debian
  COMMAND ${GZIP} -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md > ${debian}/changelog.gz
  DEPENDS CHANGELOG.md ${debian}/changelog.Debian VERBATIM)
add_custom_target(debian_changelogs ALL DEPENDS ${debian}/changelog.gz)

# zsh looks into the one for packages below /usr alone, into the other everywhere.
set(ZSH_FOLDER site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(ZSH_FOLDER vendor-completions)
endif()

install(TARGETS pgtraffic RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(FILES ${PAGES}/pgtraffic.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${PAGES}/pgtraffic.bash RENAME pgtraffic COMPONENT program
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PAGES}/_pgtraffic COMPONENT program
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${ZSH_FOLDER})
install(FILES ${PAGES}/pgtraffic.fish COMPONENT program
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(FILES LICENSE CHANGELOG.md src/report/page/chart_licence.txt DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)
install(FILES packaging/copyright ${debian}/changelog.gz ${debian}/changelog.Debian.gz
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT debian EXCLUDE_FROM_ALL)

install(FILES packaging/lintian-overrides RENAME pgtraffic
  DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT debian EXCLUDE_FROM_ALL)

include(CPack)
