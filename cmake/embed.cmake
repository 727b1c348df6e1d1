# Compiles text files into the binary, in the order given, as
#   std::span<const base::EmbeddedFile> pgtraffic::<namespace>::embedded_<what>() noexcept;
# A file's name there is that without folder and ending.
function(embed_files out namespace what)
  set(entries "")
  foreach(file IN LISTS ARGN)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(SHA256 hash "${text}")
    string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\", \"${hash}\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(generated ${CMAKE_BINARY_DIR}/generated/embedded_${what}.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT "#include \"pgtraffic/base/embedded.hpp\"
#include <array>
// Every compiler that builds this takes a literal of any length.
#pragma GCC diagnostic ignored \"-Woverlength-strings\"

namespace pgtraffic::@namespace@ {
namespace {
constexpr auto kFiles = std::to_array<base::EmbeddedFile>({
@entries@});
}  // namespace

std::span<const base::EmbeddedFile> embedded_@what@() noexcept { return kFiles; }

}  // namespace pgtraffic::@namespace@
")
  set(${out} ${generated} PARENT_SCOPE)
endfunction()

# The same for the JSON files of a folder, sorted by name, so that a built-in scenario or pattern is the very
# file that a user could have written.
function(embed_json out namespace what folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.json)
  list(SORT files)
  embed_files(generated ${namespace} ${what} ${files})
  set(${out} ${generated} PARENT_SCOPE)
endfunction()
