#include "dataplane/sandbox.hpp"

#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace conduit {
namespace {

constexpr int permitted_calls[] = {
    // the worker: receive, send, wait, look at the clock
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(sched_yield),
    SCMP_SYS(futex),
    SCMP_SYS(getcpu),
    SCMP_SYS(access),  // EAL looks for the memory node of a thread that it gets to know
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(ioctl),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    // threads begin and end
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(tgkill),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(prctl),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(membarrier),
    // the control thread: the link, images, time quality
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(getrandom),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rmdir),
    SCMP_SYS(flock),
};

// Libraries that look for a file (DPDK asks /sys for a thread's NUMA node) are told that there is none for
// them.
constexpr int denied_calls[] = {
    SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
};

bool permit(scmp_filter_ctx filter) {
  for (const int call : denied_calls) {
    const int done = ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0);
    if (done != 0 && done != -EDOM) return false;
  }
  for (const int call : permitted_calls) {
    const int done = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    if (done != 0 && done != -EDOM) return false;
  }
  return ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX)) == 0;
}

bool drop_capabilities(bool keep_net_admin) {
  cap_t wanted = ::cap_init();
  const cap_value_t net_admin[] = {CAP_NET_ADMIN};
  bool done = wanted != nullptr;
  if (done && keep_net_admin) {
    done = ::cap_set_flag(wanted, CAP_PERMITTED, 1, net_admin, CAP_SET) == 0 &&
           ::cap_set_flag(wanted, CAP_EFFECTIVE, 1, net_admin, CAP_SET) == 0;
  }
  done = done && ::cap_set_proc(wanted) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  ::cap_free(wanted);
  return done;
}

}  // namespace

bool enter_sandbox(bool keep_net_admin, std::string& error) {
  if (!drop_capabilities(keep_net_admin)) {
    return error = std::string("cannot drop capabilities: ") + std::strerror(errno), false;
  }
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
  const bool done = filter != nullptr && ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                    permit(filter) && ::seccomp_load(filter) == 0;
  if (filter != nullptr) ::seccomp_release(filter);
  if (!done) error = std::string("cannot load the system call filter: ") + std::strerror(errno);
  return done;
}

}  // namespace conduit
