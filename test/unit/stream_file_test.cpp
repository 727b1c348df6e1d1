// The file that is written while a run lasts: what is there when, and what ends it.
#include "pgtraffic/report/stream_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>

#include "pgtraffic/base/error.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using report::StreamFile;
using test::Folder;
using test::read_file;
using test::write_file;
namespace fs = std::filesystem;

namespace {

std::string error_of_stream(const std::string& path) {
    try {
        const StreamFile file{"--stream", path};
    } catch (const base::Error& error) {
        return error.what();
    }
    return "(no error)";
}

/// A named pipe with us as the reader.
class NamedPipe {
 public:
    explicit NamedPipe(const std::string& path) {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        fd_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        REQUIRE(fd_ >= 0);
    }
    ~NamedPipe() { close(); }
    NamedPipe(const NamedPipe&) = delete;
    NamedPipe& operator=(const NamedPipe&) = delete;

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    [[nodiscard]] std::string take() const {  // what is in it
        std::string text;
        char buffer[65536];
        for (ssize_t n = 0; (n = ::read(fd_, buffer, sizeof buffer)) > 0;)
            text.append(buffer, static_cast<std::size_t>(n));
        return text;
    }

 private:
    int fd_ = -1;
};

}  // namespace

TEST_CASE("each line of a stream is in the file as soon as it is written") {
    const Folder folder;
    const auto path = folder / "s.ndjson";
    write_file(path, "of the last run\n");
    StreamFile stream{"--stream", path};
    CHECK(read_file(path) == "of the last run\n");  // this run may not come to its first line
    stream.write("one\n");
    CHECK(read_file(path) == "one\n");
    stream.write("two\n");
    CHECK(read_file(path) == "one\ntwo\n");
    CHECK(stream.finish().empty());
    CHECK(read_file(path) == "one\ntwo\n");
}

TEST_CASE("a stream that was finished without a line is an empty file; one that never began is none") {
    const Folder folder;
    write_file(folder / "old", "of the last run\n");
    for (const char* name : {"old", "new"}) {
        { const StreamFile abandoned{"--stream", folder / name}; }
        CHECK(fs::exists(folder / name) == (std::string{"old"} == name));
        StreamFile stream{"--stream", folder / name};
        CHECK(stream.finish().empty());
        CHECK(fs::file_size(folder / name) == 0);
    }
}

TEST_CASE("a stream that cannot be opened is an error that names option, path and cure") {
    const Folder folder;
    CHECK_THAT(error_of_stream(folder / "missing/s"), Contains("--stream: cannot write") &&
                                                          Contains("missing/s") &&
                                                          Contains("its folder must exist"));
    CHECK_THAT(error_of_stream(folder / ""),
               Contains("--stream: cannot write") && Contains("Is a directory"));
    CHECK_THAT(error_of_stream(""), Contains("give a file name, or - for standard output"));
}

TEST_CASE("a new stream has the user's umask, a link and a descriptor's name are followed") {
    const Folder folder;
    const mode_t mask = ::umask(027);
    StreamFile fresh{"--stream", folder / "fresh"};
    CHECK(fresh.finish().empty());
    ::umask(mask);
    struct stat status {};
    REQUIRE(::stat((folder / "fresh").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);

    write_file(folder / "target", "of the last run\n");
    fs::create_symlink("target", folder / "link");
    StreamFile linked{"--stream", folder / "link"};
    linked.write("one\n");
    CHECK(linked.finish().empty());
    CHECK(read_file(folder / "target") == "one\n");
    CHECK(fs::is_symlink(folder / "link"));

    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    StreamFile descriptor{"--stream", "/dev/fd/" + std::to_string(ends[1])};
    descriptor.write("two\n");
    CHECK(descriptor.finish().empty());
    char buffer[16];
    CHECK(::read(ends[0], buffer, sizeof buffer) == 4);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a full disk ends a stream, and says so") {
    StreamFile stream{"--stream", "/dev/full"};
    stream.write("one\n");
    stream.write("two\n");
    CHECK(stream.finish() == "--stream: cannot write \"/dev/full\": No space left on device");
}

TEST_CASE("a reader that goes away ends a stream, and says so") {
    std::signal(SIGPIPE, SIG_IGN);
    const Folder folder;
    NamedPipe pipe{folder / "pipe"};
    StreamFile stream{"--stream", folder / "pipe"};
    stream.write("one\n");
    CHECK(pipe.take() == "one\n");
    pipe.close();
    stream.write("two\n");
    stream.write("three\n");
    CHECK_THAT(stream.finish(), Contains("Broken pipe"));
}

TEST_CASE("a reader that does not read is never waited for; what it gets is whole lines") {
    const Folder folder;
    const NamedPipe pipe{folder / "pipe"};
    StreamFile stream{"--stream", folder / "pipe"};
    const std::string line(999, 'x');
    for (int i = 0; i < 3000; ++i) stream.write(line + "\n");  // 3 MB; a pipe holds 64 kB
    const std::string first = pipe.take();
    CHECK(first.size() > 1000);
    const std::string trouble = stream.finish();
    CHECK_THAT(trouble, Contains("its reader takes too little"));
    const std::string all = first + pipe.take();
    CHECK(all.size() % 1000 == 0);
    CHECK(all.back() == '\n');
}

TEST_CASE("a slow reader gets every line in the end") {
    const Folder folder;
    const NamedPipe pipe{folder / "pipe"};
    StreamFile stream{"--stream", folder / "pipe"};
    std::string written;
    for (int i = 0; i < 500; ++i) {
        const auto line = std::to_string(i) + std::string(500, 'x') + "\n";
        stream.write(line);
        written += line;
    }
    // 250 kB: more than a pipe holds, less than what is kept.
    std::string got = pipe.take();
    CHECK(got.size() < written.size());
    while (got.size() + 60'000 < written.size()) {
        stream.write("");
        got += pipe.take();
    }
    CHECK(stream.finish().empty());
    CHECK(got + pipe.take() == written);
}
