"""Who may include whom: one direction only, and each outside library in one folder."""

import re

# Folder → folders of this tree that its files may include. The longest prefix of a path decides.
INSIDE = {
    "protocols/core/": ("protocols/core/",),
    "protocols/": ("protocols/",),  # the registry; a room: see `permitted_inside`
    "config/abi/": ("protocols/core/", "config/abi/"),
    "config/": ("protocols/", "config/"),
    "dataplane/engine/": ("protocols/", "config/abi/", "dataplane/engine/"),
    "dataplane/io/": ("protocols/", "config/abi/", "dataplane/engine/", "dataplane/io/"),
    "dataplane/": ("protocols/", "config/abi/", "dataplane/"),
    "controlplane/": ("protocols/", "config/", "controlplane/"),
    "tools/": ("protocols/", "config/", "dataplane/engine/", "dataplane/io/pcap/", "controlplane/", "tools/"),
    # Oracles and hosts share nothing with what they judge: its counters, events and names of reasons apart.
    "tests/simulation/": ("tests/simulation/", "tests/support/"),
    "tests/simulation/engine_gateway.": ("config/", "dataplane/", "tests/simulation/", "tests/support/"),
    "tests/simulation/accounting.": ("protocols/core/reason.hpp", "tests/simulation/"),
    "tests/simulation/plan.": ("config/abi/limits.hpp", "tests/simulation/"),
    "tests/simulation/mutants.": ("protocols/core/mutation.hpp", "tests/simulation/"),
    "tests/": ("protocols/", "config/", "dataplane/", "controlplane/", "tools/", "tests/"),
}

# Header → the only folders whose files may include it.
OUTSIDE = [
    (r"rte_\w+\.h", ("dataplane/io/dpdk/",)),
    (r"(libnetfilter_queue|libmnl|libnfnetlink)/|linux/netfilter", ("dataplane/io/nfqueue/",)),
    (r"openssl/", ("controlplane/trust/",)),
    (r"sqlite3", ("controlplane/audit/", "tests/unit/audit/")),
    (r"boost/", ("tools/", "dataplane/options.cpp", "controlplane/main.cpp", "tests/simulation/main.cpp")),
    (r"google/protobuf/|.*\.pb\.h$", ("config/policy/", "controlplane/", "tools/", "tests/")),
    (r"nlohmann/", ("config/policy/", "controlplane/", "tools/", "tests/")),
    (r"pcap(/|\.h)", ("dataplane/io/pcap/",)),
    (r"doctest/", ("tests/",)),
    (r"modbus/", ("tests/", "tools/")),  # libmodbus, the peer that is not ours
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def permitted_inside(path, included):
    room = re.match(r"protocols/([^/]+)/", path)
    if room and room.group(1) != "core":
        return included.startswith(("protocols/core/", room.group(0)))
    back_end = re.match(r"dataplane/io/[^/]+/", path)
    if back_end and re.match(r"dataplane/io/[^/]+/", included):
        return included.startswith(back_end.group(0))
    rows = [folder for folder in INSIDE if path.startswith(folder)]
    return bool(rows) and included.startswith(INSIDE[max(rows, key=len)])


def proto_imports(tree):
    for path in tree.paths:
        if not path.endswith(".proto"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = re.match(r'import\s+(?:public\s+|weak\s+)?"([^"]+)"', line)
            imported = match.group(1) if match else "google/"
            if not imported.startswith("google/") and not permitted_inside(path, imported):
                yield f"{path}:{number}: {imported}: {path.rsplit('/', 1)[0]} must not depend on it"


def includes(tree):
    yield from proto_imports(tree)
    for path in tree.cxx():
        code = tree.code(path)
        for match in INCLUDE.finditer(code):
            number = code.count("\n", 0, match.start()) + 1
            included = match.group(2)
            for pattern, folders in OUTSIDE:
                # A generated header of ours is an outside library to whoever must not know protobuf.
                if re.match(pattern, included) and not path.startswith(folders):
                    yield f"{path}:{number}: {included} belongs in {', '.join(folders)} alone"
            if match.group(1) == '"' and not included.startswith(tuple(INSIDE)):
                yield f'{path}:{number}: "{included}": include ours from the root of the tree, others by <>'
            elif match.group(1) == '"' and not permitted_inside(path, included):
                yield f"{path}:{number}: {included}: {path.rsplit('/', 1)[0]} must not depend on it"
