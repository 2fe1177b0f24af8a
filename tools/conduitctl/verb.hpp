// A verb of conduitctl: one file each, listed by name in main.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace conduit {

// Exit status of every verb.
inline constexpr int exit_done = 0;
inline constexpr int exit_no = 1;     // the answer is no: not permitted, not valid, not all forwarded
inline constexpr int exit_error = 2;  // it could not be found out: bad usage, missing file, no daemon

using Words = std::vector<std::string>;  // what stands behind the verb

struct Verb {
  std::string_view name;
  std::string_view summary;
  int (*run)(const Words& words);
};

// "conduitctl VERB: text" on standard error; returns exit_error.
int complain(std::string_view verb, std::string_view text);

int check(const Words& words);
int dataplane_args(const Words& words);
int decode(const Words& words);
int events(const Words& words);
int island(const Words& words);
int kernel_rules(const Words& words);
int keygen(const Words& words);
int load(const Words& words);
int sign(const Words& words);
int simulate(const Words& words);
int status(const Words& words);
int trust(const Words& words);
int verify(const Words& words);

}  // namespace conduit
