// The simulation's program: runs seeds, makes failing ones small, proves that planted faults are caught.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "tests/simulation/attacker.hpp"
#include "tests/simulation/datagram_attacker.hpp"
#include "tests/simulation/mutants.hpp"
#include "tests/simulation/run.hpp"

namespace po = boost::program_options;
namespace conduit::simulation {
namespace {

std::atomic<bool> stop_asked{false};

struct Options {
  std::uint64_t first = 1;
  std::uint64_t count = 100;
  std::uint64_t seconds = 0;  // 0: no limit
  PlanWish wish;
  std::vector<std::string> without;
  bool trace = false;
  bool minimise = true;
  bool forever = false;
};

Plan reduced(std::uint64_t seed, const Options& options, const std::vector<std::string>& without) {
  Plan plan = draw_plan(seed, options.wish);
  for (const std::string& part : without) {
    if (!plan.leave_out(part)) throw std::runtime_error("seed has no part '" + part + "' to leave out");
  }
  return plan;
}

Outcome play_safely(const Plan& plan, bool trace) {
  try {
    return play(plan, trace);
  } catch (const std::exception& failure) {
    Outcome outcome;
    outcome.findings.push_back({"run", failure.what(), 0});
    return outcome;
  }
}

// Leaves out parts as long as the same oracle still finds something.
std::vector<std::string> minimise(std::uint64_t seed, const Options& options, const std::string& oracle) {
  std::vector<std::string> without = options.without;
  bool smaller = true;
  for (int round = 0; smaller && round < 200;) {
    smaller = false;
    for (const std::string& part : reduced(seed, options, without).parts()) {
      std::vector<std::string> candidate = without;
      candidate.push_back(part);
      ++round;
      const Outcome outcome = play_safely(reduced(seed, options, candidate), false);
      const bool still = std::any_of(outcome.findings.begin(), outcome.findings.end(),
                                     [&](const Finding& finding) { return finding.oracle == oracle; });
      if (!still) continue;
      without = std::move(candidate);
      smaller = true;
      break;
    }
  }
  return without;
}

void print_findings(const Outcome& outcome) {
  std::size_t shown = 0;
  for (const Finding& finding : outcome.findings) {
    if (++shown > 8) break;
    std::cout << "  " << finding.oracle << " at " << finding.at_ns / 1000 << " us: " << finding.what << "\n";
  }
  if (outcome.findings.size() > 8) std::cout << "  … " << outcome.findings.size() << " in all\n";
}

// The frames before the first finding, each when it is sent and as it passes the gateway.
void print_trace(const Outcome& outcome) {
  constexpr std::size_t shown = 80;
  const double until = outcome.findings.empty() ? 1e18 : static_cast<double>(outcome.findings[0].at_ns) / 1e6;
  std::deque<std::string> last;
  std::istringstream lines(outcome.trace);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("receives") != std::string::npos || line.starts_with("event")) continue;
    if (std::strtod(line.c_str(), nullptr) > until + 0.0005) continue;
    last.push_back(line);
    if (last.size() > shown) last.pop_front();
  }
  for (const std::string& line : last) std::cout << line << "\n";
}

void report(std::uint64_t seed, const Options& options, const Outcome& outcome) {
  std::cout << "FAILED seed " << seed << "\n";
  print_findings(outcome);
  if (!options.minimise) return;
  const std::vector<std::string> without = minimise(seed, options, outcome.findings[0].oracle);
  const Plan plan = reduced(seed, options, without);
  const Outcome small = play_safely(plan, true);
  std::cout << "made small:\n" << plan.describe();
  print_findings(small);
  print_trace(small);
  std::cout << "again: simulate --seed " << seed << " --trace";
  if (!options.wish.technique.empty()) std::cout << " --technique " << options.wish.technique;
  if (!options.wish.protocol.empty()) std::cout << " --protocol " << options.wish.protocol;
  for (const std::string& part : without) std::cout << " --without " << part;
  std::cout << "\n";
}

