// S7 peers on snap7 (LGPL-3.0; its C++ sources come with npm's node-snap7), compiled by ../node_peers.
//
//   snap7_peer server LOG ADDRESS    port 102, until SIGTERM; data blocks 1 and 2 of 256 octets, octet n is n
//   snap7_peer client ADDRESS        answers each line of its input by one line:
//     status    "ok run" or "ok stop"
//     stop      of the CPU: "ok", or the client library's own words for what was answered
//     list      how many blocks there are: "ok 2 data blocks"
//
// The server writes down whatever it carried out or did not, one line an event:
//   write area 132 index 1 start 20 size 2: 0 0102
//   control 3: 0
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <snap7_libmain.h>

namespace {

uint8_t blocks[3][256];  // by their number
std::FILE* received = nullptr;

const char* name_of(longword code) {
  switch (code) {
    case evcDataRead: return "read";
    case evcDataWrite: return "write";
    case evcReadSZL: return "szl";
    case evcControl: return "control";
    case evcDirectory: return "directory";
    case evcClock: return "clock";
    case evcUpload: return "upload";
    case evcDownload: return "download";
    case evcSecurity: return "security";
    default: return nullptr;
  }
}

// Called when a job was carried out, or was not: the last number is 0, or why.
void S7API on_event(void*, PSrvEvent event, int) {
  const char* name = name_of(event->EvtCode);
  if (name == nullptr) return;
  if (event->EvtCode == evcDataRead || event->EvtCode == evcDataWrite) {
    std::fprintf(received, "%s area %u index %u start %u size %u: %u", name, event->EvtParam1,
                 event->EvtParam2, event->EvtParam3, event->EvtParam4, event->EvtRetCode);
    bool inside = event->EvtParam2 < 3 && event->EvtParam3 + event->EvtParam4 <= 256;
    for (unsigned at = 0; inside && event->EvtCode == evcDataWrite && at < event->EvtParam4; ++at) {
      std::fprintf(received, at ? "%02x" : " %02x", blocks[event->EvtParam2][event->EvtParam3 + at]);
    }
    std::fprintf(received, "\n");
  } else {
    std::fprintf(received, "%s %u: %u\n", name, event->EvtParam1, event->EvtRetCode);
  }
  std::fflush(received);
}

int serve(const char* log, const char* address) {
  received = std::fopen(log, "a");
  if (received == nullptr) return 1;
  for (auto& block : blocks) {
    for (int at = 0; at < 256; ++at) block[at] = static_cast<uint8_t>(at);
  }
  S7Object server = Srv_Create();
  Srv_RegisterArea(server, srvAreaDB, 1, blocks[1], sizeof blocks[1]);
  Srv_RegisterArea(server, srvAreaDB, 2, blocks[2], sizeof blocks[2]);
  Srv_SetEventsCallback(server, on_event, nullptr);
  Srv_SetMask(server, mkEvent, 0xFFFFFFFF);
  if (Srv_StartTo(server, address) != 0) return 1;
  std::printf("listening\n");
  std::fflush(stdout);
  pause();
  return 0;
}

std::string words_of(int error) {
  char text[256] = {};
  Cli_ErrorText(error, text, sizeof text);
  return std::string("denied: ") + text;
}

std::string answer(S7Object client, const std::string& command) {
  int state = 0, error = 0;
  if (command == "stop") {
    error = Cli_PlcStop(client);
    return error ? words_of(error) : "ok";
  }
  if (command == "status") {
    error = Cli_GetPlcStatus(client, state);
    if (error) return words_of(error);
    return state == S7CpuStatusRun ? "ok run" : "ok stop";
  }
  TS7BlocksList list = {};
  error = Cli_ListBlocks(client, &list);
  return error ? words_of(error) : "ok " + std::to_string(list.DBCount) + " data blocks";
}

int ask(const char* address) {
  S7Object client = Cli_Create();
  if (int error = Cli_ConnectTo(client, address, 0, 1)) {
    std::printf("%s\n", words_of(error).c_str());
    return 1;
  }
  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    line[std::strcspn(line, "\n")] = 0;
    std::printf("%s\n", answer(client, line).c_str());
    std::fflush(stdout);
  }
  Cli_Disconnect(client);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count == 4 && !std::strcmp(words[1], "server")) return serve(words[2], words[3]);
  if (count == 3 && !std::strcmp(words[1], "client")) return ask(words[2]);
  std::fprintf(stderr, "usage: snap7_peer server LOG ADDRESS | client ADDRESS\n");
  return 2;
}
