#include "bench/machine.h"

#include <ftw.h>
#include <protobuf-c/protobuf-c.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>
#include <zstd.h>

#include "bench/samples.h"

double machine_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// ---- what it is ----

static void read_model(char *model, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(model, size, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(model, size, "%s", colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

json_t *machine_versions(void)
{
    char zmq[32];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    snprintf(zmq, sizeof zmq, "%d.%d.%d", major, minor, patch);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "enlace", ENLACE_VERSION,
                     "compiler", __VERSION__, "sqlite", sqlite3_libversion(), "zeromq", zmq,
                     "sodium", sodium_version_string(), "protobuf-c", protobuf_c_version(), "zstd",
                     ZSTD_versionString(), "jansson", jansson_version_str());
}

// A file where the nodes are, too.
static int open_scratch(void)
{
    char path[256];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/enlace-bench-XXXXXX", dir && strlen(dir) < 200 ? dir : "/tmp");
    int fd = mkstemp(path);
    if (fd >= 0)
        unlink(path);
    return fd;
}

// How long one page more takes until it is on the disk, in ms: the median of a hundred. 0
// where it cannot be tried.
static double sync_ms(void)
{
    static const char page[4096] = "page";
    samples_t times = {0};
    int fd = open_scratch();
    for (off_t i = 0; fd >= 0 && i < 100; i++) {
        double began = machine_now();
        if (pwrite(fd, page, sizeof page, i * (off_t)sizeof page) < 0 || fdatasync(fd) != 0)
            break;
        samples_add(&times, (machine_now() - began) * 1e3);
    }
    if (fd >= 0)
        close(fd);
    double median = samples_quantile(&times, 0.5);
    samples_clear(&times);
    return median;
}

json_t *machine_describe(void)
{
    struct utsname system;
    char model[256], date[32];
    time_t now = time(NULL);
    struct tm broken;
    uname(&system);
    read_model(model, sizeof model);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken));
    json_int_t memory = (json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    return json_pack("{s:s, s:I, s:I, s:f, s:s, s:s}", "processor", model, "processors",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory", memory, "sync_ms",
                     sync_ms(), "kernel", system.release, "date", date);
}

// ---- what was taken of it ----

static bool read_text(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return true;
}

uint64_t machine_number_at(const char *text, unsigned place)
{
    for (; place > 0; place--) {
        text += strspn(text, " ");
        text += strcspn(text, " ");
    }
    return strtoull(text, NULL, 10);
}

double process_cpu(pid_t pid)
{
    char text[1024];
    if (!read_text(pid, "stat", text, sizeof text))
        return 0;
    // proc(5): the name, in parentheses, may hold anything; what follows is field 3 and on,
    // and 14 and 15 are the times.
    const char *after = strrchr(text, ')');
    uint64_t ticks =
        after ? machine_number_at(after + 1, 11) + machine_number_at(after + 1, 12) : 0;
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

uint64_t process_resident(pid_t pid)
{
    char text[256];
    if (!read_text(pid, "statm", text, sizeof text))
        return 0;
    return machine_number_at(text, 1) * (uint64_t)sysconf(_SC_PAGESIZE);
}

// nftw gives its callback no context: the sum of this thread's walk.
static _Thread_local uint64_t walked;

static int add_file(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (type == FTW_F)
        walked += (uint64_t)file->st_blocks * 512;
    return 0;
}

uint64_t disk_bytes(const char *dir)
{
    walked = 0;
    nftw(dir, add_file, 16, FTW_PHYS);
    return walked;
}
