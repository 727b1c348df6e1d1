#include "support/text.hpp"

#include <sstream>
#include <stdexcept>

namespace pgtraffic::test {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::string line_with(const std::string& text, std::string_view part) {
    for (const auto& line : lines_of(text)) {
        if (holds(line, part)) return line;
    }
    throw std::runtime_error("no line has \"" + std::string{part} + '"');
}

std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
    return count;
}

}  // namespace pgtraffic::test
