// enlaced.conf: what is read, what is refused and at which line, what is printed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

static config_t *read_ok(const char *text)
{
    config_t *config = NULL;
    fault_t fault = {0};
    err_t err = config_parse(span_text(text), &config, &fault);
    if (err)
        fail_msg("%s: %s\n%s", fault.where, fault.detail, text);
    return config;
}

static void test_everything_is_read(void **state)
{
    (void)state;
    config_t *config = read_ok("# a comment\n"
                               "node\n"
                               "    code = CO-BOG\n"
                               "    name = \"Mesa de Bogotá\"   # quoted\n"
                               "    country = 'CO'\r\n"
                               "    lang = pt-BR\n"
                               "\n"
                               "link\n"
                               "    listen = tcp://0.0.0.0:5670\n"
                               "    # indented\n"
                               "    advertise = \"tcp://mesa.example.org:5670\"\n"
                               "    socks = 127.0.0.1:9050\n"
                               "connect\n"
                               "    peer = CRM@tcp://192.0.2.1:5670\n"
                               "    peer = tcp://[2001:db8::1]:5670");
    assert_string_equal(config->code, "CO-BOG");
    assert_string_equal(config->name, "Mesa de Bogotá");
    assert_string_equal(config->country, "CO");
    assert_string_equal(config->lang, "pt-BR");
    assert_string_equal(config->listen, "tcp://0.0.0.0:5670");
    assert_string_equal(config->advertise, "tcp://mesa.example.org:5670");
    assert_string_equal(config->socks, "127.0.0.1:9050");
    assert_int_equal(config->connect_count, 2);
    assert_string_equal(config->connects[0].code, "CRM");
    assert_string_equal(config->connects[0].endpoint, "tcp://192.0.2.1:5670");
    assert_string_equal(config->connects[1].code, "");
    assert_string_equal(config->connects[1].endpoint, "tcp://[2001:db8::1]:5670");
    config_destroy(&config);
    assert_null(config);
}

static void test_the_language_is_spanish_unless_said(void **state)
{
    (void)state;
    config_t *config = read_ok("node\n    code = CR\n    name = Comité\n");
    assert_string_equal(config->lang, "es");
    assert_string_equal(config->listen, "");
    assert_int_equal(config->connect_count, 0);
    config_destroy(&config);
}

#define HEAD "node\n    code = CR\n    name = N\n" // three lines

typedef struct {
    const char *text;
    unsigned line;    // 0: no line, the whole file
    const char *says; // in the detail
} refusal_t;

