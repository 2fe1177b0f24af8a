// The oracle of acknowledgements, for protocols whose PDUs are acknowledged by number: whoever has sent one
// learns that it has come, whatever became of it, or would end the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/simulation/dialogue.hpp"

namespace conduit::simulation {

// An end of a connection; empty once that is over.
struct Speaker {
  TcpSocket* socket = nullptr;
  End* end = nullptr;
};

// An end that has just got something says so a while later, if it has said nothing else by then; `says` is
// told of what it says.
void acknowledge_later(Stage& stage, const std::function<Speaker()>& speaker,
                       const std::function<void(const Octets&)>& says);
// `number` PDUs that `speaker` has sent so far have to be acknowledged soon after its TCP knows that they
// have come. Of runs in which nothing else can keep an acknowledgement back.
void expect_acknowledgement(Stage& stage, const std::function<Speaker()>& speaker, const std::string& who,
                            std::uint64_t number);

}  // namespace conduit::simulation
