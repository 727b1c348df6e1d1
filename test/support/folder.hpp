// A folder of a test's own, gone with its owner, and whole files read and written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace pgtraffic::test {

/// Neither copies nor moves.
class Folder {
 public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    [[nodiscard]] std::size_t entries() const;

 private:
    std::filesystem::path path_;
};

/// Empty where there is none.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace pgtraffic::test
