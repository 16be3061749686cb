// What bindings of allocation share.
#ifndef COUPONCAST_BINDINGS_ALLOCATION_ARGS_H_
#define COUPONCAST_BINDINGS_ALLOCATION_ARGS_H_

#include "addon.h"
#include "couponcast/allocate.h"

namespace couponcast::node {

// Content of the candidates is checked once, by the binding checkProblem, before the others run.
AllocationProblem ProblemOf(const Args& args);
AllocationUnits UnitsOf(const Args& args);

}  // namespace couponcast::node

#endif  // COUPONCAST_BINDINGS_ALLOCATION_ARGS_H_
