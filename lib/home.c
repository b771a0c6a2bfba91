// A node's directory in use: paths, locks, control endpoint, card and charter.
// Making one is home_create.c's.
#include "lib/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/armour.h"
#include "lib/mem.h"

enum { ARMOUR_TEXT_SPARE = 4096 }; // around an armoured line: a header, mail's quoting

char *home_path(const char *dir, const char *name)
{
    return mem_format("%s/%s", dir, name);
}

static err_t not_a_home(const char *dir, fault_t *fault)
{
    struct stat status;
    if (stat(dir, &status) != 0)
        return fault_set(fault, errno == EACCES ? ERR_NOT_ALLOWED : ERR_NO_DIRECTORY, dir, "%s",
                         strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return fault_set(fault, ERR_NO_DIRECTORY, dir, "it is a file");
    return fault_set(fault, ERR_NO_DIRECTORY, dir, "there is no node in it");
}

// ---- the lock ----

static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static err_t take_lock(int fd, const char *dir, fault_t *fault)
{
    struct flock lock = whole_file(F_WRLCK);
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return ERR_OK;
    if (errno == EAGAIN || errno == EACCES)
        return fault_set(fault, ERR_LOCKED, dir, NULL);
    return fault_set(fault, ERR_CANNOT_WRITE, dir, "lock: %s", strerror(errno));
}

err_t home_lock(const char *dir, int *fd, fault_t *fault)
{
    char *path = home_path(dir, "lock");
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    int number = errno;
    err_t err = ERR_OK;
    if (*fd >= 0)
        err = take_lock(*fd, dir, fault);
    else if (number == ENOENT || number == ENOTDIR)
        err = not_a_home(dir, fault);
    else
        err = fault_set(fault, ERR_CANNOT_WRITE, path, "%s", strerror(number));
    if (err)
        home_unlock(fd);
    mem_free(path);
    return err;
}

void home_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

err_t home_running(const char *dir, bool *running, fault_t *fault)
{
    char *path = home_path(dir, "lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int number = errno;
    *running = false;
    mem_free(path);
    if (fd < 0 && number == EACCES)
        return fault_set(fault, ERR_NOT_ALLOWED, dir, "%s", strerror(number));
    if (fd < 0)
        return not_a_home(dir, fault);
    // A question only: nothing is taken, so nobody's locking is disturbed.
    struct flock lock = whole_file(F_RDLCK);
    bool asked = fcntl(fd, F_OFD_GETLK, &lock) == 0;
    close(fd);
    if (!asked)
        return fault_set(fault, ERR_CANNOT_READ, dir, "%s", strerror(errno));
    *running = lock.l_type != F_UNLCK;
    return ERR_OK;
}

// ---- the control sockets ----

err_t home_control(const char *dir, bool full, int *dir_fd, char endpoint[64], fault_t *fault)
{
    char *path = home_path(dir, full ? "full" : "read");
    *dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int number = errno;
    // An address has 108 bytes for a path; a directory may be deeper than that.
    snprintf(endpoint, 64, "ipc:///proc/self/fd/%d/control", *dir_fd);
    err_t err = ERR_OK;
    if (*dir_fd < 0)
        err = fault_set(fault, number == EACCES ? ERR_NOT_ALLOWED : ERR_NO_DIRECTORY, path, "%s",
                        strerror(number));
    mem_free(path);
    return err;
}

// ---- card and charter ----

static err_t read_armoured(const char *dir, const char *name, size_t max, buf_t *bytes,
                           fault_t *fault)
{
    buf_t text = {0};
    *bytes = (buf_t){0};
    char *path = home_path(dir, name);
    // Base64 takes four characters for three bytes.
    err_t err = file_read(path, max / 3 * 4 + ARMOUR_TEXT_SPARE, &text, fault);
    fault_t problem = {0};
    if (!err && armour_parse(name, buf_span(&text), max, bytes, &problem))
        err = fault_set(fault, problem.err, path, "%s", problem.detail);
    buf_free(&text);
    mem_free(path);
    return err;
}

err_t home_card(const char *dir, card_t **card, fault_t *fault)
{
    buf_t bytes = {0};
    char *path = home_path(dir, "card");
    *card = NULL;
    bool there = access(path, F_OK) == 0;
    err_t err =
        there ? read_armoured(dir, "card", CARD_BYTES_MAX, &bytes, fault) : not_a_home(dir, fault);
    if (!err) {
        fault_t problem = {0};
        err = card_decode(buf_span(&bytes), card, &problem);
        if (err)
            fault_set(fault, err, path, "%s %s", problem.where, problem.detail);
    }
    buf_free(&bytes);
    mem_free(path);
    return err;
}

err_t home_write_card(const char *dir, const card_t *card, fault_t *fault)
{
    buf_t bytes = card_encode(card);
    char *line = armour_format("card", buf_span(&bytes));
    char *text = mem_format("%s\n", line);
    char *path = home_path(dir, "card");
    err_t err = file_write(path, span_text(text), 0600, fault);
    mem_free(path);
    mem_free(text);
    mem_free(line);
    buf_free(&bytes);
    return err;
}

static err_t read_charter(const char *dir, buf_t *bytes, fault_t *fault)
{
    char *path = home_path(dir, "charter");
    bool missing = access(path, F_OK) != 0 && errno == ENOENT;
    mem_free(path);
    if (missing)
        return fault_set(fault, ERR_NO_CHARTER, dir, NULL);
    return read_armoured(dir, "charter", CHARTER_BYTES_MAX, bytes, fault);
}

err_t home_charter(const char *dir, charter_t **charter, fault_t *fault)
{
    buf_t bytes = {0};
    *charter = NULL;
    err_t err = read_charter(dir, &bytes, fault);
    if (!err)
        err = charter_decode(buf_span(&bytes), charter, fault);
    buf_free(&bytes);
    return err;
}

static const card_t *card_of(const charter_t *charter, const origin_t *origin)
{
    for (size_t i = 0; i < charter->card_count; i++)
        if (origin_equal(&charter->cards[i]->origin, origin))
            return charter->cards[i];
    return NULL;
}

err_t charter_includes(const charter_t *charter, const card_t *own, fault_t *fault)
{
    const member_t *member = roster_member(charter->roster, &own->origin);
    const member_t *namesake = roster_by_code(charter->roster, own->code.text);
    const card_t *card = card_of(charter, &own->origin);
    if (!member && namesake)
        return fault_set(fault, ERR_UNKNOWN_MEMBER, own->code.text,
                         "the member of that code has another key: not this node");
    if (!member || !card)
        return fault_set(fault, ERR_UNKNOWN_MEMBER, own->code.text,
                         "this node is not among the members of \"%.60s\"", charter->roster->name);
    if (strcmp(member->code.text, own->code.text) != 0)
        return fault_set(fault, ERR_BAD_CARD, own->code.text, "the charter calls this node %s",
                         member->code.text);
    if (!key_equal(&member->root_key, &own->root_key) || !hash_equal(&card->hash, &own->hash))
        return fault_set(fault, ERR_BAD_CARD, own->code.text,
                         "the charter was made with a card that is not this node's present one");
    return ERR_OK;
}

static err_t write_charter(const char *dir, span_t bytes, fault_t *fault)
{
    char *line = armour_format("charter", bytes);
    char *text = mem_format("%s\n", line);
    char *path = home_path(dir, "charter");
    err_t err = file_write(path, span_text(text), 0600, fault);
    mem_free(path);
    mem_free(text);
    mem_free(line);
    return err;
}

// Whether another one was accepted before; NO_CHARTER where none was.
static err_t compare_accepted(const char *dir, const charter_t *charter, fault_t *fault)
{
    charter_t *before = NULL;
    err_t err = home_charter(dir, &before, fault);
    if (!err && !hash_equal(&before->roster->hash, &charter->roster->hash))
        err = fault_set(fault, ERR_OTHER_CHARTER, before->roster->name, NULL);
    charter_destroy(&before);
    return err;
}

static err_t accept_locked(const char *dir, const charter_t *charter, span_t bytes, fault_t *fault)
{
    int lock = -1;
    err_t err = home_lock(dir, &lock, fault);
    if (err)
        return err;
    err = compare_accepted(dir, charter, fault); // again: now nobody else can
    if (err == ERR_NO_CHARTER)
        err = write_charter(dir, bytes, fault);
    home_unlock(&lock);
    return err;
}

err_t home_accept(const char *dir, span_t bytes, fault_t *fault)
{
    card_t *own = NULL;
    charter_t *charter = NULL;
    err_t err = home_card(dir, &own, fault);
    if (!err)
        err = charter_decode(bytes, &charter, fault);
    if (!err)
        err = charter_includes(charter, own, fault);
    if (!err)
        err = compare_accepted(dir, charter, fault);
    if (err == ERR_NO_CHARTER)
        err = accept_locked(dir, charter, bytes, fault);
    card_destroy(&own);
    charter_destroy(&charter);
    return err;
}
