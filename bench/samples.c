#include "bench/samples.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void samples_add(samples_t *samples, double value)
{
    mem_grow(&samples->values, &samples->capacity, samples->count, sizeof *samples->values);
    samples->values[samples->count++] = value;
}

void samples_clear(samples_t *samples)
{
    mem_free(samples->values);
    *samples = (samples_t){0};
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

// Interpolated linearly between the two nearest, as most tools do it (Hyndman and Fan,
// "Sample Quantiles in Statistical Packages", 1996: type 7).
double samples_quantile(const samples_t *samples, double share)
{
    if (samples->count == 0)
        return 0;
    double *sorted = mem_alloc_array(samples->count, sizeof *sorted);
    memcpy(sorted, samples->values, samples->count * sizeof *sorted);
    qsort(sorted, samples->count, sizeof *sorted, by_size);
    double place = share * (double)(samples->count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < samples->count ? below + 1 : below;
    double value = sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
    mem_free(sorted);
    return value;
}

double samples_min(const samples_t *samples)
{
    return samples_quantile(samples, 0);
}

double samples_max(const samples_t *samples)
{
    return samples_quantile(samples, 1);
}
