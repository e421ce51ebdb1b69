// The linker sends calls of zlib's inflate() through here.
#include <zlib.h>

#include "fuzz/allocation_rule.h"

extern "C" int __real_inflate(z_streamp stream, int flush);

extern "C" int __wrap_inflate(z_streamp stream, int flush) {
  const uInt room = stream->avail_out;
  const int state = __real_inflate(stream, flush);
  hourglass::fuzz::add_text(room - stream->avail_out);
  return state;
}
