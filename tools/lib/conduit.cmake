# Compiler options for the whole tree and the few functions with which a folder describes itself.
#
#   conduit_library(NAME [HERMETIC] [LINK …] [PRIVATE …])  static library of all *.cpp of the folder
#   conduit_mutable_library(NAME [LINK …])                 NAME_mutable: the same with mutations, for tests
#   conduit_program(NAME [HERMETIC] [LINK …])              build/<preset>/bin/NAME, once there is a main.cpp
#   conduit_test(AREA [SOURCES …] [LINK …] [LABELS …])     doctest program test_<AREA>, run as <label>.<AREA>
#   conduit_script_test(NAME COMMAND … [LABELS …])         any other command as a test, <label>.<NAME>
#   conduit_fuzz_target(NAME [SOURCES …] [LINK …])         fuzz_<NAME>; its corpus is tests/fuzz/corpus/<NAME>
#   conduit_add_subfolders()                               every direct subfolder that has a CMakeLists.txt
#
# The first label of a test is one of unit cases simulation fuzz e2e bench. e2e and bench run alone.

set(CONDUIT_SANITIZE "" CACHE STRING "value for -fsanitize=, empty for none")
set(CONDUIT_TEST_SUFFIX "" CACHE STRING "appended to test names, tells build trees apart")
option(CONDUIT_LIBFUZZER "link fuzz targets with libFuzzer (clang) instead of the corpus replayer" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
endif()
if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CONDUIT_CCACHE ccache)
  if(CONDUIT_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CONDUIT_CCACHE})
  endif()
endif()

# No NDEBUG anywhere: a broken invariant aborts in release too.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")

# Clang counts -Wsign-conversion to -Wconversion, GCC does not; both ask for the same here.
add_compile_options(-Wall -Wextra -Wconversion -Wsign-conversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12 sees these where std::string, vector and optional are inlined and nothing is wrong (its
  # bugs 105329, 105651 and more); Clang and the sanitizers judge the same code.
  add_compile_options(-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
                      -Wno-free-nonheap-object -Wno-maybe-uninitialized)
endif()
add_compile_options(-march=x86-64-v2 -fstack-protector-strong)
# Not CMake's own switch: it compiles static libraries with -fPIC, which keeps the compiler from inlining what
# could be replaced at load time. All our libraries end in programs.
add_compile_options(-fPIE)
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>
                        $<$<NOT:$<CONFIG:Release>>:_GLIBCXX_ASSERTIONS>)
if(CONDUIT_SANITIZE)
  add_compile_options(-fsanitize=${CONDUIT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CONDUIT_SANITIZE})
endif()
include_directories(${CMAKE_SOURCE_DIR})  # all includes are from the root of the tree

# For protocols, engine and io: nothing there may throw or ask for a type at run time. Link it PRIVATE.
add_library(conduit_hermetic INTERFACE)
target_compile_options(conduit_hermetic INTERFACE -fno-exceptions -fno-rtti)
# Engine, decoders and rule image are one program to the optimiser, as if they were one file; in what is
# shipped or measured. Tests link what was compiled alone, which takes a tenth of the time.
set(conduit_optimised $<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>)
target_compile_options(conduit_hermetic INTERFACE $<${conduit_optimised}:-flto=auto;-ffat-lto-objects>)
add_link_options($<${conduit_optimised}:-fno-lto>)
# A test's own code runs once; what it tests is compiled as it is shipped.
function(conduit_compile_quickly name)
  target_compile_options(${name} PRIVATE $<${conduit_optimised}:-O1>)
endfunction()
function(conduit_link_as_one name)
  target_link_options(${name} PRIVATE $<${conduit_optimised}:-flto=auto>)
endfunction()

# Without sources yet, the library is an empty interface, so that its users configure and link all the same.
function(conduit_library name)
  cmake_parse_arguments(arg "HERMETIC" "" "LINK;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE})
  if(arg_HERMETIC)
    target_link_libraries(${name} PRIVATE conduit_hermetic)
  endif()
endfunction()

# The sources of a hermetic library once more, with the deliberate faults of protocols/core/mutation.hpp.
# Built when a test needs it; nothing else may link it.
function(conduit_mutable_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  get_target_property(sources ${name} SOURCES)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL INTERFACE_LIBRARY)
    add_library(${name}_mutable INTERFACE)
    target_link_libraries(${name}_mutable INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(${name}_mutable STATIC EXCLUDE_FROM_ALL ${sources})
  target_compile_definitions(${name}_mutable PUBLIC CONDUIT_MUTATIONS)
  target_link_libraries(${name}_mutable PUBLIC ${arg_LINK} PRIVATE conduit_hermetic)
endfunction()

function(conduit_program name)
  cmake_parse_arguments(arg "HERMETIC" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
    return()
  endif()
  add_executable(${name} ${sources})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  if(arg_HERMETIC)
    target_link_libraries(${name} PRIVATE conduit_hermetic)
    conduit_link_as_one(${name})
  endif()
endfunction()

function(conduit_add_subfolders)
  file(GLOB lists CONFIGURE_DEPENDS */CMakeLists.txt)
  foreach(list ${lists})
    cmake_path(GET list PARENT_PATH folder)
    add_subdirectory(${folder})
  endforeach()
endfunction()

function(conduit_test_properties test labels timeout)
  set_tests_properties(${test} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77)
  if(labels MATCHES "e2e|bench")
    set_tests_properties(${test} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

function(conduit_test area)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES CONFIGURE_DEPENDS *.cpp)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  list(GET arg_LABELS 0 label)
  add_executable(test_${area} ${arg_SOURCES})
  conduit_compile_quickly(test_${area})
  target_link_libraries(test_${area} PRIVATE conduit_doctest_main ${arg_LINK})
  add_test(NAME ${label}.${area}${CONDUIT_TEST_SUFFIX} COMMAND test_${area}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  conduit_test_properties(${label}.${area}${CONDUIT_TEST_SUFFIX} "${arg_LABELS}" ${arg_TIMEOUT})
endfunction()

function(conduit_script_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  list(GET arg_LABELS 0 label)
  set(test ${label}.${name}${CONDUIT_TEST_SUFFIX})
  add_test(NAME ${test} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  conduit_test_properties(${test} "${arg_LABELS}" ${arg_TIMEOUT})
endfunction()

# With libFuzzer: a short run from the corpus; CONDUIT_FUZZ_SECONDS in the environment makes it long.
# Otherwise: the corpus is replayed.
function(conduit_fuzz_target name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.cpp)
  endif()
  set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set(test fuzz.${name}${CONDUIT_TEST_SUFFIX})
  add_executable(fuzz_${name} ${arg_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE ${arg_LINK})
  if(CONDUIT_LIBFUZZER)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${test} COMMAND ${CMAKE_SOURCE_DIR}/tests/support/run_fuzz
             $<TARGET_FILE:fuzz_${name}> ${corpus} ${CMAKE_BINARY_DIR}/fuzz/${name})
    set_tests_properties(${test} PROPERTIES TIMEOUT 86400)
  else()
    target_link_libraries(fuzz_${name} PRIVATE conduit_replay_main)
    add_test(NAME ${test} COMMAND fuzz_${name} ${corpus})
    set_tests_properties(${test} PROPERTIES TIMEOUT 120)
  endif()
  set_tests_properties(${test} PROPERTIES LABELS fuzz)
endfunction()
