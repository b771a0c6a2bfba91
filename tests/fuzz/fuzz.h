// What every fuzz target shares. A target is one file, fuzz_NAME.c, with one
// function that is given bytes from outside and a value, fuzz_target, that says
// what they are and what must hold beyond not crashing:
//
//   FUZZ_EXPECT     what the target itself claims of what came out;
//   leaves nothing  what one input allocates is freed when it is done with;
//   peak_bytes      no input makes it allocate more than this at any moment;
//   refusals        fuzz_refused: a reason of lib/error.h's table, printable texts.
//
// The same file is linked with libFuzzer (make fuzz) and, to run files through it
// where there is no clang, with tests/fuzz/replay.c.
#ifndef ENLACE_TESTS_FUZZ_H
#define ENLACE_TESTS_FUZZ_H

#include <protobuf-c/protobuf-c.h>

#include "lib/bytes.h"
#include "lib/error.h"

// A field of an input that no .proto describes: a message of a type, one described
// by a table again (to tag 0), or, with neither, a number.
typedef struct fuzz_field {
    uint32_t tag;
    const ProtobufCMessageDescriptor *type;
    const struct fuzz_field *fields;
} fuzz_field_t;

typedef struct {
    void (*one)(span_t input);
    void (*start)(void); // once, before the first input; may be NULL
    size_t peak_bytes;   // 0: not bounded here
    bool keeps;          // a cache of a library's may grow: leaves something allocated
    // For the mutator: what the input is, behind `prefix` bytes. Neither: plain bytes.
    size_t prefix;
    const ProtobufCMessageDescriptor *type;
    const ProtobufCMessageDescriptor *(*type_of)(span_t prefix); // instead of type
    const fuzz_field_t *fields;                                  // instead of type
} fuzz_target_t;

extern const fuzz_target_t fuzz_target;

#define FUZZ_EXPECT(condition) ((condition) ? (void)0 : fuzz_failed(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *what, const char *file, int line);

// A refusal has a reason that is in the table, the fault says the same, and what it
// quotes can be printed. ERR_OK is none.
void fuzz_refused(err_t err, const fault_t *fault);
// Whether `err` is in the table.
bool fuzz_known(err_t err);

// ---- taking an input apart: past its end everything is zero ----
uint8_t fuzz_u8(span_t *input);
uint32_t fuzz_u32(span_t *input); // little-endian
span_t fuzz_bytes(span_t *input, size_t size);
span_t fuzz_rest(span_t *input);
char *fuzz_text(span_t bytes); // a copy with a NUL at its end, others replaced; mem_free

// ---- libFuzzer's ----
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif
