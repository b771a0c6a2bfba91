// For tests that kill a daemon in the middle of something: ENLACE_TEST_HOOK names
// the step at which it dies. Unset, nothing happens.
#ifndef ENLACE_DAEMON_HOOK_H
#define ENLACE_DAEMON_HOOK_H

void hook_die(const char *step);

#endif
