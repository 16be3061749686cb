// Writes the seeds of the fuzzers into a folder: make_corpus native/fuzz/corpus. A native test compares that folder with
// what this writes.
#include <iostream>

#include "fuzz/seeds.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_corpus <folder>\n";
    return 2;
  }
  return couponcast::fuzz::WriteSeeds(argv[1]) ? 0 : 1;
}
