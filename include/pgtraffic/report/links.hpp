// Where an output's links lead, without a race: each link is opened as itself, judged by its owner, and read
// through that descriptor, so nobody can exchange it between the look and the step.
#pragma once

#include <string>

namespace pgtraffic::report {

struct Followed {
    std::string path;      ///< no link; open it with O_NOFOLLOW
    bool foreign = false;  ///< one of the links is not to be followed
    int error = 0;         ///< errno where it could not be found out
};

/// Follows the links that the last part of `path` is, one after the other. Not followed is a link in a folder
/// that everybody may write to unless we own it or the folder's owner does (as Linux' protected_symlinks).
/// A path at which there is nothing is returned as it is.
[[nodiscard]] Followed follow_links(const std::string& path);

/// "/a/b" -> "/a", "b" -> ".".
[[nodiscard]] std::string folder_of(const std::string& path);

}  // namespace pgtraffic::report
