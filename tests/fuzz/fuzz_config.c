// enlaced.conf.
#include <string.h>

#include "lib/home.h"
#include "tests/fuzz/fuzz.h"

static void check_stable(const config_t *config)
{
    config_t *again = NULL;
    fault_t fault = {0};
    buf_t text = config_print(config);
    err_t err = config_parse(buf_span(&text), &again, &fault);
    FUZZ_EXPECT(err == ERR_OK);
    buf_t twice = config_print(again);
    FUZZ_EXPECT(span_equal(buf_span(&text), buf_span(&twice)));
    FUZZ_EXPECT(strcmp(config->code, again->code) == 0 && strcmp(config->name, again->name) == 0);
    FUZZ_EXPECT(config->connect_count == again->connect_count);
    buf_free(&text);
    buf_free(&twice);
    config_destroy(&again);
}

static void check(const config_t *config)
{
    fault_t fault = {0};
    FUZZ_EXPECT(config_check(config, &fault) == ERR_OK);
    FUZZ_EXPECT(code_valid(config->code) && name_valid(config->name));
    FUZZ_EXPECT(config->connect_count <= HOME_CONNECTS_MAX);
    FUZZ_EXPECT(!config->advertise[0] || endpoint_valid(config->advertise));
    for (size_t i = 0; i < config->connect_count; i++) {
        FUZZ_EXPECT(endpoint_valid(config->connects[i].endpoint));
        FUZZ_EXPECT(!config->connects[i].code[0] || code_valid(config->connects[i].code));
    }
}

static void one(span_t input)
{
    config_t *config = NULL;
    fault_t fault = {0};
    err_t err = config_parse(input, &config, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((config != NULL) == (err == ERR_OK));
    if (!config)
        return;
    check(config);
    check_stable(config);
    config_destroy(&config);
}

const fuzz_target_t fuzz_target = {.one = one, .peak_bytes = 4 * 1024 * 1024};
