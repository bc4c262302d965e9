/* clock: the only source of "now". Real, or simulated for scenarios and the demo.
 * Times are int64_t milliseconds UTC since 1970. Any thread. */
#ifndef ENGINE_BASE_CLOCK_H
#define ENGINE_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now(void);       /* UTC ms; real, or the simulated base plus what was advanced */
int64_t clock_monotonic(void); /* ms since some start; never simulated: for deadlines of I/O */
int64_t clock_steady(void);    /* as clock_now, but whoever sets the real clock does not move it: for spans within one life of the process */
int64_t clock_processor(void); /* ms that the calling thread has worked */
/* Simulated time: running = it goes on from `at` at real speed (demo), else it stands still (scenarios). */
void clock_simulate(int64_t at, int running);
void clock_advance(int64_t ms); /* only while simulated */
int clock_is_simulated(void);

#endif
