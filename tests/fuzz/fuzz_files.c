// A node's directory, one file of which somebody has altered: the first byte says
// which, the second is its mode (of the lowest nine bits, as many as there are).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/keys.h"
#include "lib/marker.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

static char home[64];

static void put(const char *name, span_t bytes, mode_t mode)
{
    char *path = home_path(home, name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FUZZ_EXPECT(fd >= 0 && write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size);
    FUZZ_EXPECT(fchmod(fd, mode) == 0);
    close(fd);
    mem_free(path);
}

static void remove_home(void)
{
    char *command = mem_format("rm -rf '%s'", home);
    if (system(command) != 0)
        fprintf(stderr, "%s could not be removed\n", home);
    mem_free(command);
}

static void start(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;
    snprintf(home, sizeof home, "%s/enlace-fuzz-XXXXXX", memory);
    FUZZ_EXPECT(mkdtemp(home));
    char *keys = home_path(home, "keys");
    FUZZ_EXPECT(mkdir(keys, 0700) == 0);
    mem_free(keys);
    atexit(remove_home);
}

static void try_key(key_use_t use, span_t bytes, mode_t mode)
{
    secret_t *secret = NULL;
    pubkey_t key;
    fault_t fault = {0};
    put(key_file(use), bytes, mode);
    err_t err = key_load(home, use, &secret, &key, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT(err == ERR_OK || err == ERR_BAD_KEY_FILE);
    FUZZ_EXPECT((secret != NULL) == (err == ERR_OK));
    FUZZ_EXPECT(err || !(mode & 077)); // what others can read is no key
    secret_destroy(&secret);
}

static void try_card(span_t bytes, mode_t mode)
{
    card_t *card = NULL;
    fault_t fault = {0};
    put("card", bytes, mode);
    err_t err = home_card(home, &card, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((card != NULL) == (err == ERR_OK));
    card_destroy(&card);
}

static void try_charter(span_t bytes, mode_t mode)
{
    charter_t *charter = NULL;
    fault_t fault = {0};
    put("charter", bytes, mode);
    err_t err = home_charter(home, &charter, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((charter != NULL) == (err == ERR_OK));
    charter_destroy(&charter);
}

static void check_marker(const marker_t *marker)
{
    uint8_t bytes[MARKER_BYTES];
    marker_t again = {0};
    FUZZ_EXPECT(marker->nonce_count >= 1 && marker->nonce_count <= 2);
    FUZZ_EXPECT(marker->head_count <= MARKER_HEADS_MAX);
    marker_encode(marker, bytes);
    FUZZ_EXPECT(marker_decode(span_of(bytes, sizeof bytes), &again) == ERR_OK);
    FUZZ_EXPECT(again.nonce_count == marker->nonce_count && again.sequence == marker->sequence);
    FUZZ_EXPECT(again.head_count == marker->head_count);
    for (size_t i = 0; i < marker->head_count; i++)
        FUZZ_EXPECT(position_equal(again.heads[i], marker->heads[i]));
}

// A marker that somebody has altered fences, or is another file's: never ERR_OK by chance.
static void try_marker(span_t bytes, mode_t mode)
{
    marker_t marker = {0};
    marker_place_t found;
    bool there = false;
    nonce_t nonce = {{3}};
    fault_t fault = {0};
    put(MARKER_FILE, bytes, mode);
    err_t err = marker_read(home, &marker, &found, &there, &fault);
    fuzz_refused(err, &fault);
    if (err || !there)
        return;
    check_marker(&marker);
    err = marker_agrees(&marker, &found, &nonce, marker.heads, marker.head_count, &fault);
    FUZZ_EXPECT(err == ERR_RESTORED); // its place is never this new file's
    fuzz_refused(err, &fault);
}

static void try_config(span_t bytes, mode_t mode)
{
    config_t *config = NULL;
    fault_t fault = {0};
    put("enlaced.conf", bytes, mode);
    err_t err = home_config(home, &config, &fault);
    fuzz_refused(err, &fault);
    FUZZ_EXPECT((config != NULL) == (err == ERR_OK));
    config_destroy(&config);
}

static void one(span_t input)
{
    uint8_t which = fuzz_u8(&input) % (KEY_USE_COUNT + 4);
    mode_t mode = 0400 | (fuzz_u8(&input) & 0377);
    if (which < KEY_USE_COUNT)
        try_key((key_use_t)which, input, mode);
    else if (which == KEY_USE_COUNT)
        try_card(input, mode);
    else if (which == KEY_USE_COUNT + 1)
        try_charter(input, mode);
    else if (which == KEY_USE_COUNT + 2)
        try_config(input, mode);
    else
        try_marker(input, mode);
}

const fuzz_target_t fuzz_target = {.one = one, .start = start, .peak_bytes = 256 * 1024 * 1024};
