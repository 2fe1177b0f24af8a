"""Words that have a better replacement here, by folder. Comments and strings do not count."""

import re

HERMETIC = ("protocols/", "dataplane/engine/", "dataplane/io/")
DATA_PLANE = ("protocols/", "dataplane/", "config/abi/")
PURE = ("protocols/", "dataplane/engine/")

# (folders, suffixes, pattern, what to write instead)
WORDS = [
    ((), (".hpp",), r"#\s*include\s*<(iostream|regex|functional)>",
     "heavy header: <cstdio> or <iosfwd>, a hand-written parser, a template parameter or function pointer"),
    ((), (), r"\bstd::endl\b", "'\\n'"),
    ((), (), r"\busing\s+namespace\s+std\b", "std:: where it is used"),
    ((), (), r"\b(strcpy|strcat|sprintf|vsprintf|gets|strncpy|strtok|alloca)\s*\(",
     "snprintf, std::string_view, std::span: a bound must be stated"),
    ((), (), r"\b(atoi|atol|atoll|atof|sscanf)\s*\(", "std::from_chars, which says what it could not read"),
    ((), (), r"\b(rand|srand|drand48)\s*\(", "randomness that comes in from outside; getrandom()"),
    ((), (), r"\b(system|popen)\s*\(", "posix_spawn with an argument vector"),
    ((), (), r"\b(mktemp|tmpnam|tempnam)\s*\(", "mkstemp or memfd_create"),
    ((), (), r"\b(localtime|gmtime|ctime|asctime)\s*\(", "the _r form"),
    ((), (), r"\bstd::regex\b", "a hand-written parser"),
    ((), (), r"\bNDEBUG\b", "nothing: asserts stay in release"),
    ((), (".hpp",), r"(?m)^\s*using\s+namespace\b", "full names in headers"),
    ((), (".hpp",), r"^(?![\s\S]*#pragma once)", "#pragma once"),
    (HERMETIC, (), r"\b(throw|try|catch|dynamic_cast|typeid)\b", "a Verdict and Reason, or a returned error"),
    (HERMETIC, (), r"\bstd::(function|shared_ptr|any|map|unordered_map|set|list|deque|regex|ostringstream)\b",
     "a bounded table taken at start"),
    (DATA_PLANE, (), r"\b(malloc|calloc|realloc|free|strdup)\s*\(", "memory taken once at start"),
    (("protocols/",), (), r"\bstd::(string|vector|unique_ptr|make_unique|to_string)\b|\bnew\b|\bdelete\s",
     "memory that the caller owns (a view, a span, std::array)"),
    (PURE, (), r"#\s*include\s*<(chrono|ctime|time\.h|random|thread|mutex|fstream|iostream)>",
     "time, randomness and I/O that come in from outside"),
    (PURE, (), r"#\s*include\s*<(sys/[\w/]+|unistd|fcntl|poll|signal)\.h>",
     "time, randomness and I/O that come in from outside"),
    (PURE, (), r"\b(clock_gettime|gettimeofday|getenv|time)\s*\(", "time that comes in from outside"),
    (PURE, (), r"\bstd::(mutex|thread|lock_guard|condition_variable)\b", "one worker owns what it touches"),
    ((), (), r"(?<!\w)rte_\w+", "dataplane/io/dpdk is the only place for DPDK"),
]
EXCEPT = {
    # A simulation is made of tasks and callbacks; its headers are its own.
    r"#\s*include\s*<(iostream|regex|functional)>": ("tests/simulation/",),
    r"(?<!\w)rte_\w+": ("dataplane/io/dpdk/",),
}


def banned_words(tree):
    for path in tree.cxx():
        code = tree.code(path)
        for folders, suffixes, pattern, instead in WORDS:
            if folders and not path.startswith(folders):
                continue
            if suffixes and not path.endswith(suffixes):
                continue
            if path.startswith(EXCEPT.get(pattern, ("\0",))):
                continue
            for match in re.finditer(pattern, code):
                number = code.count("\n", 0, match.start()) + 1
                yield f"{path}:{number}: '{match.group(0).strip() or 'missing'}': instead: {instead}"


def unfinished(tree):
    """Notes to oneself do not stay in the tree."""
    for path in tree.paths:
        if not path.endswith((".cpp", ".hpp", ".proto", ".py", ".md", ".cmake", "CMakeLists.txt")):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            if re.search(r"\b(FIX" r"ME|TO" r"DO|X" r"XX)\b", line):
                yield f"{path}:{number}: a note to oneself: do it, or say in the docs what is missing"
