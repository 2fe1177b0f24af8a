"""What the built programs really need, and how they are hardened (readelf)."""

import os
import re
import subprocess

# Program → shared libraries that it must not need, be it through another library.
FORBIDDEN = {
    "conduit-dataplane": r"lib(protobuf|ssl|crypto|sqlite3|curl|pcap)",
    "conduit-controlplane": r"lib(rte_|netfilter_queue|nfnetlink|pcap)",
    "conduitctl": r"lib(rte_|netfilter_queue|nfnetlink)",
}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed_libraries(program):
    """Direct ones by readelf, and all that the loader would map."""
    direct = re.findall(r"\(NEEDED\).*\[(.+?)\]", output("readelf", "-dW", program))
    mapped = re.findall(r"^\s*(\S+) => ", output("ldd", program), re.M)
    return sorted(set(direct) | set(mapped))


def libraries(folder, names=tuple(FORBIDDEN)):
    for name in names:
        program = os.path.join(folder, name)
        if not os.path.exists(program):
            yield f"{program}: not built"
            continue
        for library in needed_libraries(program):
            if re.match(FORBIDDEN[name], library):
                yield f"{name} needs {library}: the boundary between the processes forbids it"


def hardening(folder, names=tuple(FORBIDDEN)):
    for name in names:
        program = os.path.join(folder, name)
        if not os.path.exists(program):
            yield f"{program}: not built"
            continue
        headers = output("readelf", "-hlW", program)
        dynamic = output("readelf", "-dW", program)
        symbols = output("readelf", "--dyn-syms", "-W", program)
        found = {
            "position independent": re.search(r"Type:\s+DYN", headers),
            "relocations read-only": "GNU_RELRO" in headers,
            "all symbols bound at start": re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic),
            "stack not executable": re.search(r"GNU_STACK\s.*\sRW\s", headers),
            "stack protector": "__stack_chk_fail" in symbols,
        }
        for what, present in found.items():
            if not present:
                yield f"{name} is not hardened: {what}: no"