void print_totals(const Totals& totals, std::uint64_t seeds, std::uint64_t failed, double seconds) {
  std::printf(
      "%llu seeds, %llu failed, %.0f s: %llu frames, %llu PDUs judged by the reference (each by every "
      "receiver "
      "model), %llu segments compared, %llu answered, %llu refused, %llu denied in silence, %llu "
      "connections, "
      "%llu datagrams answered and %llu refused, %llu attacks, %llu events; hash %016llx\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(failed), seconds,
      static_cast<unsigned long long>(totals.frames), static_cast<unsigned long long>(totals.pdus_judged),
      static_cast<unsigned long long>(totals.segments_compared),
      static_cast<unsigned long long>(totals.answered), static_cast<unsigned long long>(totals.refused),
      static_cast<unsigned long long>(totals.given_up), static_cast<unsigned long long>(totals.connections),
      static_cast<unsigned long long>(totals.datagrams_answered),
      static_cast<unsigned long long>(totals.datagrams_refused),
      static_cast<unsigned long long>(totals.attacks), static_cast<unsigned long long>(totals.events),
      static_cast<unsigned long long>(totals.hash));
}

int run_seeds(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  Totals totals;
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  double told = 0;
  for (std::uint64_t seed = options.first; options.forever || seeds < options.count; ++seed) {
    if (stop_asked || (options.seconds != 0 && elapsed() > static_cast<double>(options.seconds))) break;
    const Outcome outcome = play_safely(reduced(seed, options, options.without), options.trace);
    ++seeds;
    totals.add(outcome.totals);
    if (options.trace) {
      const Plan plan = reduced(seed, options, options.without);
      std::cout << plan.describe();
      for (const PlantPolicy& policy : plan.policies) std::cout << policy.text;
      std::cout << outcome.trace;
    }
    if (!outcome.findings.empty()) {
      ++failed;
      if (options.trace)
        print_findings(outcome);
      else
        report(seed, options, outcome);
      if (!options.forever && failed >= 5) break;
    }
    if (elapsed() - told >= 5) {
      told = elapsed();
      std::fprintf(stderr, "\r%llu seeds, %llu failed, %.0f s, at seed %llu ",
                   static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(failed), told,
                   static_cast<unsigned long long>(seed));
      if (options.forever && isatty(2) == 0) std::fprintf(stderr, "\n");
    }
  }
  print_totals(totals, seeds, failed, elapsed());
  const bool proved_something = totals.pdus_judged != 0 || seeds == 0 || !options.without.empty();
  if (!proved_something) std::cout << "no PDU was judged: this run proves nothing\n";
  return failed == 0 && seeds != 0 && proved_something ? 0 : 1;
}

// --- planted faults --------------------------------------------------------------------------------------

// In a process of its own, since a fault may crash. Returns the seed that caught it, 0 for none.
std::uint64_t catch_mutant(const std::string& name, std::uint64_t seeds, const PlanWish& wish,
                           std::string& how) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    alarm(600);
    set_mutant(name);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const std::string at = std::to_string(seed) + " ";
      if (write(ends[1], at.data(), at.size()) < 0) _exit(3);
      const Outcome outcome = play_safely(draw_plan(seed, wish), false);
      if (outcome.findings.empty()) continue;
      const Finding& finding = outcome.findings[0];
      const std::string text = "|" + finding.oracle + ": " + finding.what.substr(0, 120) + "\n";
      if (write(ends[1], text.data(), text.size()) < 0) _exit(3);
      _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  const std::size_t bar = text.find('|');
  how = bar == std::string::npos ? "crash or hang" : text.substr(bar + 1, text.find('\n', bar) - bar - 1);
  const std::string numbers = text.substr(0, bar == std::string::npos ? text.size() : bar);
  std::istringstream all(numbers);
  std::uint64_t last = 0;
  for (std::uint64_t number = 0; all >> number;) last = number;
  return last;
}

