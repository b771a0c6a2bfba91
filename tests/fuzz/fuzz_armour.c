// Armoured lines inside any text: mail, quoted or wrapped, damaged.
#include <string.h>

#include "lib/armour.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

enum { MOST = 1024 };

static void check_stable(span_t bytes)
{
    buf_t again = {0};
    fault_t fault = {0};
    char *line = armour_format("card", bytes);
    FUZZ_EXPECT(armour_parse("card", span_text(line), MOST, &again, &fault) == ERR_OK);
    FUZZ_EXPECT(span_equal(buf_span(&again), bytes));
    buf_free(&again);
    // With one character less it is nothing.
    line[strlen(line) - 1] = '\0';
    FUZZ_EXPECT(armour_parse("card", span_text(line), MOST, &again, &fault) == ERR_BAD_ARMOUR);
    mem_free(line);
}

static void one(span_t input)
{
    static const char *const names[] = {"card", "charter", "root-key"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_t bytes = {0};
        fault_t fault = {0};
        err_t err = armour_parse(names[i], input, MOST, &bytes, &fault);
        fuzz_refused(err, &fault);
        FUZZ_EXPECT(err == ERR_OK || err == ERR_BAD_ARMOUR || err == ERR_TOO_BIG);
        FUZZ_EXPECT(!err || !bytes.data);
        FUZZ_EXPECT(bytes.size <= MOST);
        if (!err)
            check_stable(buf_span(&bytes));
        buf_free(&bytes);
    }
    if (input.size <= MOST)
        check_stable(input);
}

const fuzz_target_t fuzz_target = {.one = one, .peak_bytes = 512 * 1024};
