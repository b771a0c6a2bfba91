// Whole files in and out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

static void test_what_is_written_is_read(void **state)
{
    char *path = scratch_path(*state, "file");
    uint8_t bytes[40000];
    buf_t read_back = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    assert_int_equal(file_write(path, span_of(bytes, sizeof bytes), 0600, NULL), ERR_OK);
    assert_int_equal(file_read(path, sizeof bytes, &read_back, NULL), ERR_OK);
    assert_int_equal(read_back.size, sizeof bytes);
    assert_memory_equal(read_back.data, bytes, sizeof bytes);
    buf_free(&read_back);
    assert_int_equal(file_write(path, span_of(NULL, 0), 0600, NULL), ERR_OK);
    assert_int_equal(file_read(path, 0, &read_back, NULL), ERR_OK);
    assert_int_equal(read_back.size, 0);
    buf_free(&read_back);
    mem_free(path);
}

static void test_the_bound_is_exact(void **state)
{
    char *path = scratch_path(*state, "file");
    buf_t bytes = {0};
    fault_t fault = {0};
    scratch_write(*state, "file", "12345", 0600);
    assert_int_equal(file_read(path, 5, &bytes, &fault), ERR_OK);
    buf_free(&bytes);
    assert_int_equal(file_read(path, 4, &bytes, &fault), ERR_TOO_BIG);
    assert_null(bytes.data);
    assert_string_equal(fault.where, path);
    mem_free(path);
}

static void test_what_cannot_be_read_is_said(void **state)
{
    buf_t bytes = {0};
    char *path = scratch_path(*state, "missing");
    assert_int_equal(file_read(path, 10, &bytes, NULL), ERR_CANNOT_READ);
    assert_int_equal(file_read(*state, 10, &bytes, NULL), ERR_CANNOT_READ); // a directory
    mem_free(path);
}

static void test_a_replacement_has_the_mode_asked_for(void **state)
{
    char *path = scratch_path(*state, "file");
    struct stat status;
    mode_t before = umask(077);
    assert_int_equal(file_write(path, span_text("1"), 0644, NULL), ERR_OK);
    umask(0);
    stat(path, &status);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(file_write(path, span_text("2"), 0600, NULL), ERR_OK);
    umask(before);
    stat(path, &status);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(scratch_entries(*state, ""), 1);
    mem_free(path);
}

static void test_a_link_is_replaced_not_followed(void **state)
{
    char *target = scratch_path(*state, "target");
    char *path = scratch_path(*state, "link");
    scratch_write(*state, "target", "untouched", 0600);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(file_write(path, span_text("new"), 0600, NULL), ERR_OK);
    buf_t bytes = scratch_read(*state, "target");
    assert_int_equal(bytes.size, 9);
    buf_free(&bytes);
    mem_free(path);
    mem_free(target);
}

static void test_a_full_disk_leaves_the_old_contents(void **state)
{
    char *path = scratch_path(*state, "file");
    uint8_t much[8192] = {0};
    fault_t fault = {0};
    scratch_write(*state, "file", "old", 0600);
    scratch_limit_file_size(4096);
    err_t err = file_write(path, span_of(much, sizeof much), 0600, &fault);
    scratch_limit_file_size(RLIM_INFINITY);
    assert_int_equal(err, ERR_DISK_FULL);
    buf_t bytes = scratch_read(*state, "file");
    assert_int_equal(bytes.size, 3);
    assert_memory_equal(bytes.data, "old", 3);
    buf_free(&bytes);
    assert_int_equal(scratch_entries(*state, ""), 1);
    mem_free(path);
}

static void test_no_directory_no_file(void **state)
{
    char *path = scratch_path(*state, "none/file");
    assert_int_equal(file_write(path, span_text("x"), 0600, NULL), ERR_CANNOT_WRITE);
    mem_free(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_what_is_written_is_read),
        SCRATCH_TEST(test_the_bound_is_exact),
        SCRATCH_TEST(test_what_cannot_be_read_is_said),
        SCRATCH_TEST(test_a_replacement_has_the_mode_asked_for),
        SCRATCH_TEST(test_a_link_is_replaced_not_followed),
        SCRATCH_TEST(test_a_full_disk_leaves_the_old_contents),
        SCRATCH_TEST(test_no_directory_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
