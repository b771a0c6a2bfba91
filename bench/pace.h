// Time as a load is given by it.
#ifndef ENLACE_BENCH_PACE_H
#define ENLACE_BENCH_PACE_H

// Waits until machine_now says `when`; at once where that has passed.
void pace_until(double when);

#endif
