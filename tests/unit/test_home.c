// A node's directory: making it, its keys, lock, charter.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

static config_t *config_of(const char *code)
{
    config_t *config = config_new();
    assert_int_equal(config_set(config, "node/code", code, NULL), ERR_OK);
    assert_int_equal(config_set(config, "node/name", "Comité de prueba", NULL), ERR_OK);
    return config;
}

static void make_node(const char *dir, const char *code)
{
    fault_t fault = {0};
    config_t *config = config_of(code);
    err_t err = home_create(dir, config, &fault);
    if (err)
        fail_msg("%s: %s %s", err_name(err), fault.where, fault.detail);
    config_destroy(&config);
}

static unsigned mode_of(const char *dir, const char *name)
{
    struct stat status;
    char *path = home_path(dir, name);
    assert_int_equal(stat(path, &status), 0);
    mem_free(path);
    return status.st_mode & 07777;
}

// ---- making one ----

static void test_create_makes_everything_with_its_rights(void **state)
{
    char *dir = scratch_path(*state, "deep/er/CR");
    make_node(dir, "CR");
    assert_int_equal(mode_of(dir, ""), 0710);
    assert_int_equal(mode_of(dir, "keys"), 0700);
    assert_int_equal(mode_of(dir, "full"), 0700);
    assert_int_equal(mode_of(dir, "read"), 0750);
    assert_int_equal(mode_of(dir, "keys/root.key"), 0600);
    assert_int_equal(mode_of(dir, "keys/signing.key"), 0600);
    assert_int_equal(mode_of(dir, "keys/transport.key"), 0600);
    assert_int_equal(mode_of(dir, "keys/sealing.key"), 0600);
    assert_int_equal(mode_of(dir, "lock"), 0640);
    assert_int_equal(mode_of(dir, "card") & 07, 0);
    // Nothing is left of the making.
    assert_int_equal(scratch_entries(*state, "deep/er"), 1);
    assert_int_equal(scratch_entries(*state, "deep/er/CR"), 7);
    mem_free(dir);
}

static void test_card_says_what_was_configured(void **state)
{
    char *dir = scratch_path(*state, "CRM");
    card_t *card = NULL;
    config_t *config = config_of("CRM");
    config_set(config, "node/country", "CR", NULL);
    config_set(config, "link/listen", "tcp://*:5670", NULL);
    config_set(config, "link/advertise", "tcp://hub.example.org:5670", NULL);
    assert_int_equal(home_create(dir, config, NULL), ERR_OK);
    assert_int_equal(home_card(dir, &card, NULL), ERR_OK);
    assert_string_equal(card->code.text, "CRM");
    assert_string_equal(card->name, "Comité de prueba");
    assert_string_equal(card->country, "CR");
    assert_int_equal(card->number, 1);
    assert_int_equal(card->epoch, 1);
    assert_int_equal(card->endpoint_count, 1);
    assert_string_equal(card->endpoints[0], "tcp://hub.example.org:5670");
    card_destroy(&card);
    config_destroy(&config);
    mem_free(dir);
}

static void test_listen_is_advertised_where_nothing_else_is(void **state)
{
    char *dir = scratch_path(*state, "GT");
    card_t *card = NULL;
    config_t *config = config_of("GT");
    config_set(config, "link/listen", "tcp://192.0.2.7:5670", NULL);
    assert_int_equal(home_create(dir, config, NULL), ERR_OK);
    assert_int_equal(home_card(dir, &card, NULL), ERR_OK);
    assert_int_equal(card->endpoint_count, 1);
    assert_string_equal(card->endpoints[0], "tcp://192.0.2.7:5670");
    card_destroy(&card);
    config_destroy(&config);
    mem_free(dir);
}

