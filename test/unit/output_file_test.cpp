// The output file on a real file system: whole or not at all, and known before the load.
#include "pgtraffic/report/output_file.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "pgtraffic/base/error.hpp"
#include "pgtraffic/report/stream_file.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/not_run.hpp"

using namespace pgtraffic;
using Catch::Matchers::Contains;
using report::OutputFile;
using test::Folder;
using test::read_file;
using test::write_file;
namespace fs = std::filesystem;

namespace {

std::string error_of(const std::string& path) {
    try {
        const OutputFile file{"--json", path};
    } catch (const base::Error& error) {
        return error.what();
    }
    return "(no error)";
}

/// Sends a descriptor elsewhere while it lives.
class Redirect {
 public:
    Redirect(int fd, const std::string& path) : fd_{fd}, saved_{::dup(fd)} {
        std::fflush(nullptr);
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(file, fd);
        ::close(file);
    }
    ~Redirect() {
        std::fflush(nullptr);
        ::dup2(saved_, fd_);
        ::close(saved_);
    }
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

 private:
    int fd_;
    int saved_;
};

/// Of the user 4711 and the group 4712, which only root can make.
std::string somebody_elses_file(const Folder& folder, mode_t permissions) {
    auto path = folder / "out.json";
    write_file(path, "old");
    REQUIRE(::chown(path.c_str(), 4711, 4712) == 0);
    REQUIRE(::chmod(path.c_str(), permissions) == 0);
    return path;
}

/// Whether the file system there has files without a name.
bool has_unnamed_files(const Folder& folder) {
    const int fd = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
}

/// A system call that this process and its children find refused from now on.
struct Refusal {
    unsigned call;
    unsigned argument;  ///< looked at, from 0
    unsigned bits;      ///< refused where all of them are set there
    unsigned error;
};

bool refuse(const Refusal& refusal) {
    const auto at = static_cast<unsigned>(offsetof(seccomp_data, args)) + refusal.argument * 8;
    std::array<sock_filter, 7> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal.call, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),  // the lower half, on a little-endian machine
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, refusal.bits),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal.bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal.error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{program.size(), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// A kernel or file system without O_TMPFILE, and one that does not name such a file afterwards.
constexpr Refusal kNoUnnamed{SYS_openat, 2, O_TMPFILE, EOPNOTSUPP};
constexpr Refusal kNoNaming{SYS_linkat, 4, AT_SYMLINK_FOLLOW, EPERM};

/// How a process ended that ran `work`, which does nothing for the test but in the file system; as waitpid()
/// tells it, 0 where all went well.
template <class Work>
int status_of(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            work();
        } catch (const std::exception&) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("an output file has its name only when it is committed, and then its whole text") {
    Folder folder;
    const auto path = folder / "out.json";
    {
        OutputFile file{"--json", path};
        CHECK_FALSE(fs::exists(path));
        CHECK(folder.entries() == (has_unnamed_files(folder) ? 0 : 1));  // else a temporary sibling
        file.write("{\"a\": ");
        file.write("1}\n");
        CHECK_FALSE(fs::exists(path));
        file.commit();
        CHECK(read_file(path) == "{\"a\": 1}\n");
    }
    CHECK(folder.entries() == 1);
}

TEST_CASE("an output file that is not committed leaves no trace and no damage") {
    Folder folder;
    const auto path = folder / "out.json";
    write_file(path, "old");
    {
        OutputFile file{"--json", path};
        file.write("half");
    }
    CHECK(read_file(path) == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("a program that is killed leaves nothing of a file that it did not commit") {
    const Folder folder;
    if (!has_unnamed_files(folder)) {
        // Which a build server cannot choose.
        WARN("no unnamed files on this file system: not run");
        return;
    }
    const int status = status_of([&] {
        OutputFile file{"--json", folder / "out.json"};
        file.write("half");
        ::raise(SIGKILL);
    });
    CHECK(WIFSIGNALED(status));
    CHECK(folder.entries() == 0);
}

TEST_CASE("where files have no names, or none afterwards, a sibling does") {
    for (const auto& refusal : {kNoUnnamed, kNoNaming}) {
        const Folder folder;
        write_file(folder / "out.json", "old");
        REQUIRE(::chmod((folder / "out.json").c_str(), 0666) == 0);
        const int status = status_of([&] {
            if (!refuse(refusal)) ::_exit(2);
            {
                OutputFile dropped{"--json", folder / "dropped.json"};
                dropped.write("half");
            }
            OutputFile file{"--json", folder / "out.json"};
            file.write("{\"a\": ");
            file.write("1}\n");
            file.commit();
        });
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
            // Whether it may is the kernel's affair, or the container's.
            WARN("this machine filters no system calls: not run");
            return;
        }
        CHECK(status == 0);
        CHECK(read_file(folder / "out.json") == "{\"a\": 1}\n");
        CHECK(mode_of(folder / "out.json") == 0666);
        CHECK(folder.entries() == 1);
    }
}

TEST_CASE("a file may have the longest name that there is") {
    const Folder folder;
    const auto path = folder / std::string(255, 'x');
    OutputFile file{"--json", path};
    file.write("new");
    file.commit();
    CHECK(read_file(path) == "new");
    CHECK(folder.entries() == 1);
}

TEST_CASE("an existing file is replaced with its permissions, a new one has the user's umask") {
    Folder folder;
    const auto path = folder / "out.json";
    write_file(path, "old and longer than the new one");
    REQUIRE(::chmod(path.c_str(), 0660) == 0);
    const mode_t mask = ::umask(027);
    OutputFile file{"--json", path};
    file.write("new");
    file.commit();
    OutputFile fresh{"--json", folder / "fresh.json"};
    fresh.commit();
    ::umask(mask);
    CHECK(read_file(path) == "new");
    CHECK(mode_of(path) == 0660);
    CHECK(mode_of(folder / "fresh.json") == 0640);
}

TEST_CASE("an existing file keeps its owner and its group, and with them its readers") {
    if (::geteuid() != 0) return test::not_run("only root can give files away");
    Folder folder;
    const auto path = somebody_elses_file(folder, 0640);
    OutputFile file{"--json", path};
    file.write("new");
    file.commit();
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(read_file(path) == "new");
    CHECK(status.st_uid == 4711);
    CHECK(status.st_gid == 4712);
    CHECK((status.st_mode & 0777U) == 0640);
}

TEST_CASE("a group that cannot be given reads nothing in its place") {
    if (::geteuid() != 0) return test::not_run("only root can make a file of a foreign group");
    Folder folder;
    const auto path = somebody_elses_file(folder, 0660);
    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgroups(0, nullptr) != 0 || ::setgid(4713) != 0 || ::setuid(4711) != 0) ::_exit(2);
        OutputFile file{"--json", path};
        file.write("new");
        file.commit();
        ::_exit(0);
    }
    int ended = -1;
    REQUIRE(::waitpid(child, &ended, 0) == child);
    REQUIRE(ended == 0);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(read_file(path) == "new");
    CHECK(status.st_gid == 4713);
    CHECK((status.st_mode & 0777U) == 0600);
}

