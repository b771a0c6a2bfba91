#include "daemon/charter.h"

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"

static err_t store_all(store_t *store, const charter_t *charter, fault_t *fault)
{
    err_t err = store_add_roster(store, charter->roster, fault);
    for (size_t i = 0; i < charter->card_count && !err; i++)
        err = store_add_card(store, charter->cards[i], fault);
    if (!err)
        err = store_commit(store, fault);
    if (err)
        store_rollback(store);
    return err;
}

static err_t check_self(const charter_t *charter, const card_t *own, const keys_t *keys,
                        fault_t *fault)
{
    const member_t *member = roster_member(charter->roster, &own->origin);
    if (!member)
        return fault_set(fault, ERR_NOT_A_MEMBER, own->code.text,
                         "the accepted charter does not name this node");
    if (!key_equal(&own->signing_key, &keys->signing_public) ||
        !key_equal(&own->transport_key, &keys->transport_public))
        return fault_set(fault, ERR_BAD_KEY_FILE, "keys",
                         "the keys are not those of this node's card");
    return ERR_OK;
}

static err_t install(store_t *store, const charter_t *charter, fault_t *fault)
{
    snapshot_t snapshot;
    err_t err = store_snapshot(store, &snapshot, fault);
    if (err)
        return err;
    if (snapshot.roster_count == 0)
        err = store_all(store, charter, fault);
    else if (!hash_equal(&snapshot.rosters[0]->hash, &charter->roster->hash))
        err = fault_set(fault, ERR_OTHER_CHARTER, "charter",
                        "the database belongs to another coalition than the accepted charter");
    snapshot_clear(&snapshot);
    return err;
}

err_t charter_install(const char *dir, store_t *store, const keys_t *keys, origin_t *self,
                      fault_t *fault)
{
    charter_t *charter = NULL;
    card_t *own = NULL;
    err_t err = home_card(dir, &own, fault);
    if (!err)
        err = home_charter(dir, &charter, fault);
    if (!err)
        err = check_self(charter, own, keys, fault);
    if (!err)
        err = install(store, charter, fault);
    if (!err)
        *self = own->origin;
    card_destroy(&own);
    charter_destroy(&charter);
    return err;
}

buf_t charter_consent(const hash_t *coalition)
{
    Enlace__V1__Consent consent = ENLACE__V1__CONSENT__INIT;
    consent.has_coalition = 1;
    consent.coalition.data = (uint8_t *)(uintptr_t)coalition->bytes;
    consent.coalition.len = HASH_SIZE;
    consent.has_version = 1;
    consent.version = 1;
    return bounded_pack(&consent.base);
}
