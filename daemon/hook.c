#include "daemon/hook.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

void hook_die(const char *step)
{
    const char *hook = getenv("ENLACE_TEST_HOOK");
    if (hook && strcmp(hook, step) == 0)
        raise(SIGKILL);
}