TEST_CASE("a target that cannot be written is an error that names option, path and cure") {
    Folder folder;
    CHECK_THAT(error_of(folder / "missing/out.json"), Contains("--json: cannot write") &&
                                                          Contains("missing/out.json") &&
                                                          Contains("must exist and be writable"));
    CHECK_THAT(error_of(folder / ""), Contains("name a file in it"));
    CHECK_THAT(error_of(""), Contains("give a file name"));
    write_file(folder / "file", "");
    CHECK_THAT(error_of(folder / "file/out.json"), Contains("--json: cannot write"));
    CHECK_THAT(error_of(folder / std::string(300, 'x')), Contains("--json: cannot write"));
    CHECK(folder.entries() == 1);
}

TEST_CASE("a read-only file is not replaced behind its owner's back") {
    Folder folder;
    const auto path = folder / "kept.json";
    write_file(path, "kept");
    REQUIRE(::chmod(path.c_str(), 0444) == 0);
    std::string error;
    if (::geteuid() == 0) {  // root may write everything, so somebody else tries
        constexpr uid_t kNobody = 65534;
        REQUIRE(::chown(fs::path{path}.parent_path().c_str(), kNobody, static_cast<gid_t>(-1)) == 0);
        REQUIRE(::chown(path.c_str(), kNobody, static_cast<gid_t>(-1)) == 0);
        REQUIRE(::seteuid(kNobody) == 0);
        error = error_of(path);
        REQUIRE(::seteuid(0) == 0);
    } else {
        error = error_of(path);
    }
    CHECK_THAT(error, Contains("Permission denied; make the file writable"));
    CHECK(read_file(path) == "kept");
}

