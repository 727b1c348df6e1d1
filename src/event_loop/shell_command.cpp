// The command leads a session of its own: the terminal's Ctrl-C is ours alone, and one signal reaches all
// that it started.
#include "pgtraffic/event_loop/shell_command.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "pgtraffic/base/check.hpp"

namespace pgtraffic::event_loop {

ShellCommand::ShellCommand(Loop& loop, base::Callback<const CommandEnd*> on_end)
    : loop_{&loop}, on_end_{on_end}, timer_{loop, base::Callback<>::to<&ShellCommand::on_time>(*this)} {}

ShellCommand::~ShellCommand() {
    if (running_) kill_group();  // the shell may be gone, and what it started still holds our pipe
    if (exited_) return;
    const pid_t pid = process_->pid;
    process_.reset();  // libuv no longer waits for it, so we do: it has been killed
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void ShellCommand::start(const std::string& command, base::Nanos time_limit) noexcept {
    PGTRAFFIC_CHECK(!running_, "one command at a time");
    running_ = true;
    end_ = {};
    process_.reset();
    auto pipe = std::make_unique<uv_pipe_t>();
    PGTRAFFIC_CHECK(uv_pipe_init(loop_->raw(), pipe.get(), 0) == 0, "a pipe handle can be made");
    pipe->data = this;
    output_.reset(pipe.release());

    std::array<uv_stdio_container_t, 3> streams{};
    streams[0].flags = UV_IGNORE;
    streams[1].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    streams[1].data.stream = reinterpret_cast<uv_stream_t*>(output_.get());
    streams[2].flags = UV_IGNORE;
    std::string shell = "/bin/sh";
    std::string flag = "-c";
    std::string text = command;
    std::array<char*, 4> arguments{shell.data(), flag.data(), text.data(), nullptr};
    uv_process_options_t options{};
    options.file = shell.c_str();
    options.args = arguments.data();
    options.flags = UV_PROCESS_DETACHED;
    options.stdio = streams.data();
    options.stdio_count = static_cast<int>(streams.size());
    options.exit_cb = [](uv_process_t* raw, std::int64_t status, int signal) {
        if (auto* self = static_cast<ShellCommand*>(raw->data)) self->on_exit(status, signal);
    };
    auto process = std::make_unique<uv_process_t>();
    const int spawned = uv_spawn(loop_->raw(), process.get(), &options);
    process->data = this;
    process_.reset(process.release());  // to be closed even where it was not started
    exited_ = spawned != 0;
    timer_.start(exited_ ? base::Nanos{0} : time_limit);
    if (exited_) {
        end_.error = fmt::format("cannot be started: {}", uv_strerror(spawned));
        return;
    }
    output_open_ = true;
    uv_read_start(
        reinterpret_cast<uv_stream_t*>(output_.get()),
        [](uv_handle_t* raw, std::size_t, uv_buf_t* buffer) {
            auto* self = static_cast<ShellCommand*>(raw->data);
            *buffer = uv_buf_init(self->piece_.data(), static_cast<unsigned>(self->piece_.size()));
        },
        [](uv_stream_t* raw, ssize_t size, const uv_buf_t*) {
            if (auto* self = static_cast<ShellCommand*>(raw->data)) self->on_output(size);
        });
}

void ShellCommand::on_output(ssize_t size) noexcept {
    if (size == 0) return;  // nothing yet
    if (size < 0) {
        output_open_ = false;
        output_.reset();
        return end_if_over();
    }
    if (end_.output.size() + static_cast<std::size_t>(size) > kMaxOutput) return fail("printed too much");
    end_.output.append(piece_.data(), static_cast<std::size_t>(size));
}

void ShellCommand::on_exit(std::int64_t status, int signal) noexcept {
    exited_ = true;
    if (signal != 0) return fail(fmt::format("was ended by signal {}", signal));
    if (status != 0) return fail(fmt::format("ended with exit code {}", status));
    end_if_over();
}

/// Or it was not started, which is told then.
void ShellCommand::on_time() noexcept {
    fail("took too long");
}

/// The first reason counts. Who keeps the output open may have left the group: its end is not waited for.
void ShellCommand::fail(const std::string& why) noexcept {
    if (end_.error.empty()) end_.error = why;
    output_open_ = false;
    output_.reset();
    kill_group();
    end_if_over();
}

void ShellCommand::kill_group() noexcept {
    if (process_ && process_->pid > 0) ::kill(-process_->pid, SIGKILL);
}

void ShellCommand::end_if_over() noexcept {
    if (!exited_ || output_open_ || !running_) return;
    running_ = false;
    timer_.stop();
    const CommandEnd end = std::exchange(end_, {});
    on_end_(&end);
}

}  // namespace pgtraffic::event_loop