static void test_create_refuses_what_is_there(void **state)
{
    char *dir = scratch_path(*state, "CR");
    char *other = scratch_path(*state, "other");
    config_t *config = config_of("CR");
    make_node(dir, "CR");
    buf_t before = scratch_read(*state, "CR/keys/root.key");
    assert_int_equal(home_create(dir, config, NULL), ERR_EXISTS_ALREADY);
    buf_t after = scratch_read(*state, "CR/keys/root.key");
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    // Anything else in the directory, and a file in its place, are not touched either.
    scratch_mkdir(*state, "other");
    scratch_write(*state, "other/notes", "mine", 0644);
    assert_int_equal(home_create(other, config, NULL), ERR_EXISTS_ALREADY);
    assert_int_equal(scratch_entries(*state, "other"), 1);
    scratch_write(*state, "file", "mine", 0644);
    char *file = scratch_path(*state, "file");
    assert_int_equal(home_create(file, config, NULL), ERR_EXISTS_ALREADY);
    mem_free(file);
    buf_free(&before);
    buf_free(&after);
    config_destroy(&config);
    mem_free(other);
    mem_free(dir);
}

static void test_an_empty_directory_is_taken_and_closed_to_others(void **state)
{
    char *dir = scratch_path(*state, "state");
    card_t *card = NULL;
    scratch_mkdir(*state, "state");
    assert_int_equal(chmod(dir, 0755), 0);
    make_node(dir, "CR");
    assert_int_equal(mode_of(dir, "") & 027, 0);
    assert_int_equal(scratch_entries(*state, "state"), 7);
    assert_int_equal(home_card(dir, &card, NULL), ERR_OK);
    card_destroy(&card);
    mem_free(dir);
}

static void test_a_failed_making_leaves_nothing(void **state)
{
    // The configuration cannot be used, so nothing is begun.
    char *dir = scratch_path(*state, "bad");
    config_t *config = config_new();
    fault_t fault = {0};
    assert_int_equal(home_create(dir, config, &fault), ERR_MISSING_FIELD);
    assert_string_equal(fault.where, "node/code");
    assert_int_equal(access(dir, F_OK), -1);
    config_destroy(&config);
    // The disk gives out in the middle: each file in turn is one too many.
    for (rlim_t limit = 0; limit < 8192; limit += 50) {
        scratch_limit_file_size(limit);
        config = config_of("CR");
        err_t err = home_create(dir, config, NULL);
        scratch_limit_file_size(RLIM_INFINITY);
        config_destroy(&config);
        if (!err)
            break;
        assert_int_equal(err, ERR_DISK_FULL);
        assert_int_equal(scratch_entries(*state, ""), 0);
    }
    assert_int_equal(scratch_entries(*state, ""), 1);
    mem_free(dir);
}

// ---- keys ----

static void test_keys_are_those_of_the_card(void **state)
{
    char *dir = scratch_path(*state, "CR");
    keys_t *keys = NULL;
    card_t *card = NULL;
    make_node(dir, "CR");
    assert_int_equal(home_card(dir, &card, NULL), ERR_OK);
    assert_int_equal(home_keys(dir, true, &keys, NULL), ERR_OK);
    assert_true(key_equal(&keys->root_public, &card->root_key));
    assert_true(key_equal(&keys->signing_public, &card->signing_key));
    assert_true(key_equal(&keys->transport_public, &card->transport_key));
    assert_true(key_equal(&keys->sealing_public, &card->sealing_key));
    // And they sign: the secret half is the public half's.
    hash_t hash = {{1, 2, 3}};
    signature_t signature = crypto_sign_hash(keys->root, SIGN_CHARTER, NULL, &hash);
    assert_true(crypto_verify_hash(&card->root_key, SIGN_CHARTER, NULL, &hash, &signature));
    keys_destroy(&keys);
    card_destroy(&card);
    mem_free(dir);
}

// 32 bytes are 43 characters of base64; the checksum is four bytes in hex.
static void test_key_files_hold_an_armoured_seed(void **state)
{
    char *dir = scratch_path(*state, "CR");
    make_node(dir, "CR");
    buf_t text = scratch_read(*state, "CR/keys/root.key");
    size_t head = strlen("enlace-root-key-1:");
    assert_int_equal(text.size, head + 43 + 1 + 8 + 1);
    assert_memory_equal(text.data, "enlace-root-key-1:", head);
    assert_int_equal(text.data[head + 43], ':');
    assert_int_equal(text.data[text.size - 1], '\n');
    buf_free(&text);
    mem_free(dir);
}

