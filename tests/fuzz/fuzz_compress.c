// Packed runs: two bytes and a half of size, then the frame. What is taken has the size that
// was told, and what that is packed into again comes back.
#include <string.h>

#include "lib/compress.h"
#include "tests/fuzz/fuzz.h"

enum { PREFIX = 3 };

static void again(span_t bytes)
{
    buf_t frame, back;
    if (!compress(bytes, &frame))
        return;
    FUZZ_EXPECT(frame.size < bytes.size && bytes.size <= frame.size * COMPRESS_RATIO_MAX);
    FUZZ_EXPECT(decompress(buf_span(&frame), bytes.size, &back) == ERR_OK);
    FUZZ_EXPECT(span_equal(buf_span(&back), bytes));
    buf_free(&back);
    buf_free(&frame);
}

static void one(span_t input)
{
    buf_t bytes;
    if (input.size < PREFIX)
        return;
    size_t size = (size_t)input.data[0] | (size_t)input.data[1] << 8 |
                  (size_t)(input.data[2] & 0x1f) << 16; // up to 2 MiB
    span_t frame = span_of(input.data + PREFIX, input.size - PREFIX);
    err_t err = decompress(frame, size, &bytes);
    FUZZ_EXPECT(err == ERR_OK || err == ERR_BAD_PACKING);
    FUZZ_EXPECT(bytes.size == (err ? 0 : size));
    FUZZ_EXPECT(err || (size > frame.size && size <= COMPRESS_BYTES_MAX &&
                        size <= frame.size * COMPRESS_RATIO_MAX));
    if (!err)
        again(buf_span(&bytes));
    buf_free(&bytes);
    if (input.size <= COMPRESS_BYTES_MAX)
        again(input);
}

const fuzz_target_t fuzz_target = {.one = one, .peak_bytes = 16 * 1024 * 1024};
