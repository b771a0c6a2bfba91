// Bytes made smaller for a slow link, as one zstd frame (RFC 8878), and back again. Pure:
// no state, no dictionary, no stream; what both sides need to know is the size before.
//
// I12: what comes is bounded before anything is made of it. The receiver knows the size
// beforehand, at most COMPRESS_BYTES_MAX, allocates that once, and the frame has to fill it:
// no more, no less. The frame says the same size itself, in a header that makes its window
// that size (Single_Segment), names no dictionary, and nothing stands behind it, so that
// there is one way to read it. It may be at most COMPRESS_RATIO_MAX times as large as its
// frame: the work that a byte on the wire can make is bounded, too.
#ifndef ENLACE_LIB_COMPRESS_H
#define ENLACE_LIB_COMPRESS_H

#include "lib/bytes.h"
#include "lib/error.h"

#define COMPRESS_BYTES_MAX (1024u * 1024) // a run: RUN_BYTES_MAX
#define COMPRESS_RATIO_MAX 8u

// False where nothing is gained by it, or where a receiver would refuse it; *frame is empty
// then. At most COMPRESS_BYTES_MAX go in.
bool compress(span_t bytes, buf_t *frame);

// BAD_PACKING where it is not one frame as above of exactly `size` bytes. *bytes is the
// caller's on success, and empty otherwise.
err_t decompress(span_t frame, size_t size, buf_t *bytes);

#endif
