// The seeds of the fuzzers. Files whose names begin with "valid" pass BehaviourMatrix::Verify, the others do not.
#ifndef COUPONCAST_FUZZ_SEEDS_H_
#define COUPONCAST_FUZZ_SEEDS_H_

#include <string>

namespace couponcast::fuzz {

// Writes the seeds into a folder that exists; the same bytes each time. False when a file could not be written.
bool WriteSeeds(const std::string& folder);

}  // namespace couponcast::fuzz

#endif  // COUPONCAST_FUZZ_SEEDS_H_
