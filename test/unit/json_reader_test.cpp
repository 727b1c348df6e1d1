// Complaints about JSON that people write: each names the file and the line, or the pointer, and the cure.
#include "pgtraffic/base/json_reader.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"

namespace pgtraffic::base {
namespace {

template <class Action>
std::string complaint_of(Action action) {
    try {
        action();
    } catch (const Error& e) {
        return e.what();
    }
    return "no complaint";
}

std::string parse_complaint(std::string_view text) {
    return complaint_of([&] { (void)parse_json(text, "a.json"); });
}

bool begins(const std::string& text, std::string_view head) {
    return text.starts_with(head);
}

/// A file of the test's own, gone with it.
class TemporaryFile {
 public:
    explicit TemporaryFile(std::string_view text)
        : path_{(std::filesystem::temp_directory_path() /
                 ("pgtraffic_json_" + std::to_string(getpid()) + ".json"))
                    .string()} {
        std::ofstream{path_, std::ios::binary} << text;
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    std::string path_;
};

TEST_CASE("Comments are allowed and the order of keys is kept") {
    const auto document = parse_json("{ // one\n \"b\": 1, /* two */ \"a\": 2 }", "a.json");
    CHECK(document.begin().key() == "b");
    CHECK(document.size() == 2);
}

TEST_CASE("A key that is there twice is told, with the object that holds it") {
    CHECK(parse_complaint(R"({"a": 1, "b": [{}, 2, {"c/d": {"e": 1, "f": [1, {}], "e": 2}}]})") ==
          "a.json: /b/2/c~1d: the key \"e\" is there twice");
    CHECK(parse_complaint(R"({"a": 1, "a": 1})") == "a.json: /: the key \"a\" is there twice");
    CHECK(parse_json(R"([{"a": {"a": 1}}, {"a": [2]}, "a"])", "a.json").size() == 3);
}

TEST_CASE("Broken syntax is told with line and column") {
    CHECK(begins(parse_complaint("{\n  \"a\": 1,\n  oops\n}"), "a.json:3:3: not valid JSON: syntax error"));
    CHECK(begins(parse_complaint("{\"a\": }"), "a.json:1:7: not valid JSON"));
    CHECK(begins(parse_complaint("{\"a\": 1"), "a.json:1:8: not valid JSON"));
    CHECK(begins(parse_complaint(""), "a.json:1:1: not valid JSON"));
    CHECK(begins(parse_complaint("[1,\n2,]\n"), "a.json:2:3: not valid JSON"));
    CHECK(begins(parse_complaint("{} {}"), "a.json:1:4: not valid JSON"));
    CHECK(begins(parse_complaint("[\"\xff\"]"), "a.json:1:3: not valid JSON"));
}

TEST_CASE("A number that no machine holds is a complaint about the file and not a crash") {
    const auto complaint = parse_complaint("[\n1,\n1e999]");
    CHECK(begins(complaint, "a.json:3:"));
    CHECK(complaint.find("1e999") != std::string::npos);
}

TEST_CASE("A file is read whole, and one that cannot be read is named with the reason") {
    const TemporaryFile file{"{\"a\": [1, 2]}"};
    CHECK(read_json_file(file.path()).at("a").size() == 2);
    CHECK(complaint_of([] { (void)read_json_file("/no/such/file.json"); }) ==
          "/no/such/file.json: cannot read it: No such file or directory");
    CHECK(complaint_of([] { (void)read_json_file("/"); }) == "/: cannot read it: Is a directory");
    const TemporaryFile empty{""};
    CHECK(complaint_of([&] { (void)read_json_file(empty.path()); }) ==
          empty.path() + ": cannot read it: it is empty");
}

TEST_CASE("A complaint about content names the file and the JSON pointer") {
    const auto document =
        parse_json(R"({"operations": [{"weight": 1}, {"weight": "x"}], "name": "n"})", "s.json");
    const JsonNode root{document, "s.json"};
    CHECK(complaint_of([&] { (void)root.at("operations").at(1).at("weight").number(); }) ==
          "s.json: /operations/1/weight: must be a number, not a string");
    CHECK(complaint_of([&] { (void)root.at("operations").at(0).at("sql"); }) ==
          "s.json: /operations/0: the key \"sql\" is missing");
    CHECK(complaint_of([&] { (void)root.at("operations").at(2); }) ==
          "s.json: /operations: must hold more than 2 values");
    CHECK(complaint_of([&] { (void)root.at("traffic"); }) == "s.json: /: the key \"traffic\" is missing");
    CHECK(complaint_of([&] { (void)root.at("name").at("x"); }) ==
          "s.json: /name: must be an object, not a string");
    CHECK(complaint_of([&] { (void)root.at("name").array_size(); }) ==
          "s.json: /name: must be an array, not a string");
}

TEST_CASE("A key with a slash or a tilde is escaped in its pointer") {
    const auto document = parse_json(R"({"a/b": {"c~d": 1}})", "s.json");
    CHECK(JsonNode{document, "s.json"}.at("a/b").at("c~d").pointer() == "/a~1b/c~0d");
}

TEST_CASE("An unknown key is refused, with the nearest known one") {
    const auto document = parse_json(R"({"nam": 1})", "s.json");
    const JsonNode root{document, "s.json"};
    CHECK(complaint_of([&] {
              root.expect_object({"name", "description"});
          }) == "s.json: /: unknown key \"nam\"; did you mean \"name\"?");
    CHECK(complaint_of([&] {
              root.expect_object({"operations", "thresholds"});
          }) == "s.json: /: unknown key \"nam\"; known are operations, thresholds");
    CHECK_NOTHROW(root.expect_object({"nam"}));
    const auto list = parse_json("[]", "s.json");
    CHECK(complaint_of([&] {
              JsonNode{list, "s.json"}.expect_object({"name"});
          }) == "s.json: /: must be an object, not an array");
}

TEST_CASE("Each accessor takes its own type and complains about the others") {
    const auto document = parse_json(
        R"({"s": "text", "z": "a\u0000b", "n": 1.5, "i": -7, "b": true, "big": 18446744073709551615, "null": null})",
        "s.json");
    const JsonNode root{document, "s.json"};
    CHECK(root.at("s").text() == "text");
    CHECK(root.at("n").number() == 1.5);
    CHECK(root.at("i").number() == -7);
    CHECK(root.at("i").integer() == -7);
    CHECK(root.at("b").boolean());
    CHECK(root.at("n").number_between(1, 1.5) == 1.5);
    CHECK(root.has("null"));
    CHECK_FALSE(root.has("none"));
    CHECK_FALSE(root.at("s").has("s"));
    CHECK(complaint_of([&] { (void)root.at("z").text(); }) == "s.json: /z: must not hold a NUL character");
    CHECK(complaint_of([&] { (void)root.at("b").text(); }) == "s.json: /b: must be a string, not a boolean");
    CHECK(complaint_of([&] { (void)root.at("null").number(); }) ==
          "s.json: /null: must be a number, not null");
    CHECK(complaint_of([&] { (void)root.at("n").integer(); }) ==
          "s.json: /n: must be a whole number, not 1.5");
    CHECK(complaint_of([&] { (void)root.at("big").integer(); }) ==
          "s.json: /big: must be a whole number, not 18446744073709551615");
    CHECK(complaint_of([&] { (void)root.at("i").boolean(); }) ==
          "s.json: /i: must be true or false, not a number");
    CHECK(complaint_of([&] { (void)root.at("n").number_between(0, 1); }) ==
          "s.json: /n: must lie between 0 and 1, not 1.5");
}

}  // namespace
}  // namespace pgtraffic::base
