// Making a node's directory. Everything is made in a temporary directory; a node
// is there from the moment at which enlaced.conf is, and that comes last.
#include "lib/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/commit.h"
#include "lib/keys.h"
#include "lib/marker.h"
#include "lib/mem.h"

typedef struct {
    const char *name;
    unsigned mode; // of a directory; 0: a file
} entry_t;

// In the order in which they come into being.
static const entry_t entries[] = {
    {"keys", 0700},
    {"keys/root.key", 0},
    {"keys/signing.key", 0},
    {"keys/transport.key", 0},
    {"keys/sealing.key", 0},
    {"full", 0700},
    {"read", 0750},
    {"lock", 0},
    {"card", 0},
    {"boot", 0},
    {"enlaced.conf", 0},
};
enum { ENTRY_COUNT = sizeof entries / sizeof *entries };

static err_t failed(const char *path, fault_t *fault)
{
    return fault_set(fault, errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_CANNOT_WRITE,
                     path, "%s", strerror(errno));
}

static void remove_entries(const char *dir)
{
    for (size_t i = ENTRY_COUNT; i-- > 0;) {
        char *path = home_path(dir, entries[i].name);
        if (entries[i].mode)
            rmdir(path);
        else
            unlink(path);
        mem_free(path);
    }
}

static bool make_directories(const char *dir, const struct stat *owner)
{
    bool done = true;
    for (size_t i = 0; i < ENTRY_COUNT && done; i++) {
        if (!entries[i].mode)
            continue;
        char *path = home_path(dir, entries[i].name);
        done = mkdir(path, 0700) == 0 && chmod(path, entries[i].mode) == 0 &&
               (geteuid() != 0 || chown(path, owner->st_uid, owner->st_gid) == 0);
        mem_free(path);
    }
    return done;
}

static const char *advertised(const config_t *config)
{
    return config->advertise[0] ? config->advertise : config->listen;
}

static err_t write_card(const char *dir, const config_t *config, card_t *card, const secret_t *root,
                        fault_t *fault)
{
    char *endpoint = mem_copy_string(advertised(config));
    card->origin = crypto_origin(&card->root_key);
    card->number = 1;
    card->epoch = 1;
    snprintf(card->code.text, sizeof card->code.text, "%s", config->code);
    snprintf(card->country, sizeof card->country, "%s", config->country);
    card->name = mem_copy_string(config->name);
    if (*endpoint) {
        card->endpoint_count = 1;
        card->endpoints = mem_alloc_array(1, sizeof *card->endpoints);
        card->endpoints[0] = mem_copy_string(endpoint);
    }
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    card_sign(card, root);
    mem_free(endpoint);
    return home_write_card(dir, card, fault);
}

static err_t write_identity(const char *dir, const config_t *config, fault_t *fault)
{
    card_t *card = mem_alloc(sizeof *card);
    pubkey_t *keys[KEY_USE_COUNT] = {
        [KEY_ROOT] = &card->root_key,
        [KEY_SIGNING] = &card->signing_key,
        [KEY_TRANSPORT] = &card->transport_key,
        [KEY_SEALING] = &card->sealing_key,
    };
    secret_t *secrets[KEY_USE_COUNT] = {NULL};
    err_t err = ERR_OK;
    for (int use = 0; use < KEY_USE_COUNT && !err; use++)
        err = key_create(dir, (key_use_t)use, &secrets[use], keys[use], fault);
    if (!err)
        err = write_card(dir, config, card, secrets[KEY_ROOT], fault);
    for (int use = 0; use < KEY_USE_COUNT; use++)
        secret_destroy(&secrets[use]);
    card_destroy(&card);
    return err;
}

// What is printed must be what is read back, or the daemon would not start.
static err_t check_config(const config_t *config, buf_t *text, fault_t *fault)
{
    config_t *read_back = NULL;
    err_t err = config_check(config, fault);
    if (err)
        return err;
    *text = config_print(config);
    err = config_parse(buf_span(text), &read_back, fault);
    config_destroy(&read_back);
    return err;
}

static err_t write_file(const char *dir, const char *name, span_t text, unsigned mode,
                        fault_t *fault)
{
    char *path = home_path(dir, name);
    err_t err = file_write(path, text, mode, fault);
    mem_free(path);
    return err;
}

// Its keys have just been made, so nobody can have signed with them: only here
// may a marker say that the node has never run.
static err_t write_marker(const char *dir, fault_t *fault)
{
    marker_t marker = {.nonce_count = 1};
    return marker_write(dir, &marker, fault);
}