// `spared`: names that need not be caught here.
int run_mutants(const std::string& which, const Options& options, std::uint64_t seeds,
                const std::set<std::string>& spared) {
  std::size_t needed = 0;
  std::size_t needed_and_caught = 0;
  std::size_t caught = 0;
  std::size_t tried = 0;
  for (const Mutant& mutant : mutants()) {
    if (which != "all" && which != mutant.name) continue;
    ++tried;
    std::string how;
    const std::uint64_t seed = catch_mutant(mutant.name, seeds, options.wish, how);
    if (seed != 0) ++caught;
    if (!spared.contains(mutant.name)) {
      ++needed;
      if (seed != 0) ++needed_and_caught;
    }
    std::printf("%-34s %s\n", mutant.name.c_str(),
                seed == 0 ? (spared.contains(mutant.name) ? "not caught (spared)" : "NOT CAUGHT")
                          : ("seed " + std::to_string(seed) + ", " + how).c_str());
    std::fflush(stdout);
  }
  std::printf("%zu of %zu planted faults caught within %llu seeds\n", caught, tried,
              static_cast<unsigned long long>(seeds));
  if (tried == 0) std::printf("no planted fault of the name '%s' in this program\n", which.c_str());
  std::printf("%zu of the %zu that have to be caught here\n", needed_and_caught, needed);
  return needed_and_caught == needed && tried != 0 ? 0 : 1;
}

// The first word of each line that is no comment.
std::set<std::string> read_names(const std::string& path) {
  std::set<std::string> names;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') names.insert(line.substr(0, line.find(' ')));
  }
  return names;
}

}  // namespace

int main_of_simulation(int argc, char** argv) {
  Options options;
  std::string mutant;
  std::string spare_file;
  std::uint64_t seed = 0;
  po::options_description all(
      "Plays random plants, policies, dialogues and attacks through the engine under virtual\n"
      "time, and holds what comes out against independent oracles");
  auto add = all.add_options();
  add("help", "print this and exit");
  add("first", po::value(&options.first), "first seed (default 1)");
  add("count", po::value(&options.count), "how many seeds (default 100)");
  add("seconds", po::value(&options.seconds), "stop after so many seconds, whatever the count");
  add("seed", po::value(&seed), "this seed alone");
  add("without", po::value(&options.without)->composing(),
      "leave out a part of the seed's plan, e.g. dialogue:1");
  add("technique", po::value(&options.wish.technique), "attack with this technique in every seed");
  add("protocol", po::value(&options.wish.protocol), "this protocol alone in every seed");
  add("techniques", "list the techniques of the attackers and exit");
  add("trace", "print every frame");
  add("no-minimise", "do not make failing seeds small");
  add("forever", "run until told to stop (SIGINT, SIGTERM)");
  add("mutant", po::value(&mutant),
      "plant this fault, or 'all' one after the other, and see that it is caught");
  add("spare", po::value(&spare_file), "file of planted faults that need not be caught here, one a line");
  add("mutants", "list the faults that can be planted and exit");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, all), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "simulate: " << error.what() << "; see simulate --help\n";
    return 2;
  }
  if (given.contains("help")) {
    std::cout << all;
    return 0;
  }
  if (given.contains("techniques")) {
    for (const auto* names : {&techniques(), &techniques_with_parts(), &datagram_techniques()})
      for (const std::string& name : *names) std::cout << name << "\n";
    return 0;
  }
  if (given.contains("mutants")) {
    for (const Mutant& each : mutants()) std::cout << each.name << "  " << each.breaks << "\n";
    return 0;
  }
  if (given.contains("seed")) {
    options.first = seed;
    options.count = 1;
  }
  options.trace = given.contains("trace");
  options.minimise = !given.contains("no-minimise");
  options.forever = given.contains("forever");
  std::signal(SIGINT, [](int) { stop_asked = true; });
  std::signal(SIGTERM, [](int) { stop_asked = true; });
  if (!mutant.empty())
    return run_mutants(mutant, options, given.contains("count") ? options.count : 200,
                       read_names(spare_file));
  return run_seeds(options);
}

}  // namespace conduit::simulation

int main(int argc, char** argv) { return conduit::simulation::main_of_simulation(argc, argv); }
