#include "bench/arrivals.h"

#include <pthread.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/watch.h"
#include "lib/mem.h"

enum { WAIT_MS = 1000 };

struct arrivals {
    watch_t *watch;
    uint64_t before; // apply number of the last change that is not looked for
    uint64_t count;
    double *seen;
    pthread_t thread;
};

static void *look(void *context)
{
    arrivals_t *arrivals = context;
    uint64_t here = 0;
    while (here < arrivals->count) {
        uint64_t last = watch_tail(arrivals->watch, arrivals->before + here, WAIT_MS);
        double at = machine_now();
        for (; here < arrivals->count && arrivals->before + here < last; here++)
            arrivals->seen[here] = at;
    }
    return NULL;
}

arrivals_t *arrivals_start(const char *dir, uint64_t count)
{
    arrivals_t *arrivals = mem_alloc(sizeof *arrivals);
    arrivals->watch = watch_open(dir);
    // Lane 0 has apply numbers, too: a node's first record is not number 1.
    arrivals->before = watch_applied(arrivals->watch);
    arrivals->count = count;
    arrivals->seen = mem_alloc_array(count, sizeof *arrivals->seen);
    if (pthread_create(&arrivals->thread, NULL, look, arrivals))
        abort();
    return arrivals;
}

double arrivals_end(arrivals_t **arrivals_pointer, const double *called, uint64_t skip,
                    samples_t *delays)
{
    arrivals_t *arrivals = *arrivals_pointer;
    pthread_join(arrivals->thread, NULL);
    for (uint64_t i = skip; i < arrivals->count; i++)
        samples_add(delays, (arrivals->seen[i] - called[i]) * 1e3);
    double last = arrivals->seen[arrivals->count - 1];
    watch_close(&arrivals->watch);
    mem_free(arrivals->seen);
    mem_free(arrivals);
    *arrivals_pointer = NULL;
    return last;
}
