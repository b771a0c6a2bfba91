#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bounded.h"
#include "lib/crypto.h"
#include "lib/mem.h"

_Noreturn void fuzz_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

bool fuzz_known(err_t err)
{
    return strcmp(err_name(err), "unknown-reason") != 0;
}

static bool printable(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return length < size && utf8_valid(span_of(text, length));
}

void fuzz_refused(err_t err, const fault_t *fault)
{
    if (!err)
        return;
    FUZZ_EXPECT(fuzz_known(err));
    FUZZ_EXPECT(fault->err == err);
    FUZZ_EXPECT(printable(fault->where, sizeof fault->where));
    FUZZ_EXPECT(printable(fault->detail, sizeof fault->detail));
}

// ---- taking apart ----

span_t fuzz_bytes(span_t *input, size_t size)
{
    size_t taken = size < input->size ? size : input->size;
    span_t bytes = span_of(input->data, taken);
    *input = span_of(taken ? input->data + taken : input->data, input->size - taken);
    return bytes;
}

uint8_t fuzz_u8(span_t *input)
{
    span_t byte = fuzz_bytes(input, 1);
    return byte.size ? byte.data[0] : 0;
}

uint32_t fuzz_u32(span_t *input)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < 4; i++)
        number |= (uint32_t)fuzz_u8(input) << 8 * i;
    return number;
}

span_t fuzz_rest(span_t *input)
{
    return fuzz_bytes(input, input->size);
}

char *fuzz_text(span_t bytes)
{
    char *text = mem_alloc(bytes.size + 1);
    for (size_t i = 0; i < bytes.size; i++)
        text[i] = (char)(bytes.data[i] ? bytes.data[i] : ' ');
    return text;
}

// ---- what is allocated, where a sanitizer's allocator counts it ----

typedef void (*malloc_hook_t)(const volatile void *memory, size_t size);
typedef void (*free_hook_t)(const volatile void *memory);
int __sanitizer_install_malloc_and_free_hooks(malloc_hook_t on_malloc, free_hook_t on_free)
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *memory) __attribute__((weak));

// Of this thread: libraries' own threads come and go as they like.
static _Thread_local struct {
    bool counts;
    size_t blocks, bytes, peak;
} heap;

static void on_malloc(const volatile void *memory, size_t size)
{
    (void)memory;
    if (!heap.counts)
        return;
    heap.blocks++;
    heap.bytes += size;
    if ((ptrdiff_t)heap.bytes > (ptrdiff_t)heap.peak)
        heap.peak = heap.bytes;
}

static void on_free(const volatile void *memory)
{
    if (!heap.counts || !memory)
        return;
    heap.blocks--;
    heap.bytes -= __sanitizer_get_allocated_size(memory);
}

// ---- libFuzzer's entries ----

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    FUZZ_EXPECT(crypto_start() == ERR_OK);
    if (fuzz_target.start)
        fuzz_target.start();
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&heap, 0, sizeof heap);
    heap.counts = true;
    fuzz_target.one(span_of(data, size));
    heap.counts = false;
    FUZZ_EXPECT(fuzz_target.keeps || heap.blocks == 0);
    FUZZ_EXPECT(!fuzz_target.peak_bytes || heap.peak <= fuzz_target.peak_bytes);
    return 0;
}
