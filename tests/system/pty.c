#include "tests/system/pty.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/bytes.h"
#include "lib/mem.h"

enum { ROWS = 50, END_MS = 60000 };

struct pty {
    pid_t pid;
    int fd;
    buf_t shown;
    bool ended;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void become_command(fleet_t *fleet, const char *command)
{
    const char *bin = getenv("ENLACE_BIN_DIR");
    setenv("BIN", bin ? bin : "build", 1);
    setenv("FLEET", fleet_dir(fleet), 1);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C", 1);
    unsetenv("LANGUAGE");
    unsetenv("ENLACE_DIR");
    unsetenv("COLORTERM");
    unsetenv("COLUMNS");
    unsetenv("NO_COLOR");
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

pty_t *pty_open(fleet_t *fleet, unsigned columns, const char *format, ...)
{
    struct winsize size = {.ws_row = ROWS, .ws_col = (unsigned short)columns};
    char *command = NULL;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&command, format, arguments) >= 0);
    va_end(arguments);
    pty_t *pty = mem_alloc(sizeof *pty);
    pty->pid = forkpty(&pty->fd, NULL, NULL, &size);
    assert_true(pty->pid >= 0);
    if (pty->pid == 0)
        become_command(fleet, command);
    free(command);
    return pty;
}

// A terminal whose last process has gone reads as an error.
static void take(pty_t *pty, uint64_t end_ms)
{
    struct pollfd item = {.fd = pty->fd, .events = POLLIN};
    uint64_t now = now_ms();
    char block[4096];
    if (now >= end_ms || poll(&item, 1, (int)(end_ms - now)) <= 0)
        return;
    ssize_t got = read(pty->fd, block, sizeof block);
    if (got > 0)
        buf_append(&pty->shown, span_of(block, (size_t)got));
    else if (got == 0 || errno != EINTR)
        pty->ended = true;
}

static bool has(const pty_t *pty, const char *text)
{
    return pty->shown.size && memmem(pty->shown.data, pty->shown.size, text, strlen(text)) != NULL;
}

bool pty_shows(pty_t *pty, const char *text, unsigned ms)
{
    uint64_t end_ms = now_ms() + ms;
    while (!has(pty, text) && !pty->ended && now_ms() < end_ms)
        take(pty, end_ms);
    return has(pty, text);
}

void pty_type(pty_t *pty, const char *text)
{
    assert_int_equal(write(pty->fd, text, strlen(text)), strlen(text));
}

static char *without_returns(const buf_t *shown)
{
    char *text = mem_alloc(shown->size + 1), *to = text;
    for (size_t i = 0; i < shown->size; i++)
        if (shown->data[i] != '\r' || i + 1 == shown->size || shown->data[i + 1] != '\n')
            *to++ = (char)shown->data[i];
    *to = '\0';
    return text;
}

char *pty_close(pty_t **pty_pointer, int *status)
{
    pty_t *pty = *pty_pointer;
    uint64_t end_ms = now_ms() + END_MS;
    int ended = 0;
    while (!pty->ended && now_ms() < end_ms)
        take(pty, end_ms);
    if (!pty->ended)
        kill(pty->pid, SIGKILL);
    while (waitpid(pty->pid, &ended, 0) < 0)
        assert_int_equal(errno, EINTR);
    *status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    char *text = without_returns(&pty->shown);
    close(pty->fd);
    buf_free(&pty->shown);
    mem_free(pty);
    *pty_pointer = NULL;
    return text;
}

// An escape sequence ends with its first letter; bytes 10xxxxxx continue a character.
size_t shown_width(const char *line, size_t length)
{
    size_t columns = 0;
    bool escaped = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        bool letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        if (escaped)
            escaped = !letter;
        else if (byte == 0x1b)
            escaped = true;
        else if ((byte & 0xc0) != 0x80)
            columns++;
    }
    return columns;
}
