#include "support/folder.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "support/catch.hpp"

namespace pgtraffic::test {

namespace fs = std::filesystem;

Folder::Folder() {
    std::string name = (fs::temp_directory_path() / "pgtraffic-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::size_t Folder::entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{path_}, fs::directory_iterator{}));
}

std::string read_file(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
}

void write_file(const fs::path& path, const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
}

}  // namespace pgtraffic::test
