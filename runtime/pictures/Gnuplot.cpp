// A child process: its input is a socket (writing to a pipe that nobody reads would be a signal), its errors a pipe.
#include "runtime/pictures/Gnuplot.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace dlc {

namespace {
/// Descriptors that are closed at the end.
struct Ends {
  int near = -1, far = -1;
  ~Ends() {
    closeNear();
    closeFar();
  }
  void closeNear() { close(near); }
  void closeFar() { close(far); }
  static void close(int &end) {
    if (end >= 0)
      ::close(end);
    end = -1;
  }
};
} // namespace

static Error systemError(const char *doing) {
  return Error::plain(std::string("cannot ") + doing + ": " + std::strerror(errno));
}

/// Starts gnuplot; 0 when there is none.
static Result<pid_t> start(int input, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  std::string name = "gnuplot", defaults = "-d", standard = "-";
  char *arguments[] = {name.data(), defaults.data(), standard.data(), nullptr};
  pid_t child = 0;
  int failed = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT || failed == ENOTDIR)
    return pid_t(0);
  errno = failed;
  return failed ? Result<pid_t>(systemError("start gnuplot")) : Result<pid_t>(child);
}

/// Writes the script and reads the errors until both ends are closed; false when the time is over.
static bool converse(Ends &input, Ends &errors, std::string_view script, std::string &said,
                     std::chrono::steady_clock::time_point end) {
  constexpr size_t most = 65536; // of what it says
  while (errors.near >= 0) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd polled[] = {{errors.near, POLLIN, 0}, {input.near, POLLOUT, 0}};
    int ready = left > 0 ? ::poll(polled, input.near >= 0 ? 2 : 1, int(left)) : 0;
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return false;
    if (input.near >= 0 && polled[1].revents) {
      ssize_t sent = ::send(input.near, script.data(), script.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0)
        script.remove_prefix(size_t(sent));
      bool gone = sent < 0 && errno != EAGAIN && errno != EINTR;
      if (script.empty() || gone)
        input.closeNear();
    }
    if (polled[0].revents) {
      char buffer[4096];
      ssize_t got = ::read(errors.near, buffer, sizeof buffer);
      if (got > 0 && said.size() < most)
        said.append(buffer, size_t(got));
      if (got == 0 || (got < 0 && errno != EINTR))
        errors.closeNear();
    }
  }
  return true;
}

/// Waits for a child's end; false when the time is over.
static bool waitFor(pid_t child, int &status, std::chrono::steady_clock::time_point end) {
  while (true) {
    pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR))
      return true;
    if (std::chrono::steady_clock::now() >= end)
      return false;
    ::usleep(2000);
  }
}

/// The last line that says something: gnuplot shows the place first, then what is wrong.
static std::string lastLine(std::string_view said) {
  while (!said.empty()) {
    size_t begin = said.find_last_of('\n', said.size() - 1);
    std::string_view line = said.substr(begin == said.npos ? 0 : begin + 1);
    if (line.find_first_not_of(" \t\r") != line.npos)
      return std::string(line.substr(line.find_first_not_of(" \t\r")));
    said = said.substr(0, begin == said.npos ? 0 : begin);
  }
  return "it ended without a word";
}

Result<bool> runGnuplot(const std::string &script, std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  Ends input, errors;
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return systemError("start gnuplot");
  input.near = pair[0], input.far = pair[1];
  if (::pipe2(pair, O_CLOEXEC) != 0)
    return systemError("start gnuplot");
  errors.near = pair[0], errors.far = pair[1];
  Result<pid_t> child = start(input.far, errors.far);
  if (!child)
    return child.error();
  if (*child == 0)
    return false;
  input.closeFar();
  errors.closeFar();
  std::string said;
  int status = 0;
  if (!converse(input, errors, script, said, end) || !waitFor(*child, status, end)) {
    ::kill(*child, SIGKILL);
    ::waitpid(*child, &status, 0);
    return Error::plain("gnuplot was ended: it took longer than " + std::to_string(limit.count() / 1000) + " s");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error::plain("gnuplot failed: " + lastLine(said));
  return true;
}

} // namespace dlc
