#include "lib/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/armour.h"
#include "lib/mem.h"

enum { SEED_SIZE = 32, KEY_FILE_MAX = 1024 };

typedef struct {
    const char *file;
    const char *armour;
    secret_t *(*make)(const uint8_t seed[32], pubkey_t *public_key);
} use_t;

static const use_t uses[KEY_USE_COUNT] = {
    [KEY_ROOT] = {"keys/root.key", "root-key", secret_sign_new},
    [KEY_SIGNING] = {"keys/signing.key", "signing-key", secret_sign_new},
    [KEY_TRANSPORT] = {"keys/transport.key", "transport-key", secret_box_new},
    [KEY_SEALING] = {"keys/sealing.key", "sealing-key", secret_box_new},
};

const char *key_file(key_use_t use)
{
    return uses[use].file;
}

// Also for buffers that once were larger than what is in them now.
static void wipe(buf_t *buf)
{
    if (buf->data)
        sodium_memzero(buf->data, buf->capacity);
    buf_free(buf);
}

static err_t write_key(const char *path, key_use_t use, const uint8_t seed[SEED_SIZE],
                       fault_t *fault)
{
    char *line = armour_format(uses[use].armour, span_of(seed, SEED_SIZE));
    buf_t text = {0};
    buf_extend(&text, strlen(line) + 1);
    memcpy(text.data, line, text.size - 1);
    text.data[text.size - 1] = '\n';
    err_t err = access(path, F_OK) == 0 ? fault_set(fault, ERR_EXISTS_ALREADY, path, NULL)
                                        : file_write(path, buf_span(&text), 0600, fault);
    sodium_memzero(line, strlen(line));
    wipe(&text);
    mem_free(line);
    return err;
}

err_t key_create(const char *dir, key_use_t use, secret_t **secret, pubkey_t *public_key,
                 fault_t *fault)
{
    uint8_t seed[SEED_SIZE];
    crypto_random(seed, sizeof seed);
    char *path = home_path(dir, uses[use].file);
    err_t err = write_key(path, use, seed, fault);
    if (!err)
        *secret = uses[use].make(seed, public_key);
    sodium_memzero(seed, sizeof seed);
    mem_free(path);
    return err;
}

static err_t check_open_file(int fd, const char *path, fault_t *fault)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return fault_set(fault, ERR_BAD_KEY_FILE, path, "not a plain file");
    if (status.st_mode & 077)
        return fault_set(fault, ERR_BAD_KEY_FILE, path,
                         "its mode is %04o: others could read it; if nobody did, chmod 600",
                         status.st_mode & 07777);
    return ERR_OK;
}

// One read: a key file is far smaller than what a read returns at once.
static err_t read_key_file(const char *path, buf_t *text, fault_t *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return fault_set(fault, ERR_BAD_KEY_FILE, path, "%s", strerror(errno));
    err_t err = check_open_file(fd, path, fault);
    if (!err) {
        ssize_t got = read(fd, buf_extend(text, KEY_FILE_MAX), KEY_FILE_MAX);
        text->size = got > 0 ? (size_t)got : 0;
    }
    close(fd);
    errno = 0;
    return err;
}

err_t key_load_file(const char *path, key_use_t use, secret_t **secret, pubkey_t *public_key,
                    fault_t *fault)
{
    buf_t text = {0}, seed = {0};
    *secret = NULL;
    err_t err = read_key_file(path, &text, fault);
    int number = errno;
    if (!err) {
        fault_t problem = {0};
        if (armour_parse(uses[use].armour, buf_span(&text), SEED_SIZE, &seed, &problem) ||
            seed.size != SEED_SIZE)
            err = fault_set(fault, ERR_BAD_KEY_FILE, path, "it does not hold a whole key");
        else
            *secret = uses[use].make(seed.data, public_key);
    }
    wipe(&text);
    wipe(&seed);
    errno = number;
    return err;
}

err_t key_load(const char *dir, key_use_t use, secret_t **secret, pubkey_t *public_key,
               fault_t *fault)
{
    char *path = home_path(dir, uses[use].file);
    err_t err = key_load_file(path, use, secret, public_key, fault);
    int number = errno;
    mem_free(path);
    errno = number;
    return err;
}

// ---- a signing key to come ----

static char *pending_path(const char *dir, const pubkey_t *public_key)
{
    char name[17];
    hex_format(public_key->bytes, 8, name);
    return mem_format("%s/keys/pending-%s.key", dir, name);
}

