# Language, warnings and sanitizers, for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(AIGRID_FUZZ "build the fuzzers (clang, libFuzzer)" OFF)
option(AIGRID_BENCH "build the benchmarks" OFF)
set(AIGRID_TEST_KEYLOG "" CACHE FILEPATH "for ./dev drill wiretap alone: TLS secrets are appended to this file")
set(AIGRID_FUZZ_SECONDS 10 CACHE STRING "how long each fuzzer runs as a test")
set(AIGRID_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")

add_library(aigrid_options INTERFACE)
target_compile_options(aigrid_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror -fno-omit-frame-pointer)
target_include_directories(aigrid_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_link_options(aigrid_options INTERFACE -fuse-ld=lld-19)
if(AIGRID_SANITIZE)
  target_compile_options(aigrid_options INTERFACE -fsanitize=${AIGRID_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(aigrid_options INTERFACE -fsanitize=${AIGRID_SANITIZE})
endif()
if(AIGRID_FUZZ)
  target_compile_options(aigrid_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