static void test_the_root_key_may_be_elsewhere(void **state)
{
    char *dir = scratch_path(*state, "CR");
    keys_t *keys = NULL;
    card_t *card = NULL;
    make_node(dir, "CR");
    assert_int_equal(home_card(dir, &card, NULL), ERR_OK);
    assert_int_equal(home_keys(dir, false, &keys, NULL), ERR_OK);
    assert_null(keys->root);
    assert_true(key_equal(&keys->root_public, &card->root_key));
    keys_destroy(&keys);
    scratch_unlink(*state, "CR/keys/root.key");
    assert_int_equal(home_keys(dir, true, &keys, NULL), ERR_OK);
    assert_null(keys->root);
    assert_true(key_equal(&keys->root_public, &card->root_key));
    keys_destroy(&keys);
    card_destroy(&card);
    mem_free(dir);
}

static void expect_bad_keys(const char *dir, const char *file)
{
    keys_t *keys = NULL;
    fault_t fault = {0};
    assert_int_equal(home_keys(dir, true, &keys, &fault), ERR_BAD_KEY_FILE);
    assert_null(keys);
    assert_non_null(strstr(fault.where, file));
}

static void test_key_files_that_others_could_read_are_refused(void **state)
{
    static const unsigned modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0777};
    static const char *const files[] = {"root.key", "signing.key", "transport.key", "sealing.key"};
    char *dir = scratch_path(*state, "CR");
    make_node(dir, "CR");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *name = mem_format("CR/keys/%s", files[i]);
        char *path = scratch_path(*state, name);
        for (size_t j = 0; j < sizeof modes / sizeof *modes; j++) {
            assert_int_equal(chmod(path, modes[j]), 0);
            expect_bad_keys(dir, files[i]);
        }
        assert_int_equal(chmod(path, 0600), 0);
        mem_free(path);
        mem_free(name);
    }
    keys_t *keys = NULL;
    assert_int_equal(home_keys(dir, true, &keys, NULL), ERR_OK);
    keys_destroy(&keys);
    mem_free(dir);
}

static void test_damaged_foreign_and_missing_keys_are_refused(void **state)
{
    char *dir = scratch_path(*state, "CR");
    char *other = scratch_path(*state, "GT");
    make_node(dir, "CR");
    make_node(other, "GT");
    buf_t own = scratch_read(*state, "CR/keys/signing.key");
    buf_t foreign = scratch_read(*state, "GT/keys/signing.key");
    buf_t root = scratch_read(*state, "CR/keys/root.key");
    // Another node's key is a whole key, but not that of the card.
    scratch_write_bytes(*state, "CR/keys/signing.key", buf_span(&foreign), 0600);
    expect_bad_keys(dir, "signing.key");
    // A key of another use is not taken for this one.
    scratch_write_bytes(*state, "CR/keys/signing.key", buf_span(&root), 0600);
    expect_bad_keys(dir, "signing.key");
    own.data[25] = own.data[25] == 'A' ? 'B' : 'A';
    scratch_write_bytes(*state, "CR/keys/signing.key", buf_span(&own), 0600);
    expect_bad_keys(dir, "signing.key");
    scratch_write(*state, "CR/keys/signing.key", "", 0600);
    expect_bad_keys(dir, "signing.key");
    scratch_unlink(*state, "CR/keys/signing.key");
    expect_bad_keys(dir, "signing.key");
    // Nothing but a plain file: no link, no directory, no pipe that would hang us.
    char *path = scratch_path(*state, "CR/keys/signing.key");
    assert_int_equal(symlink("root.key", path), 0);
    expect_bad_keys(dir, "signing.key");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_bad_keys(dir, "signing.key");
    mem_free(path);
    buf_free(&own);
    buf_free(&foreign);
    buf_free(&root);
    mem_free(other);
    mem_free(dir);
}

// ---- the lock ----

static void test_the_lock_is_held_once_and_asking_takes_nothing(void **state)
{
    char *dir = scratch_path(*state, "CR");
    int fd = -1, second = -1;
    bool running = true;
    make_node(dir, "CR");
    assert_int_equal(home_running(dir, &running, NULL), ERR_OK);
    assert_false(running);
    assert_int_equal(home_lock(dir, &fd, NULL), ERR_OK);
    assert_int_equal(home_running(dir, &running, NULL), ERR_OK);
    assert_true(running);
    // Asking has neither released it nor let anybody else in.
    assert_int_equal(home_lock(dir, &second, NULL), ERR_LOCKED);
    assert_int_equal(second, -1);
    home_unlock(&fd);
    assert_int_equal(home_running(dir, &running, NULL), ERR_OK);
    assert_false(running);
    assert_int_equal(home_lock(dir, &second, NULL), ERR_OK);
    home_unlock(&second);
    mem_free(dir);
}

