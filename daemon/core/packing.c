// Runs that go packed (lib/compress.h): where the peer takes that, and the link to it is
// slower than packing. That is judged by how long a run waits for credit, which comes as
// fast as the peer receives. A link that carries what there is makes nothing wait, and
// pays nothing.
//
// I12: what comes packed is bounded by the size that was told with its first part, before
// it is unpacked. I15: what is unpacked is the run's bytes as the server had them.
#include "daemon/core/internal.h"

#include "lib/compress.h"

void packing_begin(session_t *session, uint32_t packings)
{
    session->packs = (packings & PACKING_ZSTD) != 0;
    session->pace = session->peer->pace; // as it was found last
}

void packing_wait(const core_t *core, session_t *session)
{
    if (session->waiting)
        return;
    session->waiting = true;
    session->wait_ms = core->now_ms;
    session->wait_bytes = session->charged - session->wait_charged;
    session->wait_charged = session->charged;
}

// More than a moment, and little came through: a short wait says no more than that a
// session has just begun, or that the other side was at its disk.
void packing_credit(const core_t *core, session_t *session)
{
    if (!session->waiting)
        return;
    uint64_t took_ms = core->now_ms - session->wait_ms;
    bool fast = session->wait_bytes * 1000 >= took_ms * PACKING_RATE;
    session->waiting = false;
    if (fast || took_ms >= PACKING_WAIT_MS)
        session->pace = session->peer->pace = fast ? PACE_FAST : PACE_SLOW;
}

// Of a link that nothing is known of, a run is packed that does not fit its credit and so
// will wait: that happens until it has waited once.
static bool is_to_pack(const session_t *session, size_t size)
{
    uint64_t credit = session->allowance - session->charged;
    if (!session->packs || session->pace == PACE_FAST)
        return false;
    return session->pace == PACE_SLOW || size + CHARGE_OVERHEAD > credit;
}

void packing_run(session_t *session, span_t run)
{
    buf_free(&session->run);
    session->run_unpacked = 0;
    if (is_to_pack(session, run.size) && compress(run, &session->run))
        session->run_unpacked = (uint32_t)run.size;
    else
        buf_append(&session->run, run);
}
