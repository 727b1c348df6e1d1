// What is seen on stderr while the model's tables are filled, which takes minutes at a large scale: a bar
// that moves where something may, a line a table elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace pgtraffic::cli {

/// Prints only what changes: a percent, or a table. Takes the bar away at its end.
class FillingView {
 public:
    explicit FillingView(bool moving);
    FillingView(const FillingView&) = delete;
    FillingView& operator=(const FillingView&) = delete;
    ~FillingView();

    /// `rows` of `total` are done, and `table` is being filled.
    void show(const std::string& table, std::uint64_t rows, std::uint64_t total);

 private:
    bool moving_;
    int percent_ = -1;
    std::string table_;
};

}  // namespace pgtraffic::cli
