#include "daemon/core/machine.h"

#include <assert.h>

// Tables are short and changes of state rare: a scan.
static const machine_row_t *row_of(const machine_t *machine, unsigned state, unsigned event)
{
    for (size_t i = 0; i < machine->row_count; i++)
        if (machine->rows[i].state == state && machine->rows[i].event == event)
            return &machine->rows[i];
    return NULL;
}

bool machine_takes(const machine_t *machine, unsigned state, unsigned event)
{
    return row_of(machine, state, event) != NULL;
}

unsigned machine_move(const machine_t *machine, unsigned state, unsigned event)
{
    const machine_row_t *row = row_of(machine, state, event);
    assert(row && "a state that does not take this event");
    return row->next;
}

const machine_t *const core_machines[] = {
    &session_machine, &follower_machine, &own_machine, &fence_machine, &fork_machine, NULL,
};
