#include "tests/system/fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// cmocka wants these before it
#include <setjmp.h>

#include <cmocka.h>

#include "lib/mem.h"

typedef struct {
    char code[20];
    char *dir;
    char *log;
    char endpoint[64];
    pid_t pid;
    int notify;  // where it says READY=1; open while it is waited for
    int network; // namespace; 0: ours
} member_at_t;

struct fleet {
    char dir[64];
    const char *bin;
    size_t count;
    member_at_t nodes[FLEET_MAX];
};

struct reading {
    pid_t pid;
    int fd;
    char *held;
    size_t used;
};

enum { READY_MS = 20000, READING_MAX = 1 << 20 };

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *bin_dir(void)
{
    const char *bin = getenv("ENLACE_BIN_DIR");
    return bin ? bin : "build";
}

// ---- the directory ----

fleet_t *fleet_new(void)
{
    fleet_t *fleet = mem_alloc(sizeof *fleet);
    const char *temporary = getenv("TMPDIR");
    snprintf(fleet->dir, sizeof fleet->dir, "%s/enlace-test-XXXXXX",
             temporary && strlen(temporary) < 40 ? temporary : "/tmp");
    assert_non_null(mkdtemp(fleet->dir));
    fleet->bin = bin_dir();
    return fleet;
}

static void stop_listening(member_at_t *node)
{
    if (node->notify > 0)
        close(node->notify);
    node->notify = 0;
}

void fleet_destroy(fleet_t **fleet_pointer)
{
    fleet_t *fleet = *fleet_pointer;
    for (size_t i = 0; i < fleet->count; i++) {
        if (fleet->nodes[i].pid)
            fleet_kill(fleet, i);
        stop_listening(&fleet->nodes[i]);
        mem_free(fleet->nodes[i].dir);
        mem_free(fleet->nodes[i].log);
    }
    char *command = mem_format("rm -rf '%s'", fleet->dir);
    assert_int_equal(system(command), 0);
    mem_free(command);
    mem_free(fleet);
    *fleet_pointer = NULL;
}

// ---- ports ----

static bool port_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return free;
}

// Below 32768: an ephemeral port can connect to itself. Where to begin differs
// from process to process, so that suites run side by side.
uint16_t fleet_port(void)
{
    static uint16_t offset;
    for (unsigned i = 0; i < 4000; i++) {
        uint16_t port = (uint16_t)(20000 + ((unsigned)getpid() * 37 + offset) % 12000);
        offset = (uint16_t)(offset + 2);
        if (port_free(port) && port_free((uint16_t)(port + 1)))
            return port;
    }
    fail_msg("no free port");
    return 0;
}

// ---- running things ----

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return mem_copy_string("");
    char *text = NULL;
    size_t size = 0;
    ssize_t got = getdelim(&text, &size, '\0', file);
    fclose(file);
    if (got < 0) {
        free(text);
        return mem_copy_string("");
    }
    return text;
}

static int wait_status(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A test that fails leaves its daemons and commands; they end with its program.
static void die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static pid_t spawn_shell(fleet_t *fleet, const char *command, int out, int err)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    die_with_parent();
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out, 1);
    if (err >= 0)
        dup2(err, 2);
    setenv("BIN", fleet->bin, 1);
    setenv("FLEET", fleet->dir, 1);
    // Whoever runs the tests may have set these.
    setenv("LC_ALL", "C", 1);
    unsetenv("LANGUAGE");
    unsetenv("ENLACE_DIR");
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static result_t run_command(fleet_t *fleet, const char *command)
{
    char *out = mem_format("%s/out", fleet->dir), *err = mem_format("%s/err", fleet->dir);
    int out_fd = open(out, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    int err_fd = open(err, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    uint64_t start = now_ms();
    result_t result = {.status = wait_status(spawn_shell(fleet, command, out_fd, err_fd))};
    result.ms = now_ms() - start;
    close(out_fd);
    close(err_fd);
    result.out = read_file(out);
    result.err = read_file(err);
    mem_free(out);
    mem_free(err);
    return result;
}

__attribute__((format(printf, 3, 0))) static char *
node_command(fleet_t *fleet, size_t node, const char *format, va_list arguments)
{
    char *rest = NULL;
    assert_true(vasprintf(&rest, format, arguments) >= 0);
    char *command =
        mem_format("exec %s/enlace --dir '%s' %s", fleet->bin, fleet->nodes[node].dir, rest);
    free(rest);
    return command;
}

result_t fleet_run(fleet_t *fleet, size_t node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *command = node_command(fleet, node, format, arguments);
    va_end(arguments);
    result_t result = run_command(fleet, command);
    mem_free(command);
    return result;
}

result_t fleet_shell(fleet_t *fleet, const char *format, ...)
{
    char *command = NULL;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&command, format, arguments) >= 0);
    va_end(arguments);
    result_t result = run_command(fleet, command);
    free(command);
    return result;
}

