// What is wrong with a node's directory: told with where and why, nothing assumed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/armour.h"
#include "lib/home.h"
#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"
#include "tests/unit/scratch.h"

static config_t *config_of(const char *code)
{
    config_t *config = config_new();
    assert_int_equal(config_set(config, "node/code", code, NULL), ERR_OK);
    assert_int_equal(config_set(config, "node/name", "Un nombre", NULL), ERR_OK);
    return config;
}

static char *make_node(const void *state)
{
    char *dir = scratch_path(state, "CR");
    config_t *config = config_of("CR");
    assert_int_equal(home_create(dir, config, NULL), ERR_OK);
    config_destroy(&config);
    return dir;
}

static void a_file_is_no_directory(void **state)
{
    char *file = scratch_path(*state, "file"), *inside = scratch_path(*state, "file/CR");
    config_t *config = config_of("CR");
    card_t *card = NULL;
    bool running = true;
    fault_t fault = {0};
    int lock = -1;
    scratch_write(*state, "file", "", 0600);
    assert_int_equal(home_lock(file, &lock, &fault), ERR_NO_DIRECTORY);
    assert_string_equal(fault.detail, "it is a file");
    assert_int_equal(lock, -1);
    assert_int_equal(home_running(file, &running, &fault), ERR_NO_DIRECTORY);
    assert_false(running);
    assert_int_equal(home_card(file, &card, &fault), ERR_NO_DIRECTORY);
    assert_int_equal(home_create(inside, config, &fault), ERR_CANNOT_WRITE);
    config_destroy(&config);
    mem_free(file);
    mem_free(inside);
}

// Not a file that the lock could be: a link could lead anywhere.
static void a_lock_is_not_followed(void **state)
{
    char *dir = make_node(*state), *path = scratch_path(*state, "CR/lock");
    fault_t fault = {0};
    bool running = true;
    int lock = -1;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(home_lock(dir, &lock, &fault), ERR_CANNOT_WRITE);
    assert_string_equal(fault.where, path);
    assert_int_equal(home_running(dir, &running, &fault), ERR_NO_DIRECTORY);
    mem_free(path);
    mem_free(dir);
}

// Whoever may not look is told so. Root may look everywhere, so it steps down.
static void who_may_not_look_is_told_so(void **state)
{
    char *dir = make_node(*state), *parent = scratch_path(*state, ".");
    fault_t fault = {0};
    bool running = true;
    int lock = -1, fd = -1;
    char endpoint[64];
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(chmod(dir, 0700), 0);
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    else
        assert_int_equal(chmod(dir, 0), 0);
    assert_int_equal(home_running(dir, &running, &fault), ERR_NOT_ALLOWED);
    assert_int_equal(home_lock(dir, &lock, &fault), ERR_CANNOT_WRITE);
    assert_int_equal(home_control(dir, false, &fd, endpoint, &fault), ERR_NOT_ALLOWED);
    assert_int_equal(seteuid(getuid()), 0);
    assert_int_equal(chmod(dir, 0700), 0);
    mem_free(parent);
    mem_free(dir);
}

// Whoever is not root writes files as themselves.
static void files_are_their_writers(void **state)
{
    char *parent = scratch_path(*state, "theirs"), *path = scratch_path(*state, "theirs/name");
    struct stat status;
    bool root = geteuid() == 0;
    scratch_mkdir(*state, "theirs");
    char *above = scratch_path(*state, ".");
    assert_int_equal(chmod(above, 0755), 0);
    if (root) {
        assert_int_equal(chown(parent, 65534, 65534), 0);
        assert_int_equal(file_write(path, span_text("by root"), 0600, NULL), ERR_OK);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_uid, 65534); // or their daemon could not read it
        assert_int_equal(seteuid(65534), 0);
    }
    assert_int_equal(file_write(path, span_text("their own"), 0600, NULL), ERR_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, geteuid());
    assert_int_equal(seteuid(getuid()), 0);
    mem_free(above);
    mem_free(path);
    mem_free(parent);
}

static void slashes_at_the_end_do_not_matter(void **state)
{
    char *dir = scratch_path(*state, "CR///"), *plain = scratch_path(*state, "CR");
    config_t *config = config_of("CR");
    card_t *card = NULL;
    assert_int_equal(home_create(dir, config, NULL), ERR_OK);
    assert_int_equal(home_card(plain, &card, NULL), ERR_OK);
    assert_int_equal(scratch_entries(*state, "."), 1);
    card_destroy(&card);
    config_destroy(&config);
    mem_free(plain);
    mem_free(dir);
}

// An armoured line that is whole, and holds no card.
static void a_card_that_is_none_is_told_with_its_file(void **state)
{
    char *dir = make_node(*state), *line = armour_format("card", span_text("not a card"));
    card_t *card = NULL;
    keys_t *keys = NULL;
    fault_t fault = {0};
    scratch_write(*state, "CR/card", line, 0600);
    assert_int_not_equal(home_card(dir, &card, &fault), ERR_OK);
    assert_non_null(strstr(fault.where, "/CR/card"));
    assert_null(card);
    // Keys are compared with the card: without one they are nobody's.
    assert_int_equal(home_keys(dir, true, &keys, &fault), fault.err);
    assert_non_null(strstr(fault.where, "/CR/card"));
    assert_null(keys);
    mem_free(line);
    mem_free(dir);
}

// The same root key and origin under another code: not the charter of this node.
static void a_charter_may_not_rename_a_node(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(2, 1); // AA, BB
    card_t *cards[] = {sample_card("AA", 1), sample_card("BB", 2)};
    card_t *renamed = sample_card("ZZ", 2);
    charter_t charter = {roster, 2, cards};
    fault_t fault = {0};
    assert_int_equal(charter_includes(&charter, cards[1], &fault), ERR_OK);
    assert_int_equal(charter_includes(&charter, renamed, &fault), ERR_BAD_CARD);
    assert_string_equal(fault.detail, "the charter calls this node BB");
    // One whose creator is no member is none at all.
    roster->creator.bytes[0] ^= 1;
    assert_int_equal(charter_check(roster), ERR_BAD_ROSTER);
    roster->has_creator = false;
    assert_int_equal(charter_check(roster), ERR_BAD_ROSTER);
    card_destroy(&renamed);
    card_destroy(&cards[0]);
    card_destroy(&cards[1]);
    roster_destroy(&roster);
}

// A language that is valid and longer than the place for it.
static void a_language_must_fit(void **state)
{
    (void)state;
    config_t *config = config_new();
    fault_t fault = {0};
    assert_int_equal(config_set(config, "node/lang", "zh-Hant-TW", &fault), ERR_OK);
    assert_int_equal(config_set(config, "node/lang", "zh-Hant-TW-variant1", &fault),
                     ERR_BAD_LANGUAGE);
    assert_string_equal(config->lang, "zh-Hant-TW");
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_file_is_no_directory),
        SCRATCH_TEST(a_lock_is_not_followed),
        SCRATCH_TEST(who_may_not_look_is_told_so),
        SCRATCH_TEST(files_are_their_writers),
        SCRATCH_TEST(slashes_at_the_end_do_not_matter),
        SCRATCH_TEST(a_card_that_is_none_is_told_with_its_file),
        cmocka_unit_test(a_charter_may_not_rename_a_node),
        cmocka_unit_test(a_language_must_fit),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("home refusals", tests, NULL, NULL);
}