err_t key_create_pending(const char *dir, secret_t **secret, pubkey_t *public_key, fault_t *fault)
{
    uint8_t seed[SEED_SIZE];
    crypto_random(seed, sizeof seed);
    *secret = secret_sign_new(seed, public_key);
    char *path = pending_path(dir, public_key);
    err_t err = write_key(path, KEY_SIGNING, seed, fault);
    if (err)
        secret_destroy(secret);
    sodium_memzero(seed, sizeof seed);
    mem_free(path);
    return err;
}

err_t key_load_pending(const char *dir, const pubkey_t *public_key, secret_t **secret,
                       fault_t *fault)
{
    pubkey_t loaded;
    char *path = pending_path(dir, public_key);
    err_t err = key_load_file(path, KEY_SIGNING, secret, &loaded, fault);
    if (!err && !key_equal(&loaded, public_key)) {
        secret_destroy(secret);
        err = fault_set(fault, ERR_BAD_KEY_FILE, path, "not the key that the card names");
    }
    mem_free(path);
    return err;
}

err_t key_promote_pending(const char *dir, const pubkey_t *public_key, fault_t *fault)
{
    char *from = pending_path(dir, public_key), *to = home_path(dir, uses[KEY_SIGNING].file);
    char *folder = home_path(dir, "keys");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err_t err = ERR_OK;
    if (fd < 0 || rename(from, to) != 0 || fsync(fd) != 0)
        err = fault_set(fault, ERR_CANNOT_WRITE, to, "%s", strerror(errno));
    if (fd >= 0)
        close(fd);
    mem_free(folder);
    mem_free(to);
    mem_free(from);
    return err;
}

void key_drop_pending(const char *dir, const pubkey_t *public_key)
{
    char *path = pending_path(dir, public_key);
    unlink(path);
    mem_free(path);
}

static bool same_key(const pubkey_t *loaded, const pubkey_t *named, key_use_t use, const char *dir,
                     fault_t *fault)
{
    if (key_equal(loaded, named))
        return true;
    char *path = home_path(dir, uses[use].file);
    fault_set(fault, ERR_BAD_KEY_FILE, path, "not the key that the card of this node names");
    mem_free(path);
    return false;
}

static err_t check_against_card(const char *dir, const keys_t *keys, fault_t *fault)
{
    card_t *card = NULL;
    err_t err = home_card(dir, &card, fault);
    if (err)
        return err;
    bool same =
        (!keys->root || same_key(&keys->root_public, &card->root_key, KEY_ROOT, dir, fault)) &&
        same_key(&keys->signing_public, &card->signing_key, KEY_SIGNING, dir, fault) &&
        same_key(&keys->transport_public, &card->transport_key, KEY_TRANSPORT, dir, fault) &&
        same_key(&keys->sealing_public, &card->sealing_key, KEY_SEALING, dir, fault);
    card_destroy(&card);
    return same ? ERR_OK : ERR_BAD_KEY_FILE;
}

static err_t load_root(const char *dir, bool with_root, keys_t *keys, fault_t *fault)
{
    card_t *card = NULL;
    if (with_root) {
        err_t err = key_load(dir, KEY_ROOT, &keys->root, &keys->root_public, fault);
        if (!err || errno != ENOENT)
            return err;
    }
    err_t err = home_card(dir, &card, fault);
    if (!err)
        keys->root_public = card->root_key;
    card_destroy(&card);
    return err;
}

err_t home_keys(const char *dir, bool with_root, keys_t **result, fault_t *fault)
{
    keys_t *keys = mem_alloc(sizeof *keys);
    *result = NULL;
    err_t err = load_root(dir, with_root, keys, fault);
    if (!err)
        err = key_load(dir, KEY_SIGNING, &keys->signing, &keys->signing_public, fault);
    if (!err)
        err = key_load(dir, KEY_TRANSPORT, &keys->transport, &keys->transport_public, fault);
    if (!err)
        err = key_load(dir, KEY_SEALING, &keys->sealing, &keys->sealing_public, fault);
    if (!err)
        err = check_against_card(dir, keys, fault);
    if (err)
        keys_destroy(&keys);
    *result = keys;
    return err;
}

void keys_destroy(keys_t **keys)
{
    if (!*keys)
        return;
    secret_destroy(&(*keys)->root);
    secret_destroy(&(*keys)->signing);
    secret_destroy(&(*keys)->transport);
    secret_destroy(&(*keys)->sealing);
    mem_free(*keys);
    *keys = NULL;
}

void secrets_protect_process(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