void result_clear(result_t *result)
{
    mem_free(result->out);
    mem_free(result->err);
    *result = (result_t){0};
}

char *fleet_do(fleet_t *fleet, size_t node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *command = node_command(fleet, node, format, arguments);
    va_end(arguments);
    result_t result = run_command(fleet, command);
    if (result.status != 0)
        fail_msg("%s: exit %d: %s", command, result.status, result.err);
    mem_free(command);
    mem_free(result.err);
    size_t length = strlen(result.out);
    if (length && result.out[length - 1] == '\n')
        result.out[length - 1] = '\0';
    return result.out;
}

// ---- founding ----

static size_t index_of(const fleet_t *fleet, const char *code)
{
    for (size_t i = 0; i < fleet->count; i++)
        if (strcmp(fleet->nodes[i].code, code) == 0)
            return i;
    fail_msg("no node %s", code);
    return 0;
}

size_t fleet_add(fleet_t *fleet, const char *code, bool listens, const char *extra,
                 const char *const *dials)
{
    assert_true(fleet->count < FLEET_MAX);
    size_t index = fleet->count++;
    member_at_t *node = &fleet->nodes[index];
    char options[1024] = "";
    size_t used = 0;
    snprintf(node->code, sizeof node->code, "%s", code);
    node->dir = mem_format("%s/%s", fleet->dir, code);
    node->log = mem_format("%s/%s.log", fleet->dir, code);
    if (listens) {
        snprintf(node->endpoint, sizeof node->endpoint, "tcp://127.0.0.1:%u", fleet_port());
        used += (size_t)snprintf(options, sizeof options, " --listen %s", node->endpoint);
    }
    for (; dials && *dials; dials++)
        used += (size_t)snprintf(options + used, sizeof options - used, " --connect %s@%s", *dials,
                                 fleet->nodes[index_of(fleet, *dials)].endpoint);
    result_t result =
        fleet_shell(fleet, "exec $BIN/enlace init --dir '%s' --node %s --name 'Nodo %s'%s %s",
                    node->dir, code, code, options, extra);
    if (result.status)
        fail_msg("init %s: exit %d: %s", code, result.status, result.err);
    result_clear(&result);
    return index;
}

// The eight words stand in what accepting without them prints.
void fleet_found(fleet_t *fleet, unsigned threshold)
{
    result_t result = fleet_shell(
        fleet,
        "cd $FLEET && B=$(cd \"$OLDPWD\" && cd $BIN && pwd) && "
        "for d in */; do \"$B/enlace\" card --dir \"$d\" > \"${d%%/}.card\" || exit 1; done && "
        "\"$B/enlace\" charter create --dir %s --name 'Coalición de prueba' --threshold %u *.card "
        "> charter.txt && "
        "for d in */; do \"$B/enlace\" charter accept --dir \"$d\" charter.txt --yes || exit 1; "
        "done",
        fleet->nodes[0].code, threshold);
    if (result.status)
        fail_msg("founding: exit %d: %s%s", result.status, result.out, result.err);
    result_clear(&result);
}

