# Compiles the JSON files of a folder into the binary, sorted by name, as
#   std::span<const base::EmbeddedFile> pgtraffic::<namespace>::embedded_<what>() noexcept;
# so that a built-in scenario or pattern is the very file that a user could have written.
function(embed_json out namespace what folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.json)
  list(SORT files)
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"json(${text})json\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(generated ${CMAKE_BINARY_DIR}/generated/embedded_${what}.cpp)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT "#include \"pgtraffic/base/embedded.hpp\"
#include <array>

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
