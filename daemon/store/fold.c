// The rules of the fold: I2, what cannot be shown is parked with a reason; I10,
// a record is changed by its own origin alone; I14, headers decide.
//
//  1. A CHANGE_RECORD without target creates a record; the record's id is the
//     position (epoch, lane, number) of that change, of that origin.
//  2. A CHANGE_RECORD with a target revises, a CHANGE_RETRACT retracts the record
//     that its target names. Record and change are of one origin and one lane;
//     the target is of an earlier epoch, or of the same epoch with a lower number.
//     A change whose target is anything else, or is held and creates no record,
//     counts for nothing (parked: bad-target). One whose target is of an earlier
//     epoch and has not arrived counts for nothing until it has (parked: not-yet-here).
//  3. The changes of a record are ordered by (epoch, number), whatever the order
//     in which they arrived. The first CHANGE_RETRACT in that order ends the
//     record: it stands, the state is retracted (2), and what comes after it
//     counts for nothing (parked: retracted). Without one, the newest
//     CHANGE_RECORD stands and the state is standing (1).
//  4. The revision of a record is how many of its changes count, the creation and
//     the retraction included.
//  5. Rules 1 to 4 need headers only, so that every version, with or without the
//     payloads, comes to the same digest: the sum modulo 2^256 of digest_term()
//     (lib/crypto.h) over the records of lanes 0 and 1.
//  6. Content is that of the newest counting CHANGE_RECORD that is readable:
//     min_reader known here (else needs-newer-reader), payload present (else
//     payload-missing, payload-erased) and not spoilt on the disk (else damaged),
//     decodes as a Record of a known kind with a key in the form of keys, or none
//     (else bad-content), and, where the creation itself is readable, of its kind
//     (else kind-fixed) and with its key (else key-fixed). The reason why the newest
//     counting one is not readable is the record's note. Every counting CHANGE_RECORD
//     that is not readable is parked. A retraction needs no content.
//  7. CHANGE_CONSENT adds nothing to the view. Types not known here are parked
//     (unknown-change-type). Lanes from 2 on are stored and add nothing.
//
// The view is thus a function of the set of changes.
#include "daemon/store/fold.h"

#include "lib/commit.h"

bool fold_target_fits(position_t at, position_t target)
{
    if (at.lane != target.lane || target.epoch > at.epoch)
        return false;
    return target.epoch < at.epoch || target.number < at.number;
}

void fold_create(fold_t *fold, position_t creation)
{
    *fold = (fold_t){FOLD_STANDING, 1, creation, creation};
}

bool fold_next(fold_t *fold, position_t at, uint32_t type)
{
    if (fold->state == FOLD_RETRACTED)
        return false;
    fold->revision++;
    fold->stands = at;
    if (type == CHANGE_RETRACT)
        fold->state = FOLD_RETRACTED;
    else
        fold->newest = at;
    return true;
}

bool fold_counts(const fold_t *fold, position_t at)
{
    return fold->state == FOLD_STANDING || position_compare(at, fold->stands) <= 0;
}

fold_verdict_t fold_insert(fold_t *fold, position_t at, uint32_t type)
{
    if (!fold_counts(fold, at))
        return FOLD_NOTHING;
    if (position_compare(at, fold->stands) > 0)
        return fold_next(fold, at, type) ? FOLD_COUNTS : FOLD_NOTHING;
    if (type == CHANGE_RETRACT)
        return FOLD_AGAIN;
    fold->revision++;
    if (position_compare(at, fold->newest) > 0)
        fold->newest = at; // the last word before the retraction
    return FOLD_COUNTS;
}

hash_t fold_term(const fold_t *fold, const origin_t *origin, position_t record,
                 const hash_t *commitment)
{
    return digest_term(origin, record, fold->stands, commitment, (uint8_t)fold->state);
}
