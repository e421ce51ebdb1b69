// A module of another version: it does not know the loader's number.
#include "hourglass/ops/backend_module.h"

hourglass::Backend* hourglass_open(int) { return nullptr; }