TEST_CASE("a link stays a link, and its target is replaced") {
    Folder folder;
    write_file(folder / "target.json", "old");
    fs::create_symlink("target.json", folder / "link.json");
    OutputFile file{"--json", folder / "link.json"};
    file.write("new");
    file.commit();
    CHECK(fs::is_symlink(folder / "link.json"));
    CHECK(read_file(folder / "target.json") == "new");
    fs::create_symlink("nowhere/at/all", folder / "dangling.json");
    CHECK_THAT(error_of(folder / "dangling.json"), Contains("link to nothing"));
}

TEST_CASE("links are followed one after the other, whatever they are relative to") {
    Folder folder;
    fs::create_directory(folder / "sub");
    write_file(folder / "sub/target.json", "old");
    fs::create_symlink("sub/second", folder / "first");
    fs::create_symlink("target.json", folder / "sub/second");
    fs::create_symlink(folder / "first", folder / "absolute");
    for (const char* name : {"first", "absolute"}) {
        OutputFile file{"--json", folder / name};
        file.write(name);
        file.commit();
        CHECK(read_file(folder / "sub/target.json") == name);
    }
    CHECK(fs::is_symlink(folder / "first"));
    CHECK(fs::is_symlink(folder / "sub/second"));
    fs::create_symlink("loop", folder / "loop");
    CHECK_THAT(error_of(folder / "loop"), Contains("--json: cannot write"));
}

TEST_CASE("a link that another user made where everybody may is not followed, by no kind of output") {
    if (::geteuid() != 0) return test::not_run("only root can make a link of another user's");
    constexpr uid_t kNobody = 65534;
    Folder folder;
    write_file(folder / "precious", "precious");
    fs::create_directory(folder / "open");
    REQUIRE(::chmod((folder / "open").c_str(), 01777) == 0);
    for (const char* name : {"theirs", "ours"})
        fs::create_symlink(folder / "precious", folder / "open/" + name);
    REQUIRE(::lchown((folder / "open/theirs").c_str(), kNobody, kNobody) == 0);
    fs::create_symlink(folder / "open/theirs", folder / "through");
    for (const char* name : {"open/theirs", "through"}) {
        CHECK_THAT(error_of(folder / name), Contains("a link that another user made"));
        CHECK_THROWS_WITH(report::StreamFile("--stream", folder / name),
                          Contains("--stream: cannot write") && Contains("a link that another user made"));
    }
    CHECK(read_file(folder / "precious") == "precious");
    {
        OutputFile file{"--json", folder / "open/ours"};
        file.write("new");
        file.commit();
    }
    CHECK(read_file(folder / "precious") == "new");
    report::StreamFile stream{"--stream", folder / "open/ours"};
    stream.write("line");
    CHECK(stream.finish().empty());
    CHECK(read_file(folder / "precious") == "line");
    // In the other user's own folder their links are theirs to make.
    fs::create_directory(folder / "own");
    REQUIRE(::chown((folder / "own").c_str(), kNobody, kNobody) == 0);
    REQUIRE(::chmod((folder / "own").c_str(), 01777) == 0);
    fs::create_symlink(folder / "precious", folder / "own/link");
    REQUIRE(::lchown((folder / "own/link").c_str(), kNobody, kNobody) == 0);
    CHECK(error_of(folder / "own/link") == "(no error)");
}

TEST_CASE("devices and pipes are written, not replaced") {
    {
        OutputFile null{"--json", "/dev/null"};
        null.write("gone");
        null.commit();
        CHECK(fs::is_character_file("/dev/null"));
    }
    Folder folder;
    const auto path = folder / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(reader >= 0);
    OutputFile pipe{"--json", path};
    pipe.write("through");
    pipe.commit();
    char buffer[16];
    CHECK(::read(reader, buffer, sizeof buffer) == 7);
    ::close(reader);
    CHECK(fs::is_fifo(path));
    CHECK(folder.entries() == 1);
}

TEST_CASE("- and /dev/stdout are standard output, behind what was printed before") {
    Folder folder;
    const auto path = folder / "stdout";
    {
        const Redirect redirect{STDOUT_FILENO, path};
        std::fputs("report\n", stdout);
        for (const char* name : {"-", "/dev/stdout"}) {
            OutputFile file{"--json", name};
            file.write("{}\n");
            file.commit();
        }
        std::fputs("end\n", stdout);
    }
    CHECK(read_file(path) == "report\n{}\n{}\nend\n");
    CHECK(folder.entries() == 1);
}

TEST_CASE("a full disk is an error, not a shorter file") {
    OutputFile full{"--json", "/dev/full"};
    CHECK_THROWS_WITH(full.write("text"),
                      Contains("--json: cannot write \"/dev/full\": No space left on device"));
}
