// What the verbs share that talk to a running daemon: --socket, the question, the answer's exit status.
#pragma once

#include <boost/program_options.hpp>
#include <string>

#include "config/schema/control.pb.h"
#include "tools/conduitctl/control_client.hpp"
#include "tools/conduitctl/verb.hpp"

namespace conduit {

// Options that are common to these verbs; `socket` gets the path.
void add_daemon_options(boost::program_options::options_description& options, std::string& socket);

// Parses `words`. False: it is done already (`status` is the exit status: help was printed, or usage
// complained about).
bool parse_daemon_verb(const char* verb, const char* help, const Words& words,
                       const boost::program_options::options_description& options,
                       const boost::program_options::positional_options_description& positional,
                       boost::program_options::variables_map& values, int& status);

// One question, one answer. On success `response` is filled and `status` exit_done; else the complaint was
// printed.
bool ask_daemon(const char* verb, const std::string& socket, const schema::ControlRequest& request,
                schema::ControlResponse& response, int& status);

}  // namespace conduit
