#include "data/inflater.h"

namespace hourglass {

std::unique_ptr<Inflater> isal_inflater() { return nullptr; }

}  // namespace hourglass
