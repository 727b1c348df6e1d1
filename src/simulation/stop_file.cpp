#include "pgtraffic/simulation/stop_file.hpp"

#include <sys/stat.h>

namespace pgtraffic::simulation {

bool stop_file_exists(const std::string& path) noexcept {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace pgtraffic::simulation