static const refusal_t refusals[] = {
    // form
    {HEAD "\tlang = es\n", 4, "four spaces"},
    {HEAD "  lang = es\n", 4, "four spaces"},
    {HEAD "     lang = es\n", 4, "four spaces"},
    {HEAD "        lang = es\n", 4, "too deeply"},
    {"    code = CR\n", 1, "too deeply"},
    {HEAD "    lang\n", 4, "lang"},
    {HEAD "    lang es\n", 4, "NAME = VALUE"},
    {HEAD "    = es\n", 4, "a name"},
    {HEAD "    Lang = es\n", 4, "a name"},
    {HEAD "    lang = \"es\n", 4, "closing quote"},
    {HEAD "    lang = 'es\" \n", 4, "closing quote"},
    {HEAD "    lang = \"es\" pt\n", 4, "after the closing quote"},
    {"node\n    code = CR\n    name = Casa #5\n", 3, "quotes"},
    {HEAD "    lang = \"e\x01s\"\n", 4, "control"},
    {HEAD "# b\xc3\xa9 then latin-1 \xe9\n", 0, "UTF-8"},
    // names
    {HEAD "    colour = red\n", 4, "not an option"},
    {HEAD "links\n", 4, "not a section"},
    {HEAD "link = x\n", 4, "not a section"},
    {HEAD "lin\n", 4, "not a section"},
    {HEAD "lang = es\n", 4, "not a section"},
    {HEAD "    code = GT\n", 4, "twice"},
    {HEAD "node\n    code = GT\n", 5, "twice"},
    // values
    {"node\n    code = cr\n    name = N\n", 2, "not a code"},
    {"node\n    code = C\n    name = N\n", 2, "not a code"},
    {"node\n    code = ABCDEFGHIJKLMNOPQ\n    name = N\n", 2, "not a code"},
    {"node\n    code = CR\n    name = \n", 3, "name"},
    {"node\n    code = CR\n    name = ' N'\n", 3, "spaces"},
    {HEAD "    country = cr\n", 4, "country"},
    {HEAD "    country = XX\n", 4, "country"},
    {HEAD "    lang = español\n", 4, "language"},
    {HEAD "    lang = \n", 4, "language"},
    {HEAD "link\n    listen = tcp://example.org:5670\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = udp://192.0.2.1:5670\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://192.0.2.1\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://192.0.2.1:0\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://192.0.2.1:65535\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://192.0.2.1:05670\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://192.0.2.1:5670x\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://2001:db8::1:5670\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://[192.0.2.1]:5670\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://:5670\n", 5, "tcp://IP:PORT"},
    {HEAD "link\n    listen = tcp://192.0.2.1:5670\n    advertise = tcp://*:5670\n", 6, "dial"},
    {HEAD "link\n    listen = tcp://192.0.2.1:5670\n    advertise = tcp://0.0.0.0:5670\n", 6,
     "dial"},
    {HEAD "link\n    listen = tcp://192.0.2.1:5670\n    advertise = h:1\n", 6, "dial"},
    {HEAD "link\n    socks = 127.0.0.1\n", 5, "HOST:PORT"},
    {HEAD "link\n    socks = 127.0.0.1:99999\n", 5, "HOST:PORT"},
    {HEAD "connect\n    peer = CRM@\n", 5, "[CODE@]"},
    {HEAD "connect\n    peer = crm@tcp://192.0.2.1:5670\n", 5, "[CODE@]"},
    {HEAD "connect\n    peer = @tcp://192.0.2.1:5670\n", 5, "[CODE@]"},
    {HEAD "connect\n    peer = CRM@tcp://*:5670\n", 5, "[CODE@]"},
    {HEAD "connect\n    peer = CRM@tcp://192.0.2.1:65535\n", 5, "[CODE@]"},
    {HEAD "connect\n    peer = tcp://h:1\n    peer = GT@tcp://h:1\n", 6, "twice"},
    // what belongs together
    {"", 0, "node/code"},
    {"node\n    code = CR\n", 0, "node/name"},
    {HEAD "link\n    advertise = tcp://h.example:1\n", 0, "link/listen"},
    {HEAD "link\n    listen = tcp://*:5670\n", 0, "link/advertise"},
    {HEAD "link\n    listen = tcp://[::]:5670\n", 0, "link/advertise"},
    {HEAD "link\n    listen = tcp://0.0.0.0:5670\n", 0, "link/advertise"},
};

static void test_refusals_name_the_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal_t *refusal = &refusals[i];
        config_t *config = NULL;
        fault_t fault = {0};
        char where[64];
        snprintf(where, sizeof where, refusal->line ? "enlaced.conf line %u" : "enlaced.conf",
                 refusal->line);
        err_t err = config_parse(span_text(refusal->text), &config, &fault);
        if (err != ERR_BAD_CONFIG || strcmp(fault.where, where) != 0 ||
            !strstr(fault.detail, refusal->says))
            fail_msg("%s\n-> %s, %s: %s; expected %s: %s", refusal->text, err_name(err),
                     fault.where, fault.detail, where, refusal->says);
        assert_null(config);
    }
}

static void test_zero_bytes_and_size_are_refused(void **state)
{
    (void)state;
    config_t *config = NULL;
    static const char with_zero[] = HEAD "\0    lang = pt\n";
    assert_int_equal(config_parse(span_of(with_zero, sizeof with_zero - 1), &config, NULL),
                     ERR_BAD_CONFIG);
    // A line of more than zconfig's 1024 bytes would be cut without a word.
    char *line = mem_alloc(70000);
    int head = sprintf(line, HEAD "    # ");
    memset(line + head, 'x', 1100);
    assert_int_equal(config_parse(span_text(line), &config, NULL), ERR_BAD_CONFIG);
    for (size_t i = (size_t)head; i < 69000; i += 100)
        memset(line + i, 'x', 99), line[i + 99] = '\n', line[i] = '#';
    assert_int_equal(config_parse(span_text(line), &config, NULL), ERR_BAD_CONFIG);
    mem_free(line);
}