static err_t populate(const char *dir, const config_t *config, span_t text,
                      const struct stat *owner, fault_t *fault)
{
    if (!make_directories(dir, owner))
        return failed(dir, fault);
    err_t err = write_identity(dir, config, fault);
    if (!err)
        err = write_file(dir, "lock", span_of(NULL, 0), 0640, fault);
    if (!err)
        err = write_marker(dir, fault);
    if (!err)
        err = write_file(dir, "enlaced.conf", text, 0600, fault);
    return err;
}

static bool make_durable(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

// ---- into place ----

static bool is_empty(const char *dir)
{
    DIR *stream = opendir(dir);
    bool empty = stream != NULL;
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0)
            empty = false;
    if (stream)
        closedir(stream);
    return empty;
}

// An empty directory that is there already is kept (it may be a mount point, or
// another user's, below a parent that we cannot write to).
static bool move_inside(const char *temporary, const char *dir)
{
    bool done = true;
    for (size_t i = 0; i < ENTRY_COUNT && done; i++) {
        if (strchr(entries[i].name, '/'))
            continue;
        char *from = home_path(temporary, entries[i].name);
        char *to = home_path(dir, entries[i].name);
        bool last = i + 1 == ENTRY_COUNT; // never there before the rest is, also after a power cut
        done = (!last || make_durable(dir)) && rename(from, to) == 0;
        mem_free(from);
        mem_free(to);
    }
    if (!done)
        remove_entries(dir);
    return done && make_durable(dir);
}

static err_t create_inside(const char *dir, const config_t *config, span_t text, fault_t *fault)
{
    struct stat status;
    if (!is_empty(dir))
        return fault_set(fault, ERR_EXISTS_ALREADY, dir, "the directory is not empty");
    char *temporary = mem_format("%s/.new-XXXXXX", dir);
    bool made = stat(dir, &status) == 0 && mkdtemp(temporary);
    made = made && (geteuid() != 0 || chown(temporary, status.st_uid, status.st_gid) == 0);
    err_t err = made ? populate(temporary, config, text, &status, fault) : failed(dir, fault);
    if (!err && !move_inside(temporary, dir))
        err = failed(dir, fault);
    if (!err && (status.st_mode & 027) && chmod(dir, status.st_mode & 0750) != 0)
        err = failed(dir, fault);
    remove_entries(temporary);
    rmdir(temporary);
    mem_free(temporary);
    return err;
}

static err_t create_beside(const char *dir, const config_t *config, span_t text, fault_t *fault)
{
    struct stat status;
    char *parent = mem_copy_string(dir);
    char *slash = strrchr(parent, '/');
    char *temporary = mem_format("%s.new-XXXXXX", dir);
    if (slash)
        slash[slash == parent] = '\0';
    bool made = mkdtemp(temporary) != NULL && stat(temporary, &status) == 0;
    err_t err = made ? populate(temporary, config, text, &status, fault) : failed(dir, fault);
    if (!err && (chmod(temporary, 0710) != 0 || rename(temporary, dir) != 0 ||
                 !make_durable(slash ? parent : ".")))
        err = failed(dir, fault);
    if (err) {
        remove_entries(temporary);
        rmdir(temporary);
    }
    mem_free(temporary);
    mem_free(parent);
    return err;
}

static err_t make_parents(const char *dir, fault_t *fault)
{
    char *path = mem_copy_string(dir);
    err_t err = ERR_OK;
    for (char *slash = strchr(path + 1, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            err = failed(path, fault);
        *slash = '/';
    }
    mem_free(path);
    return err;
}

static char *without_slashes(const char *dir)
{
    char *plain = mem_copy_string(dir);
    for (size_t length = strlen(plain); length > 1 && plain[length - 1] == '/';)
        plain[--length] = '\0';
    return plain;
}

static err_t create_new(const char *dir, const config_t *config, span_t text, fault_t *fault)
{
    err_t err = make_parents(dir, fault);
    return err ? err : create_beside(dir, config, text, fault);
}

static err_t create(const char *dir, const config_t *config, span_t text, fault_t *fault)
{
    struct stat status;
    char *conf = home_path(dir, "enlaced.conf");
    bool taken = access(conf, F_OK) == 0;
    mem_free(conf);
    if (taken)
        return fault_set(fault, ERR_EXISTS_ALREADY, dir, "a node is there already");
    if (stat(dir, &status) != 0)
        return create_new(dir, config, text, fault);
    if (!S_ISDIR(status.st_mode))
        return fault_set(fault, ERR_EXISTS_ALREADY, dir, "a file is in the way");
    return create_inside(dir, config, text, fault);
}

err_t home_create(const char *dir, const config_t *config, fault_t *fault)
{
    buf_t text = {0};
    char *plain = without_slashes(dir);
    err_t err = check_config(config, &text, fault);
    if (!err)
        err = create(plain, config, buf_span(&text), fault);
    mem_free(plain);
    buf_free(&text);
    return err;
}
