#!/usr/bin/env python3
"""Each house rule is run on a planted violation and must find it, and on its clean neighbour and must not.

usage: canary.py PROGRAM_WITH_PROTOBUF
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True

import dependencies  # noqa: E402
import layout  # noqa: E402
import programs  # noqa: E402
import reasons  # noqa: E402
import tree as trees  # noqa: E402
import words  # noqa: E402

CPP = "dataplane/engine/a.cpp"
HPP = "dataplane/engine/a.hpp"
ONCE = "#pragma once\n"


def body(lines):
    return "int f(int a) noexcept {\n" + "  ++a;\n" * (lines - 3) + "  return a;\n}\n"


def method(lines):
    head = "namespace n {\nclass C {\n public:\n  C() : a_{1} {\n"
    return head + "    ++a_;\n" * (lines - 2) + "  }\n  int a_;\n};\n}\n"


def table_test(lines):
    rows = "  const Row rows[] = {\n" + '      {"a", {1, 2}},\n' * 90 + "  };\n"
    return 'TEST_CASE("a") {\n' + rows + "  g();\n" * lines + "}\n"


# (rule, path, text with a violation, text without)
PLANTED = [
    (layout.line_length, CPP, "// " + "x" * 108 + "\n", "// " + "ü" * 107 + "\n"),
    (layout.line_length, "tools/x", "#!/bin/sh\n# " + "x" * 109 + "\n", "#!/bin/sh\n"),
    (layout.line_length, "README.md", "x" * 131 + "\n", "| " + "x" * 131 + "\n"),
    (layout.file_length, CPP, "\n" * 601, "\n" * 600),
    (layout.function_length, CPP, body(71), body(70)),
    (layout.function_length, CPP, method(71), method(70)),
    (layout.function_length, CPP, body(70) + body(71).replace("noexcept", "-> decltype(g({1}))"),
     body(70) * 3),
    (layout.function_length, CPP, 'TEST_CASE("a") {\n' + "  g();\n" * 70 + "}\n",
     "constexpr T rows[] = {\n" + '    {f("{"), 1},\n' * 90 + "};\n"),
    (layout.function_length, CPP,
     "int f(int a) {\n  auto g = [](int b) {\n" + "    ++b;\n" * 70 + "  };\n}\n",
     "#define X(a) f(a) { \\\n" + "  a \\\n" * 80 + "  a\nint a;\n"),
    (layout.function_length, CPP, table_test(68), table_test(67)),
    (layout.function_length, "tools/x.py", "def f():\n" + "    g()\n" * 70, "def f():\n" + "    g()\n" * 69),
    (layout.function_length, "tools/x", "#!/bin/bash\nf() {\n" + "  g\n" * 69 + "}\n",
     "#!/bin/bash\nf() {\n  g\n}\n"),
    (layout.formatted, CPP, "int  a;\n", "int a;\n"),
    (words.banned_words, HPP, ONCE + "#include <iostream>\n", ONCE + "// #include <iostream>\n"),
    (words.banned_words, HPP, "int a;\n", ONCE + "int a;\n"),
    (words.banned_words, HPP, ONCE + "using namespace conduit;\n", ONCE + "using conduit::A;\n"),
    (words.banned_words, CPP, "int f() { throw 1; }\n", '// throw\nconst char* a = "throw";\n'),
    (words.banned_words, CPP, "using namespace std;\n", "using namespace conduit;\n"),
    (words.banned_words, CPP, "int a = atoi(b);\n", "int a = my_atoi(b);\n"),
    (words.banned_words, CPP, "auto a = clock_gettime(0, &b);\n", "auto a = now.clock;\n"),
    (words.banned_words, CPP, "std::map<int, int> a;\n", "std::array<int, 3> a;\n"),
    (words.banned_words, "protocols/modbus/a.cpp", "auto* a = new int;\n", "// a new int\nint newer;\n"),
    (words.banned_words, "protocols/modbus/a.cpp", "std::vector<int> a;\n", "std::array<int, 1> a;\n"),
    (words.banned_words, "protocols/modbus/a.cpp", "#include <chrono>\n", "#include <array>\n"),
    (words.banned_words, CPP, "#include <sys/mman.h>\n", "#include <array>\n"),
    (words.banned_words, "controlplane/a.cpp", "rte_eal_init(0, 0);\n", "int write_rate = 0;\n"),
    (words.banned_words, "controlplane/a.cpp", "system(a);\n", "file_system(a);\n"),
    (words.unfinished, CPP, "// TO" "DO: more\n", "// all of it\n"),
    (dependencies.includes, "protocols/core/a.hpp", '#include "config/abi/limits.hpp"\n',
     '#include "protocols/core/bytes.hpp"\n'),
    (dependencies.includes, "protocols/modbus/a.hpp", '#include "protocols/dnp3/a.hpp"\n',
     '#include "protocols/modbus/b.hpp"\n'),
    (dependencies.includes, "protocols/modbus/a.proto", 'import "config/schema/policy.proto";\n',
     'import "protocols/core/options.proto";\nimport "google/protobuf/descriptor.proto";\n'),
    (dependencies.includes, "config/abi/a.hpp", '#include "dataplane/engine/flow.hpp"\n',
     '#include "protocols/core/bytes.hpp"\n'),
    (dependencies.includes, "config/policy/a.hpp", '#include "controlplane/trust/a.hpp"\n',
     '#include "config/schema/policy.pb.h"\n'),
    (dependencies.includes, CPP, '#include "dataplane/io/pcap/a.hpp"\n',
     '#include "config/abi/limits.hpp"\n'),
    (dependencies.includes, CPP, '#include "config/policy/compile.hpp"\n',
     '#include "protocols/core/match.hpp"\n'),
    (dependencies.includes, "dataplane/io/dpdk/a.cpp", '#include "dataplane/io/nfqueue/a.hpp"\n',
     '#include "dataplane/io/port.hpp"\n'),
    (dependencies.includes, "dataplane/main.cpp", '#include "controlplane/link/a.hpp"\n',
     '#include "dataplane/io/dpdk/a.hpp"\n'),
    (dependencies.includes, "dataplane/main.cpp", "#include <rte_eal.h>\n", "#include <cstdio>\n"),
    (dependencies.includes, "dataplane/main.cpp", "# include <google/protobuf/message.h>\n", "\n"),
    (dependencies.includes, "dataplane/main.cpp", '#include "config/schema/policy.pb.h"\n', "\n"),
    (dependencies.includes, "controlplane/a.cpp", '#include "dataplane/engine/flow.hpp"\n',
     '#include "config/abi/ipc.hpp"\n'),
    (dependencies.includes, "controlplane/sinks/a.cpp", "#include <openssl/ssl.h>\n", "#include <cstdio>\n"),
    (dependencies.includes, "dataplane/io/dpdk/a.cpp", "#include <libnetfilter_queue/libnetfilter_queue.h>\n",
     "#include <rte_ethdev.h>\n"),
    (dependencies.includes, "tests/simulation/safety.cpp", '#include "protocols/modbus/modbus.hpp"\n',
     '#include "tests/simulation/packet.hpp"\n'),
    (dependencies.includes, "controlplane/a.cpp", '#include "flow.hpp"\n',
     '#include "controlplane/flow.hpp"\n'),
]

GOOD_LIST = "1 ONE\n2 TWO\n"
GOOD_HEADER = '  X(1, ONE, 0, 1, "", "one") \\\n  X(2, TWO, 0, 1, "", "two")\n'
REASONS = [  # (what, list, header, violations)
    ("nothing", GOOD_LIST, GOOD_HEADER, 0),
    ("renamed", GOOD_LIST, GOOD_HEADER.replace("TWO", "ZWEI"), 1),
    ("renumbered", GOOD_LIST, GOOD_HEADER.replace("(2", "(3"), 2),
    ("disappeared", GOOD_LIST + "3 THREE\n", GOOD_HEADER, 1),
    ("retired", GOOD_LIST + "3 THREE retired\n", GOOD_HEADER, 0),
    ("retired, used again", "1 ONE retired\n2 TWO\n", GOOD_HEADER, 1),
    ("new", "1 ONE\n", GOOD_HEADER, 1),
    ("number given twice", GOOD_LIST, GOOD_HEADER + '  X(2, AGAIN, 0, 1, "", "x")\n', 2),
]

MENTIONS = [  # (what, path, text, whether ONE counts as tested by it)
    ("expected by a unit test", "tests/unit/tcp_worker/a.cpp", "CHECK(reason == Reason::ONE);\n", True),
    ("expected by a case", "tests/cases/b/expect.json", '{"reason": ["ONE"]}\n', True),
    ("named in a comment", "tests/unit/tcp_worker/a.cpp", "int a;  // Reason::ONE\n", False),
    ("part of another name", "tests/unit/tcp_worker/a.cpp", "CHECK(reason == Reason::ONE_MORE);\n", False),
    ("named in the text of a case", "tests/cases/b/README.md", '"ONE"\n', False),
    ("set by a test that has no engine", "tests/unit/audit/a.cpp", "record.reason = Reason::ONE;\n", False),
]


def planted(folder, files):
    paths = []
    for path, text in files.items():
        os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)
        paths.append(path)
    return trees.Tree(folder, paths)


def run(rule, files):
    with tempfile.TemporaryDirectory() as folder:
        files[".clang-format"] = "BasedOnStyle: Google\nColumnLimit: 110\n"
        return list(rule(planted(folder, files)))


def reason_canaries():
    for what, listed, header, count in REASONS:
        found = run(reasons.reason_numbers, {reasons.LIST: listed, reasons.HEADER: header})
        if len(found) != count:
            yield f"reason_numbers: {what}: {count} violations planted, found {found}"
    for what, path, text, tested in MENTIONS:
        found = run(reasons.reasons_tested, {reasons.HEADER: GOOD_HEADER, path: text,
                                             "tests/cases/a/expect.json": '{"reason": ["TWO"]}\n'})
        if len(found) != (0 if tested else 1):
            yield f"reasons_tested: {what}: found {found}"


def tree_canaries():
    for rule, path, bad, good in PLANTED:
        if not run(rule, {path: bad}):
            yield f"{rule.__name__} does not see: {path}: {bad[:70]!r}"
        found = run(rule, {path: good})
        if found:
            yield f"{rule.__name__} sees what is not there: {found[0]} in {good[:70]!r}"


def every_word_has_a_canary():
    """A row of the word table that no planted text meets would be a rule that nobody has seen work."""
    for folders, suffixes, pattern, _ in words.WORDS:
        path = (folders[0] if folders else "controlplane/") + "canary" + (suffixes[0] if suffixes else ".cpp")
        if not any(rule is words.banned_words and words.re.search(pattern, trees.blank(bad))
                   for rule, _, bad, _ in PLANTED + WORD_EXAMPLES):
            yield f"no canary for the word {pattern} ({path})"


WORD_EXAMPLES = [(words.banned_words, "controlplane/a.cpp", bad, "int a;\n") for bad in (
    "a << std::endl;\n", "strcpy(a, b);\n", "rand();\n", "mktemp(a);\n", "localtime(&a);\n",
    "std::regex a;\n",
    "#ifdef NDEBUG\n",
)] + [
    (words.banned_words, "dataplane/a.cpp", "malloc(1);\n", "int a;\n"),
    (words.banned_words, CPP, "std::mutex a;\n", "int a;\n"),
]
PLANTED += WORD_EXAMPLES


def program_canaries(with_protobuf):
    """A program that needs protobuf must not pass as the data plane; a script has no hardening to show."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(with_protobuf, os.path.join(folder, "conduit-dataplane"))
        if not list(programs.libraries(folder, ["conduit-dataplane"])):
            yield f"libraries: {with_protobuf} passes as a data plane"
        if not list(programs.libraries(folder, ["conduitctl"])):
            yield "libraries: a missing program passes"
        source, soft = os.path.join(folder, "a.cpp"), os.path.join(folder, "conduitctl")
        with open(source, "w", encoding="utf-8") as file:
            file.write("int main() {}\n")
        programs.output("g++", "-no-pie", "-fno-pie", "-Wl,-z,lazy,-z,norelro,-z,execstack",
                        "-o", soft, source)
        if len(list(programs.hardening(folder, ["conduitctl"]))) != 5:
            yield "hardening: a program without any passes"


def main():
    wrong = [*tree_canaries(), *reason_canaries(), *every_word_has_a_canary(),
             *program_canaries(sys.argv[1])]
    count = len(PLANTED) + len(REASONS) + len(MENTIONS)
    print("\n".join(wrong) if wrong else f"{count} planted trees: every rule sees its own")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