fleet_t *fleet_hub(size_t others)
{
    static const char *const codes[] = {"CRM", "GT", "SV", "HN", "NI", "CR", "BZ", "PA"};
    static const char *const hub[] = {"CRM", NULL};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, codes[0], true, "", NULL);
    for (size_t i = 1; i <= others; i++) {
        char made[20];
        snprintf(made, sizeof made, "N%02zu", i);
        bool named = i < sizeof codes / sizeof *codes;
        fleet_add(fleet, named ? codes[i] : made, false, "", hub);
    }
    fleet_found(fleet, (unsigned)(others + 1) / 2 + 1);
    return fleet;
}

void fleet_place(fleet_t *fleet, size_t node, int network)
{
    fleet->nodes[node].network = network;
}

// ---- daemons ----

static int notify_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void become_daemon(const fleet_t *fleet, const member_at_t *node, const char *environment,
                          uint64_t file_size)
{
    char program[512];
    die_with_parent();
    int log = open(node->log, O_CREAT | O_APPEND | O_WRONLY, 0600);
    dup2(log, 1);
    dup2(log, 2);
    snprintf(program, sizeof program, "%s/enlaced", fleet->bin);
    if (environment)
        putenv((char *)(uintptr_t)environment);
    if (node->network && setns(node->network, CLONE_NEWNET) != 0)
        _exit(126);
    // Only the soft limit: a test can raise it again while the daemon runs.
    struct rlimit limit;
    if (file_size && getrlimit(RLIMIT_FSIZE, &limit) == 0) {
        limit.rlim_cur = file_size;
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    execl(program, program, "--dir", node->dir, (char *)NULL);
    _exit(127);
}

static bool ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

// True once READY=1 came; false where the daemon ended or the time is over.
static bool wait_ready(int fd, pid_t pid, unsigned ms)
{
    uint64_t end = now_ms() + ms, now;
    char text[512];
    do {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        now = now_ms();
        uint64_t left = now < end ? end - now : 0;
        if (poll(&item, 1, left < 100 ? (int)left : 100) <= 0)
            continue;
        ssize_t got = recv(fd, text, sizeof text - 1, 0);
        text[got > 0 ? got : 0] = '\0';
        if (strstr(text, "READY=1"))
            return true;
    } while (now < end && !ended(pid));
    return false;
}

void fleet_launch(fleet_t *fleet, size_t index, const char *environment, uint64_t file_size)
{
    member_at_t *node = &fleet->nodes[index];
    char *path = mem_format("%s/%s.notify", fleet->dir, node->code);
    stop_listening(node);
    node->notify = notify_socket(path);
    node->pid = fork();
    assert_true(node->pid >= 0);
    if (!node->pid) {
        setenv("NOTIFY_SOCKET", path, 1);
        become_daemon(fleet, node, environment, file_size);
    }
    mem_free(path);
}

bool fleet_ready(fleet_t *fleet, size_t index, unsigned ms)
{
    member_at_t *node = &fleet->nodes[index];
    bool ready = wait_ready(node->notify, node->pid, ms);
    if (ready)
        stop_listening(node);
    return ready;
}

void fleet_start_with(fleet_t *fleet, size_t index, const char *environment, uint64_t file_size)
{
    fleet_launch(fleet, index, environment, file_size);
    if (!fleet_ready(fleet, index, READY_MS)) {
        char *log = fleet_log(fleet, index);
        fail_msg("%s did not become ready:\n%s", fleet->nodes[index].code, log);
    }
}

void fleet_start(fleet_t *fleet, size_t node)
{
    fleet_start_with(fleet, node, NULL, 0);
}

void fleet_start_all(fleet_t *fleet)
{
    for (size_t i = 0; i < fleet->count; i++)
        if (!fleet->nodes[i].pid)
            fleet_start(fleet, i);
}

int fleet_stop(fleet_t *fleet, size_t index)
{
    member_at_t *node = &fleet->nodes[index];
    assert_true(node->pid > 0);
    kill(node->pid, SIGTERM);
    int status = wait_status(node->pid);
    node->pid = 0;
    return status;
}

int fleet_kill(fleet_t *fleet, size_t index)
{
    member_at_t *node = &fleet->nodes[index];
    kill(node->pid, SIGKILL);
    int status = wait_status(node->pid);
    node->pid = 0;
    return status;
}

pid_t fleet_pid(const fleet_t *fleet, size_t node)
{
    return fleet->nodes[node].pid;
}

bool fleet_alive(fleet_t *fleet, size_t node)
{
    return fleet->nodes[node].pid && !ended(fleet->nodes[node].pid);
}

// ---- background readings ----

static reading_t *open_reading(fleet_t *fleet, const char *command)
{
    reading_t *reading = mem_alloc(sizeof *reading);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    reading->pid = spawn_shell(fleet, command, ends[1], -1);
    close(ends[1]);
    reading->fd = ends[0];
    reading->held = mem_alloc(READING_MAX);
    return reading;
}

reading_t *fleet_open(fleet_t *fleet, size_t node, const char *arguments)
{
    char *command =
        mem_format("exec %s/enlace --dir '%s' %s", fleet->bin, fleet->nodes[node].dir, arguments);
    reading_t *reading = open_reading(fleet, command);
    mem_free(command);
    return reading;
}

reading_t *fleet_background(fleet_t *fleet, const char *format, ...)
{
    char *command = NULL;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&command, format, arguments) >= 0);
    va_end(arguments);
    reading_t *reading = open_reading(fleet, command);
    free(command);
    return reading;
}

