/* What may go wrong, each as often as the configuration lets it. */

/* What was on the line when the last session ended is gone, or comes yet. */
inline connect(e) {
    printf("%c and %c open a session\n", NAME(OWNER(e)), NAME(OWNER(OTHER(e))));
    ready(e, OWNER(e));
    ready(OTHER(e), OWNER(OTHER(e)));
    emit(OWNER(e));
    emit(OWNER(OTHER(e)))
}
inline forget(e) {
    printf("%c loses its session with %c\n", NAME(OWNER(e)), NAME(OWNER(OTHER(e))));
    lose(e, OWNER(e));
    emit(OWNER(e)) /* follow_source_gone */
}
#define CAN_CONNECT(e) (!session[e] && up[OWNER(e)] && up[OWNER(OTHER(e))])

proctype line(byte e) {
    do
    :: d_step { CAN_CONNECT(e) ->
        lose(OTHER(e), OWNER(OTHER(e))); /* replace_older */
        flush(e);
        flush(OTHER(e));
        connect(e); done }
#ifdef STALE_QUEUE
    :: d_step { CAN_CONNECT(e) && (len(inbox[e]) || len(inbox[OTHER(e)])) ->
        lose(OTHER(e), OWNER(OTHER(e)));
        keep(e);
        keep(OTHER(e));
        connect(e); done }
#endif
    :: d_step { session[e] && !session[OTHER(e)] -> forget(e); done } /* it notices */
    :: d_step { session[e] && losses -> losses--; forget(e); done }
    :: d_step { session[OTHER(e)] && losses -> losses--; forget(OTHER(e)); done }
    od
}

/* A database, put back as it was. */
inline put_back(n, what) {
    restores--;
    xp = what;
    printf("%c is put back to %d%d%d\n", NAME(n), SHOW(xp));
    log[AT(n, 0)] = xp;
    view[AT(n, 0)] = PRE(21, LEN(xp));
    cursor[AT(n, 0)] = LEN(xp);
    stop[AT(n, 0)] = GOES;
    aside[n] = 0;
    knows_both[n] = 0;
    frozen[n] = NOBODY
}
inline put_back_origin() {
    put_back(O, copy_log);
    nonce = copy_nonce;
    fence = copy_fence;
    fenced = fence;
    was_restored = 1;
    copy_log = 0; /* of no use any more */
    copy_nonce = 0;
    copy_fence = 0
}

/* Who has the origin's key signs something else after a beginning. */
inline steal(e, p) {
    thefts--;
    xto = p + (2 << (2 * LEN(p)));
    sign(xto);
    printf("a thief signs %d%d%d\n", SHOW(xto));
    inbox[e]!LEAK, 0, p, xto, SIGNED
}
#define MAY_STEAL(e, p) (thefts && len(inbox[e]) < Q && LEN(p) < N)

/* Another run in the place of the one that comes next. */
inline instead_of(e, from, to, flags) {
    inbox[e]?xkind, xf, xfrom, xto, xflags;
    xto = to;
    xfrom = from;
    inbox[e]!RUN, 0, xfrom, xto, flags
}

inline leave_out(e) {
    inbox[e]?xkind, xf, xfrom, xto, xflags;
    xfrom = (LEN(xto) > LEN(xfrom) + 1 -> PRE(xto, LEN(xfrom) + 1) : xfrom);
    inbox[e]!RUN, 0, xfrom, xto, xflags
}

proctype faults() {
    do
#ifdef LIVENESS
    :: true -> skip /* runs have no end: fairness is looked at in cycles */
#else
    :: false -> skip
#endif
#ifdef RESTORE_FOLLOWERS
    :: d_step { restores && !up[F] && log[AT(F, 0)] ->
        put_back(F, PRE(log[AT(F, 0)], LEN(log[AT(F, 0)]) - 1)); done }
    :: d_step { restores && !up[R] && log[AT(R, 0)] ->
        put_back(R, PRE(log[AT(R, 0)], LEN(log[AT(R, 0)]) - 1)); done }
#endif
#ifdef FENCE
#define MAY_RESTORE (restores && copy_made && boot == DOWN && !up[O])
    :: d_step { restores && !copy_made && boot == UP ->
        copy_made = 1;
        printf("a copy is made of O\n");
        copy_log = log[AT(O, 0)];
        copy_nonce = nonce;
        copy_fence = fence }
#ifndef MARKER_TOO
    :: d_step { MAY_RESTORE -> put_back_origin(); done }
#else
    /* the whole machine, marker and all */
    :: d_step { MAY_RESTORE ->
        put_back_origin();
        mark1 = nonce;
        mark2 = 0;
        mark_heads = LEN(log[AT(O, 0)]) }
#endif
#ifdef MARKER_LOST
    :: d_step { MAY_RESTORE -> put_back_origin(); mark1 = 0; mark2 = 0; mark_heads = 0 }
#endif
#ifdef POWER_CUTS
    :: d_step { boot == DOWN && !up[O] && mark_heads != mark_synced -> mark_heads = mark_synced }
#endif
#endif
#ifdef THIEF
    :: d_step { MAY_STEAL(1, 0) -> steal(1, 0) }
    :: d_step { log[AT(R, 0)] && MAY_STEAL(1, log[AT(R, 0)]) -> steal(1, log[AT(R, 0)]) }
    :: d_step { MAY_STEAL(2, 0) -> steal(2, 0) }
    :: d_step { log[AT(F, 0)] && MAY_STEAL(2, log[AT(F, 0)]) -> steal(2, log[AT(F, 0)]) }
    :: d_step { log[AT(R, 0)] && MAY_STEAL(2, log[AT(R, 0)]) -> steal(2, log[AT(R, 0)]) }
    :: d_step { MAY_STEAL(0, 0) -> steal(0, 0) }
    :: d_step { log[AT(O, 0)] && MAY_STEAL(0, log[AT(O, 0)]) -> steal(0, log[AT(O, 0)]) }
#endif
#ifdef FORGER
    /* A relay that says what the origin has not signed, alone or in the place of a run,
     * without a signature or under its own; or leaves a commit out. */
    :: d_step { len(inbox[2]) < Q && log[AT(R, 0)] && LEN(log[AT(R, 0)]) < N ->
        inbox[2]!PROOF, 0, log[AT(R, 0)], log[AT(R, 0)] | (3 << (2 * LEN(log[AT(R, 0)]))), 0 }
#ifdef FORGER_PROVES
    :: d_step { len(inbox[2]) < Q && log[AT(F, 0)] -> inbox[2]!PROOF, 0, 0, 3, 0 }
#endif
    :: d_step { FIRST_IS(2, RUN) -> instead_of(2, xfrom, xfrom | (3 << (2 * LEN(xfrom))), 0) }
#ifdef FORGER_SIGNS
    :: d_step { FIRST_IS(2, RUN) -> instead_of(2, xfrom, xfrom | (3 << (2 * LEN(xfrom))), SIGNED) }
#endif
    :: d_step { FIRST_IS(2, RUN) ->
        leave_out(2) }
#endif
    od
}
