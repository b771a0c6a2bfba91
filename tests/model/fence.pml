/* The origin's start and its fence: lib/marker.c, daemon/boot.c, daemon/core/fence.c. */
#ifndef FENCE
#define WRITES 1
#else

#ifdef NO_FENCE
#define AGREES 1
#elif defined(NO_FLOORS)
#define AGREES (mark1 && (mark1 == nonce || mark2 == nonce))
#else
#define AGREES (mark1 && (mark1 == nonce || mark2 == nonce) && LEN(log[AT(O, 0)]) >= mark_heads)
#endif

/* boot_read and, where there has to be one, the fence on disk. */
inline boot_compare() {
    fence = (!AGREES && fence == OPEN -> RESTORED : fence);
    fenced = fence;
    mark_heads = MAX(mark_heads, LEN(log[AT(O, 0)]));
    boot = FENCED;
    printf("O compares: nonce %d, marker %d %d, heads %d, log %d%d%d: fence %d\n", nonce, mark1,
           mark2, mark_heads, SHOW(log[AT(O, 0)]), fence);
    rules_disk(O)
}

/* boot_agree, in three steps */
inline boot_both() {
    nonces++;
    next_nonce = nonces;
#ifdef MARKER_ONE_STEP
    mark1 = next_nonce;
    mark2 = 0;
#else
    mark1 = nonce;
    mark2 = next_nonce;
#endif
#ifdef POWER_CUTS
    mark_synced = mark_heads;
#endif
    boot = TWO
}
inline boot_tell() {
    nonce = next_nonce;
    boot = TOLD
}
inline boot_done() {
    mark1 = nonce;
    mark2 = 0;
    next_nonce = 0;
    boot = UP;
    printf("O is up\n");
    up[O] = 1;
    fenced = fence;
    floors = (fence == RESTORED -> mark_heads : 0)
}

/* ---- lifting ---- */

#ifdef LIFT_UNFETCHED
#define IS_HERE(e) 1
#else
#define IS_HERE(e) (LEN(word[e]) < LEN(log[AT(O, 0)]) || word[e] == log[AT(O, 0)])
#endif
#define HAS_TOLD(e) (answered[e] && IS_HERE(e))
#ifdef TWO_PEERS
#ifdef FENCE_ANY_PEER
#define TOLD_BY_ALL (HAS_TOLD(0) || HAS_TOLD(2))
#else
#define TOLD_BY_ALL (HAS_TOLD(0) && HAS_TOLD(2))
#endif
#elif defined(UNNAMED)
#define TOLD_BY_ALL (HAS_TOLD(0) && (!answered[3] || HAS_TOLD(3)))
#else
#define TOLD_BY_ALL HAS_TOLD(0)
#endif
#define LIFTS (fenced == RESTORED && fence == RESTORED && TOLD_BY_ALL && \
               LEN(log[AT(O, 0)]) >= floors)

inline lift() {
    printf("O is to write again\n");
    fenced = OPEN;
    turn = 1
}

/* own_append: being_fetched() */
#ifdef NO_CLAIM_WAIT
#define BEING_FETCHED 0
#else
#define BEING_FETCHED (fetch[AT(O, 0)] && \
                       held[END(fetch[AT(O, 0)] - 1, 0)] > LEN(log[AT(O, 0)]))
#endif
#define WRITES (fenced == OPEN && fence == OPEN && !BEING_FETCHED)
#endif