static char *take_line(reading_t *reading)
{
    char *end = memchr(reading->held, '\n', reading->used);
    if (!end)
        return NULL;
    size_t length = (size_t)(end - reading->held);
    char *line = mem_alloc(length + 1);
    memcpy(line, reading->held, length);
    reading->used -= length + 1;
    memmove(reading->held, end + 1, reading->used);
    return line;
}

char *reading_line(reading_t *reading, unsigned ms)
{
    uint64_t end = now_ms() + ms;
    for (;;) {
        char *line = take_line(reading);
        uint64_t now = now_ms();
        if (line || now >= end)
            return line;
        struct pollfd item = {.fd = reading->fd, .events = POLLIN};
        if (poll(&item, 1, (int)(end - now)) <= 0)
            continue;
        ssize_t got = read(reading->fd, reading->held + reading->used, READING_MAX - reading->used);
        if (got <= 0)
            return take_line(reading);
        reading->used += (size_t)got;
    }
}

bool reading_running(const reading_t *reading)
{
    return !ended(reading->pid);
}

int reading_wait(reading_t **reading_pointer)
{
    reading_t *reading = *reading_pointer;
    int status = wait_status(reading->pid);
    close(reading->fd);
    mem_free(reading->held);
    mem_free(reading);
    *reading_pointer = NULL;
    return status;
}

int reading_close(reading_t **reading)
{
    kill((*reading)->pid, SIGTERM);
    return reading_wait(reading);
}

// ---- states ----

void fleet_settle(fleet_t *fleet)
{
    for (size_t i = 0; i < fleet->count; i++)
        if (fleet->nodes[i].pid)
            mem_free(fleet_do(fleet, i, "status --wait-synced 60"));
}

void fleet_assert_same(fleet_t *fleet)
{
    char *first = NULL;
    for (size_t i = 0; i < fleet->count; i++) {
        if (!fleet->nodes[i].pid)
            continue;
        char *digest = fleet_do(fleet, i, "digest");
        if (first)
            assert_string_equal(first, digest);
        mem_free(first);
        first = digest;
    }
    mem_free(first);
}

bool fleet_status_shows(fleet_t *fleet, size_t node, const char *needle, unsigned ms)
{
    uint64_t end = now_ms() + ms;
    do {
        char *text = fleet_do(fleet, node, "status --json");
        bool found = strstr(text, needle) != NULL;
        mem_free(text);
        if (found)
            return true;
    } while (now_ms() < end);
    return false;
}

// ---- looking ----

const char *fleet_dir(const fleet_t *fleet)
{
    return fleet->dir;
}

const char *fleet_node_dir(const fleet_t *fleet, size_t node)
{
    return fleet->nodes[node].dir;
}

const char *fleet_endpoint(const fleet_t *fleet, size_t node)
{
    return fleet->nodes[node].endpoint;
}

char *fleet_log(const fleet_t *fleet, size_t node)
{
    return read_file(fleet->nodes[node].log);
}