static void test_what_is_printed_reads_back(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Comité",  "Casa \"Alianza\"",    "L'Aquila", "Nº #5", "a = b",
        "[x] # y", "ends in backslash \\"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        config_t *config = config_new();
        assert_int_equal(config_set(config, "node/code", "CR", NULL), ERR_OK);
        assert_int_equal(config_set(config, "node/name", names[i], NULL), ERR_OK);
        assert_int_equal(config_set(config, "link/listen", "tcp://[::1]:1", NULL), ERR_OK);
        assert_int_equal(config_set(config, "connect/peer", "GT@tcp://h:1", NULL), ERR_OK);
        assert_int_equal(config_set(config, "connect/peer", "tcp://h:2", NULL), ERR_OK);
        buf_t text = config_print(config);
        char *copy = mem_format("%.*s", (int)text.size, text.data);
        config_t *back = read_ok(copy);
        assert_string_equal(back->name, names[i]);
        assert_string_equal(back->listen, "tcp://[::1]:1");
        assert_int_equal(back->connect_count, 2);
        assert_string_equal(back->connects[0].code, "GT");
        assert_string_equal(back->connects[1].endpoint, "tcp://h:2");
        mem_free(copy);
        buf_free(&text);
        config_destroy(&back);
        config_destroy(&config);
    }
}

static void test_names_that_zpl_cannot_hold_are_refused(void **state)
{
    (void)state;
    config_t *config = config_new();
    fault_t fault = {0};
    assert_int_equal(config_set(config, "node/name", "both \" and '", &fault), ERR_BAD_VALUE);
    assert_string_equal(fault.where, "node/name");
    assert_int_equal(config_set(config, "node/name", "two\nlines", NULL), ERR_BAD_VALUE);
    assert_int_equal(config_set(config, "node/name", "esc \033[31m", NULL), ERR_BAD_VALUE);
    assert_int_equal(config_set(config, "node/name", "latin-1 \xe9", NULL), ERR_BAD_VALUE);
    assert_int_equal(config_set(config, "no/such", "x", NULL), ERR_UNKNOWN_FIELD);
    config_destroy(&config);
}

static void test_peers_are_bounded(void **state)
{
    (void)state;
    config_t *config = config_new();
    char peer[64];
    for (unsigned i = 0; i < HOME_CONNECTS_MAX; i++) {
        snprintf(peer, sizeof peer, "tcp://h:%u", i + 1);
        assert_int_equal(config_set(config, "connect/peer", peer, NULL), ERR_OK);
    }
    assert_int_equal(config_set(config, "connect/peer", "tcp://h:1000", NULL), ERR_TOO_MANY);
    assert_int_equal(config->connect_count, HOME_CONNECTS_MAX);
    config_destroy(&config);
}

static void test_the_file_is_read_from_its_directory(void **state)
{
    config_t *config = NULL;
    fault_t fault = {0};
    scratch_write(*state, "enlaced.conf", HEAD, 0600);
    assert_int_equal(home_config(*state, &config, &fault), ERR_OK);
    assert_string_equal(config->code, "CR");
    config_destroy(&config);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_read),
        cmocka_unit_test(test_the_language_is_spanish_unless_said),
        cmocka_unit_test(test_refusals_name_the_line),
        cmocka_unit_test(test_zero_bytes_and_size_are_refused),
        cmocka_unit_test(test_what_is_printed_reads_back),
        cmocka_unit_test(test_names_that_zpl_cannot_hold_are_refused),
        cmocka_unit_test(test_peers_are_bounded),
        SCRATCH_TEST(test_the_file_is_read_from_its_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
