// A namespace lives as long as a process in it, so each has one that does nothing: no names
// are left behind under /run/netns, whatever happens to us.
#include "bench/cable.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/machine.h"
#include "lib/mem.h"

enum { ENDS = 2 };

struct cable {
    pid_t holders[ENDS];
    int networks[ENDS];
};

static const char *const addresses[ENDS] = {"10.99.0.1", "10.99.0.2"};

// ---- the namespaces ----

static void hold(int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int err = unshare(CLONE_NEWNET) ? errno : 0;
    if (write(ready, &err, sizeof err) != sizeof err || err)
        _exit(1);
    for (;;)
        pause();
}

static int open_network(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

// errno's value, 0 where it is there.
static int hold_network(cable_t *cable, cable_end_t end)
{
    int ends[2], err = EIO;
    if (pipe2(ends, O_CLOEXEC))
        return errno;
    cable->holders[end] = fork();
    if (cable->holders[end] == 0)
        hold(ends[1]);
    close(ends[1]);
    if (cable->holders[end] < 0 || read(ends[0], &err, sizeof err) != sizeof err)
        err = EIO;
    close(ends[0]);
    if (!err && (cable->networks[end] = open_network(cable->holders[end])) < 0)
        err = errno;
    return err;
}

// ---- what joins them ----

static bool run(const char *command)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

// One MTU a packet, as on a real wire: otherwise the kernel passes on up to 64 KiB under one
// header, and counts that.
static bool join(const cable_t *cable)
{
    char *command = mem_format("nsenter --net=/proc/%d/ns/net ip link add e0 type veth peer name "
                               "e0 netns %d",
                               (int)cable->holders[CABLE_LEFT], (int)cable->holders[CABLE_RIGHT]);
    bool joined = run(command);
    mem_free(command);
    return joined;
}

static bool configure(const cable_t *cable, cable_end_t end, unsigned rate_kbit)
{
    char limit[96] = "";
    if (rate_kbit)
        snprintf(limit, sizeof limit,
                 " && tc qdisc add dev e0 root tbf rate %ukbit burst 1600 latency 1s", rate_kbit);
    char *command = mem_format("nsenter --net=/proc/%d/ns/net sh -c '"
                               "echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/all/disable_ipv6;"
                               "ip link set e0 gso_max_segs 1 && ip addr add %s/30 dev e0 &&"
                               "ip link set e0 up%s'",
                               (int)cable->holders[end], addresses[end], limit);
    bool configured = run(command);
    mem_free(command);
    return configured;
}

cable_t *cable_new(unsigned rate_kbit, char *why, size_t why_size)
{
    cable_t *cable = mem_alloc(sizeof *cable);
    int err = hold_network(cable, CABLE_LEFT);
    if (!err)
        err = hold_network(cable, CABLE_RIGHT);
    if (!err && join(cable) && configure(cable, CABLE_LEFT, rate_kbit) &&
        configure(cable, CABLE_RIGHT, rate_kbit))
        return cable;
    if (err)
        snprintf(why, why_size, "no network namespace of its own: %s; run it as root",
                 strerror(err));
    else
        snprintf(why, why_size, "ip or tc failed, see above; scripts/deps.sh bench installs them");
    cable_destroy(&cable);
    return NULL;
}

void cable_destroy(cable_t **cable_pointer)
{
    cable_t *cable = *cable_pointer;
    for (size_t i = 0; i < ENDS; i++) {
        if (cable->networks[i] > 0)
            close(cable->networks[i]);
        if (cable->holders[i] > 0) {
            kill(cable->holders[i], SIGKILL);
            waitpid(cable->holders[i], NULL, 0);
        }
    }
    mem_free(cable);
    *cable_pointer = NULL;
}

// ---- looking ----

int cable_network(const cable_t *cable, cable_end_t end)
{
    return cable->networks[end];
}

const char *cable_address(cable_end_t end)
{
    return addresses[end];
}

// proc(5), net/dev: behind the name eight numbers of what came, then of what went.
uint64_t cable_bytes(const cable_t *cable)
{
    static const char name[] = "e0:";
    char path[64], line[512];
    uint64_t bytes = 0;
    snprintf(path, sizeof path, "/proc/%d/net/dev", (int)cable->holders[CABLE_LEFT]);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *at = line + strspn(line, " ");
        if (strncmp(at, name, strlen(name)) != 0)
            continue;
        at += strlen(name);
        bytes = machine_number_at(at, 0) + machine_number_at(at, 8);
    }
    if (file)
        fclose(file);
    return bytes;
}
