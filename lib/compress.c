#include "lib/compress.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>

#include "lib/mem.h"

// Of the example records 6 leaves a twentieth less than 3, and hardly more than 9. It packs
// 40 MB a second where letters are drawn by chance, which is its worst: some 4 % of a core
// for the fastest link that counts as slow.
enum { LEVEL = 6 };

// RFC 8878, section 3.1.1: the magic number, then a byte that says what the header has.
enum { MAGIC_SIZE = 4, DESCRIPTOR = 4, HEADER_MIN = 6 };
enum { SINGLE_SEGMENT = 0x20, CHECKSUM = 0x04, SIZE_FLAG = 0xc0 };
static const uint8_t magic[MAGIC_SIZE] = {0x28, 0xb5, 0x2f, 0xfd};

static bool worth(size_t before, size_t after)
{
    return after < before && before <= after * COMPRESS_RATIO_MAX;
}

bool compress(span_t bytes, buf_t *frame)
{
    assert(bytes.size <= COMPRESS_BYTES_MAX);
    *frame = (buf_t){0};
    size_t most = ZSTD_compressBound(bytes.size);
    uint8_t *room = buf_extend(frame, most);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context)
        mem_exhausted();
    size_t size = ZSTD_compressCCtx(context, room, most, bytes.data, bytes.size, LEVEL);
    ZSTD_freeCCtx(context);
    // It has room enough: what is left to fail is memory.
    if (ZSTD_isError(size))
        mem_exhausted();
    frame->size = size;
    if (worth(bytes.size, size))
        return true;
    buf_free(frame);
    return false;
}

// Everything that can be wrong before a byte of it is unpacked.
static bool well_formed(span_t frame, size_t size)
{
    if (frame.size < HEADER_MIN || size > COMPRESS_BYTES_MAX || !worth(size, frame.size))
        return false;
    if (memcmp(frame.data, magic, MAGIC_SIZE) != 0)
        return false; // an older format's, or a skippable frame
    uint8_t descriptor = frame.data[DESCRIPTOR];
    // Neither a dictionary's id, nor the bits that are reserved or unused.
    if (!(descriptor & SINGLE_SEGMENT) || (descriptor & ~(SIZE_FLAG | SINGLE_SEGMENT | CHECKSUM)))
        return false;
    return ZSTD_getFrameContentSize(frame.data, frame.size) == size &&
           ZSTD_findFrameCompressedSize(frame.data, frame.size) == frame.size;
}

err_t decompress(span_t frame, size_t size, buf_t *bytes)
{
    *bytes = (buf_t){0};
    if (!well_formed(frame, size))
        return ERR_BAD_PACKING;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        mem_exhausted();
    size_t got =
        ZSTD_decompressDCtx(context, buf_extend(bytes, size), size, frame.data, frame.size);
    ZSTD_freeDCtx(context);
    if (got == size)
        return ERR_OK;
    buf_free(bytes);
    return ERR_BAD_PACKING;
}
