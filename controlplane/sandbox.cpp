#include "controlplane/sandbox.hpp"

#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <span>

namespace conduit {
namespace {

constexpr int verifier_calls[] = {
    SCMP_SYS(brk),           SCMP_SYS(mmap),         SCMP_SYS(munmap),         SCMP_SYS(mremap),
    SCMP_SYS(madvise),       SCMP_SYS(mprotect),     SCMP_SYS(read),           SCMP_SYS(write),
    SCMP_SYS(close),         SCMP_SYS(ftruncate),    SCMP_SYS(futex),          SCMP_SYS(exit_group),
    SCMP_SYS(exit),          SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettid),       SCMP_SYS(getpid),         SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(fstat),        SCMP_SYS(newfstatat),     SCMP_SYS(lseek),
    SCMP_SYS(pwrite64),
};

constexpr int daemon_calls[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(pread64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(fchmod),
    SCMP_SYS(chmod),
    SCMP_SYS(fchown),
    SCMP_SYS(umask),
    SCMP_SYS(getdents64),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(accept4),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(connect),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(ioctl),
    SCMP_SYS(memfd_create),
    SCMP_SYS(pipe2),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(kill),
    SCMP_SYS(geteuid),
    SCMP_SYS(getuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getppid),
    SCMP_SYS(prctl),
    SCMP_SYS(seccomp),
    SCMP_SYS(capset),
    SCMP_SYS(capget),
    SCMP_SYS(prlimit64),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(statx),
    SCMP_SYS(uname),
    SCMP_SYS(dup),
    SCMP_SYS(writev),
    SCMP_SYS(readv),
    SCMP_SYS(sysinfo),
    SCMP_SYS(utimensat),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(truncate),
};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_KILL_PROCESS)) {}
  ~Filter() {
    if (context_ != nullptr) ::seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  [[nodiscard]] bool allow(std::span<const int> calls) {
    for (const int call : calls) {
      // A call that this architecture does not have cannot be made either.
      const int done = ::seccomp_rule_add(context_, SCMP_ACT_ALLOW, call, 0);
      if (done != 0 && done != -EDOM) return false;
    }
    return true;
  }
  // Sockets of the unix family only: the control plane has no network of its own.
  [[nodiscard]] bool allow_unix_sockets() {
    return ::seccomp_rule_add(context_, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX)) ==
               0 &&
           ::seccomp_rule_add(context_, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_NE, AF_UNIX)) == 0;
  }
  [[nodiscard]] bool load() { return ::seccomp_load(context_) == 0; }
  [[nodiscard]] bool made() const { return context_ != nullptr; }

 private:
  scmp_filter_ctx context_;
};

bool drop_capabilities() {
  cap_t none = ::cap_init();
  const bool done =
      none != nullptr && ::cap_set_proc(none) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  ::cap_free(none);
  return done;
}

}  // namespace

Expected<void> enter_daemon_sandbox() {
  Filter filter;
  const bool done = drop_capabilities() && filter.made() && filter.allow(verifier_calls) &&
                    filter.allow(daemon_calls) && filter.allow_unix_sockets() && filter.load();
  if (!done) return fail("sandbox.daemon", std::string("cannot drop rights: ") + std::strerror(errno));
  return {};
}

Expected<void> enter_verifier_sandbox() {
  const rlimit memory{1024UL * 1024 * 1024, 1024UL * 1024 * 1024};
  const rlimit seconds{20, 20};
  Filter filter;
  const bool done = ::setrlimit(RLIMIT_AS, &memory) == 0 && ::setrlimit(RLIMIT_CPU, &seconds) == 0 &&
                    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && filter.made() &&
                    filter.allow(verifier_calls) && filter.load();
  if (!done) return fail("sandbox.verifier", std::string("cannot drop rights: ") + std::strerror(errno));
  return {};
}

}  // namespace conduit