static void test_the_lock_of_a_killed_process_is_free(void **state)
{
    char *dir = scratch_path(*state, "CR");
    int ready[2], status = 0;
    bool running = false;
    char byte = 0;
    make_node(dir, "CR");
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = -1;
        byte = home_lock(dir, &fd, NULL) == ERR_OK ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(home_running(dir, &running, NULL), ERR_OK);
    assert_true(running);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(home_running(dir, &running, NULL), ERR_OK);
    assert_false(running);
    close(ready[0]);
    close(ready[1]);
    mem_free(dir);
}

static void test_what_is_no_node_is_said_to_be_none(void **state)
{
    char *missing = scratch_path(*state, "nowhere");
    char *empty = scratch_path(*state, "empty");
    bool running = false;
    int fd = -1;
    card_t *card = NULL;
    config_t *config = NULL;
    char endpoint[64];
    scratch_mkdir(*state, "empty");
    assert_int_equal(home_running(missing, &running, NULL), ERR_NO_DIRECTORY);
    assert_int_equal(home_running(empty, &running, NULL), ERR_NO_DIRECTORY);
    assert_int_equal(home_lock(missing, &fd, NULL), ERR_NO_DIRECTORY);
    assert_int_equal(home_card(empty, &card, NULL), ERR_NO_DIRECTORY);
    assert_int_equal(home_config(missing, &config, NULL), ERR_NO_DIRECTORY);
    assert_int_equal(home_config(empty, &config, NULL), ERR_NO_DIRECTORY);
    assert_int_equal(home_control(empty, true, &fd, endpoint, NULL), ERR_NO_DIRECTORY);
    mem_free(missing);
    mem_free(empty);
}

static void test_the_control_endpoint_is_short_however_deep_the_directory(void **state)
{
    char *deep = scratch_path(*state, "a-name-that-is-itself-already-rather-long/"
                                      "and-another-one-that-is-not-much-shorter/"
                                      "and-a-third-so-that-no-socket-address-would-hold-it/CR");
    char endpoint[64];
    int fd = -1;
    make_node(deep, "CR");
    assert_true(strlen(deep) > 108);
    assert_int_equal(home_control(deep, false, &fd, endpoint, NULL), ERR_OK);
    // What follows "ipc://" leads to the directory.
    char *path = mem_copy_string(endpoint + strlen("ipc://"));
    struct stat through, direct;
    *strrchr(path, '/') = '\0';
    char *read_dir = home_path(deep, "read");
    assert_int_equal(stat(path, &through), 0);
    assert_int_equal(stat(read_dir, &direct), 0);
    assert_true(through.st_ino == direct.st_ino && through.st_dev == direct.st_dev);
    close(fd);
    mem_free(read_dir);
    mem_free(path);
    mem_free(deep);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_create_makes_everything_with_its_rights),
        SCRATCH_TEST(test_card_says_what_was_configured),
        SCRATCH_TEST(test_listen_is_advertised_where_nothing_else_is),
        SCRATCH_TEST(test_create_refuses_what_is_there),
        SCRATCH_TEST(test_an_empty_directory_is_taken_and_closed_to_others),
        SCRATCH_TEST(test_a_failed_making_leaves_nothing),
        SCRATCH_TEST(test_keys_are_those_of_the_card),
        SCRATCH_TEST(test_key_files_hold_an_armoured_seed),
        SCRATCH_TEST(test_the_root_key_may_be_elsewhere),
        SCRATCH_TEST(test_key_files_that_others_could_read_are_refused),
        SCRATCH_TEST(test_damaged_foreign_and_missing_keys_are_refused),
        SCRATCH_TEST(test_the_lock_is_held_once_and_asking_takes_nothing),
        SCRATCH_TEST(test_the_lock_of_a_killed_process_is_free),
        SCRATCH_TEST(test_what_is_no_node_is_said_to_be_none),
        SCRATCH_TEST(test_the_control_endpoint_is_short_however_deep_the_directory),
    };
    if (crypto_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
