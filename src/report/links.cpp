#include "pgtraffic/report/links.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "pgtraffic/base/descriptor.hpp"

namespace pgtraffic::report {
namespace {

constexpr int kMostLinks = 40;

}  // namespace

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

Followed follow_links(const std::string& path) {
    Followed result{path, false, 0};
    for (int i = 0; i < kMostLinks; ++i) {
        const auto folder_name = folder_of(result.path);
        const base::Descriptor folder{::open(folder_name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
        const auto name = result.path.substr(
            result.path.find_last_of('/') == std::string::npos ? 0 : result.path.rfind('/') + 1);
        const base::Descriptor here{::openat(folder.raw(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        struct stat link {};
        struct stat around {};
        if (here.raw() < 0 || ::fstat(here.raw(), &link) != 0 || ::fstat(folder.raw(), &around) != 0) {
            if (errno != ENOENT) result.error = errno;
            return result;
        }
        if (!S_ISLNK(link.st_mode)) return result;
        const bool open_to_all = (around.st_mode & S_IWOTH) != 0;
        if (open_to_all && link.st_uid != ::geteuid() && link.st_uid != around.st_uid) {
            result.foreign = true;
            return result;
        }
        std::array<char, PATH_MAX> text{};
        const auto length = ::readlinkat(here.raw(), "", text.data(), text.size());
        if (length <= 0) {
            result.error = errno;
            return result;
        }
        const std::string next{text.data(), static_cast<std::size_t>(length)};
        result.path = next.front() == '/' ? next : folder_name + "/" + next;
    }
    result.error = ELOOP;
    return result;
}

}  // namespace pgtraffic::report
