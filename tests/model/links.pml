/* Sessions and what goes over them: daemon/core/greeting.c, heads.c, sources.c,
 * follow.c, parts.c, serve.c. */

/* ---- opening and losing ---- */

#ifdef KEEP_TOLD /* sabotage: what one session was told counts in the next */
#define FORGET_TOLD(e, f) skip
#else
#define FORGET_TOLD(e, f) told[END(e, f)] = 0
#endif

/* What a socket that reconnects still has queued: nothing, or all of it. */
inline flush(e) {
    do
    :: len(inbox[e]) -> inbox[e]?xkind, xf, xfrom, xto, xflags
    :: else -> break
    od
}

/* ready(): nothing is known of the peer yet; what it lacks is owed to it. */
inline ready(e, n) {
    session[e] = 1;
    for (xi : 0 .. NF - 1) {
        held[END(e, xi)] = 0;
        FORGET_TOLD(e, xi);
        owe_ack[END(e, xi)] = (OWNER(OTHER(e)) == O && log[AT(n, xi)] != 0);
        pub[END(e, xi)] = 0
    }
#ifndef QUIET_GREETING /* sabotage: who has nothing to tell says nothing */
    owe_heads[e] = 1;
#endif
    owe_card[e] = card[n];
    owe_fork[e] = (stop[AT(n, 0)] == DIVERGED); /* proof_greet */
#ifdef FENCE
    if
    :: n == O -> answered[e] = 0; word[e] = 0 /* fence_expect */
    :: else
    fi
#endif
}

inline lose(e, n) {
    session[e] = 0;
    for (xi : 0 .. NF - 1) {
        held[END(e, xi)] = 0;
        FORGET_TOLD(e, xi);
        owe_ack[END(e, xi)] = 0;
        pub[END(e, xi)] = 0;
        fetch[AT(n, xi)] = (fetch[AT(n, xi)] == e + 1 -> 0 : fetch[AT(n, xi)])
    }
    owe_heads[e] = 0;
    owe_card[e] = 0;
    owe_fork[e] = 0;
#ifndef STALE_QUEUE
    flush(e)
#endif
}

inline keep(e) {
    for (xi : 1 .. len(inbox[e])) {
        inbox[e]?xkind, xf, xfrom, xto, xflags;
        inbox[e]!xkind, xf, xfrom, xto, (xflags | STALE)
    }
}

/* ---- saying ---- */

#define ROOM(e) (len(inbox[OTHER(e)]) < Q)
#ifdef STALE_QUEUE
#define SAY(e, kind, f, from, to, flags) inbox[OTHER(e)]!kind, f, from, to, flags
#else
/* What is said to a side that has lost the session is never heard. */
#define SAY(e, kind, f, from, to, flags) \
    if \
    :: session[OTHER(e)] -> inbox[OTHER(e)]!kind, f, from, to, flags \
    :: else \
    fi
#endif

inline tell(e, n, kind, f) {
    assert(I13_monotony || LEN(log[AT(n, f)]) >= told[END(e, f)]);
    told[END(e, f)] = LEN(log[AT(n, f)]);
    rules_tell(n, f, log[AT(n, f)]);
    SAY(e, kind, f, 0, log[AT(n, f)], SIGNED)
}

#define IS_NEWS(e, n, f) (LEN(log[AT(n, f)]) > MAX(held[END(e, f)], told[END(e, f)]))
/* What is held of the peer's own feed goes before all other heads (L2). */
#ifdef HEADS_FIRST
#define ACKS_MAY_GO(e) (!owe_heads[e])
#define ACKS_ARE_OUT(e, f) 1
#else
#define ACKS_MAY_GO(e) 1
#define ACKS_ARE_OUT(e, f) (!owe_ack[END(e, f)])
#endif

/* heads_flush for one feed: acknowledgements, then news. */
inline tell_feed(e, n, f) {
    if
    :: owe_ack[END(e, f)] && ROOM(e) && !owe_card[e] && ACKS_MAY_GO(e) ->
        owe_ack[END(e, f)] = 0;
        tell(e, n, ACK, f)
    :: else
    fi;
    if
    :: ROOM(e) && !owe_card[e] && !owe_ack[END(e, f)] && IS_NEWS(e, n, f) ->
        owe_heads[e] = owe_heads[e] && f != 0;
        tell(e, n, HEADS, f)
    :: ROOM(e) && !owe_card[e] && ACKS_ARE_OUT(e, f) && f == 0 && owe_heads[e] ->
        owe_heads[e] = 0;
        SAY(e, HEADS, 0, 0, 0, SIGNED)
    :: else
    fi
}

/* What a node has to say to one peer. It may have to wait for room. */
inline tell_peer(e, n) {
    if
    :: up[n] && session[e] ->
        if
        :: owe_card[e] && ROOM(e) ->
            owe_card[e] = 0;
            SAY(e, CARD, 0, 0, 0, SIGNED)
        :: else
        fi;
        if
        :: owe_fork[e] && !owe_card[e] && ROOM(e) ->
            owe_fork[e] = 0;
            SAY(e, FORK, 0, log[AT(n, 0)], aside[n], SIGNED)
        :: else
        fi;
        for (xj : 0 .. NF - 1) {
            tell_feed(e, n, xj)
        }
    :: else
    fi
}

/* follow_plan() and choose(): the origin itself before others. Nobody waits for
 * what lies beyond the reach. */
inline plan(n, f) {
    if
    :: up[n] && !stop[AT(n, f)] && !fetch[AT(n, f)] ->
        xbest = NOBODY;
        for (xi : 0 .. ENDS - 1) {
            if
            :: OWNER(xi) == n && session[xi] && ROOM(xi) && held[END(xi, f)] > LEN(log[AT(n, f)]) &&
               (xbest == NOBODY || OWNER(OTHER(xi)) == O) -> xbest = xi
            :: else
            fi
        }
        xreach = BOUNDLESS;
#ifdef CUTS
        xreach = (f == 0 && card[n] -> LEN(cut) : BOUNDLESS);
#endif
        if
        :: xbest != NOBODY && xreach > LEN(log[AT(n, f)]) ->
            fetch[AT(n, f)] = xbest + 1;
            SAY(xbest, FETCH, f, log[AT(n, f)], 0, SIGNED)
        :: else
        fi
    :: else
    fi
}

inline publish(n, f) {
#ifdef NO_PUBLICATIONS
    xe = 0
#else
    for (xe : 0 .. ENDS - 1) {
        if
        :: !DIALS(xe) && OWNER(xe) == n && session[OTHER(xe)] ->
            rules_give(n, f, log[AT(n, f)]);
            pub[END(OTHER(xe), f)] = log[AT(n, f)]
        :: else
        fi
    }
#endif
}

/* All that a node has to say, after its turn. */
inline emit(n) {
    for (xe : 0 .. ENDS - 1) {
        if
        :: OWNER(xe) == n -> tell_peer(xe, n)
        :: else
        fi
    }
    for (xq : 0 .. NF - 1) {
        plan(n, xq)
    }
}

/* ---- hearing ---- */

/* What peers tell of the origin's own feed matters while it is fenced as restored,
 * and that begins with its start. */
#define HEEDS (fenced == RESTORED)

/* heads_claim() */
inline claim(e, n, f, to) {
    held[END(e, f)] = MAX(held[END(e, f)], LEN(to));
#ifdef FENCE
    if
    :: n == O && f == 0 && HEEDS && LEN(to) >= LEN(word[e]) -> word[e] = to /* fence_hear */
    :: else
    fi;
#endif
    /* One number, two hashes: its side of the fork is asked for (follow_probe). */
    if
    :: to && LEN(to) == LEN(vlog[f]) && to != vlog[f] && !vstop[f] && ROOM(e) ->
        SAY(e, FETCH, f, vlog[f], 0, SIGNED)
    :: else
    fi
}

inline on_heads(e, n, f, to, kind) {
    claim(e, n, f, to);
#ifdef FENCE
    if
    :: n == O && kind == HEADS && HEEDS -> answered[e] = 1
    :: else
    fi
#endif
}

/* claim_unmet() */
inline unmet(e, n, f) {
    held[END(e, f)] = (held[END(e, f)] < LEN(vlog[f]) -> held[END(e, f)] : LEN(vlog[f]));
#ifdef FENCE
    if
    :: n == O -> answered[e] = 0; word[e] = 0
    :: else
    fi
#endif
}

inline on_run(e, n, f, from, to, flags) {
    if
    :: fetch[AT(n, f)] != e + 1 /* of a fetch that has ended */
    :: else ->
        fetch[AT(n, f)] = 0;
        apply(n, f, from, to, flags, e);
        if
        :: xwhat == TAKEN -> held[END(e, f)] = MAX(held[END(e, f)], LEN(vlog[f]))
        :: held[END(e, f)] > LEN(vlog[f]) -> unmet(e, n, f)
        :: else
        fi
    fi
}

/* serve_run_read(): up to the cut; a commit at a time, or all. */
inline on_fetch(e, n, f, from, all) {
    reach_of(f);
    xtop = PRE(log[AT(n, f)], (xreach < 3 -> xreach : 3));
    if
    :: LEN(from) > LEN(log[AT(n, f)]) -> SAY(e, NOPE, f, 0, 0, SIGNED)
    :: PRE(log[AT(n, f)], LEN(from)) != from ->
        rules_give(n, f, log[AT(n, f)]);
        SAY(e, PROOF, f, PRE(log[AT(n, f)], LEN(from) - 1), log[AT(n, f)], SIGNED);
        /* diverged(): it is asked for its own side in turn */
        if
        :: !vstop[f] && PRE(log[AT(n, f)], LEN(from)) && ROOM(e) ->
            SAY(e, FETCH, f, PRE(log[AT(n, f)], LEN(from)), 0, SIGNED)
        :: else
        fi
    :: LEN(xtop) <= LEN(from) -> SAY(e, RUN, f, from, from, SIGNED)
    :: else ->
        xtop = (all -> xtop : PRE(xtop, LEN(from) + 1));
        rules_give(n, f, xtop);
        SAY(e, RUN, f, from, xtop, SIGNED);
        owe_fork[e] = owe_fork[e] || (f == 0 && xtop == log[AT(n, 0)] && vstop[0] == DIVERGED)
    fi
}

inline on_nope(e, n, f) {
    if
    :: fetch[AT(n, f)] == e + 1 ->
        fetch[AT(n, f)] = 0;
        unmet(e, n, f)
    :: else
    fi
}

inline on_proof(e, n, f, from, to, flags) {
    judge(e, n, f, from, to, flags);
    on_nope(e, n, f) /* which comes with it */
}

/* Both runs begin where the chains part. */
inline on_fork(e, n, ours, theirs, flags) {
    xp = 0;
    do
    :: DIGIT(ours, xp + 1) && DIGIT(ours, xp + 1) == DIGIT(theirs, xp + 1) -> xp++
    :: else -> break
    od;
    xend = PRE(ours, xp);
    judge(e, n, 0, xend, theirs, flags);
    judge(e, n, 0, xend, ours, flags)
}

inline on_card(n) {
    if
    :: !vcard ->
        turn = 1;
        vcard = 1;
        enforce_cut(n);
        close_fence(n, LATER)
    :: else
    fi
}

/* A message of another session is dropped (I11). */
#ifdef NO_NONCE
#define BELONGS(flags) 1
#else
#define BELONGS(flags) (!((flags) & STALE))
#endif

inline dispatch(e, n, all) {
    if
    :: !BELONGS(xflags)
    :: xf && !vcard && xkind != CARD /* an epoch that no card has started */
    :: xkind == HEADS || xkind == ACK -> on_heads(e, n, xf, xto, xkind)
    :: xkind == FETCH -> on_fetch(e, n, xf, xfrom, all)
    :: xkind == RUN -> on_run(e, n, xf, xfrom, xto, xflags)
    :: xkind == PROOF -> on_proof(e, n, xf, xfrom, xto, xflags)
    :: xkind == NOPE -> on_nope(e, n, xf)
#ifdef THIEF
    :: xkind == FORK -> on_fork(e, n, xfrom, xto, xflags)
    :: xkind == LEAK -> apply(n, 0, xfrom, xto, xflags, NOBODY)
#endif
    :: else -> on_card(n)
    fi;
    rules_held(e)
}

#define FIRST_IS(e, kind) inbox[e]?[kind, xf, xfrom, xto, xflags]
inline receive(e, n, all) {
    inbox[e]?xkind, xf, xfrom, xto, xflags;
    /* that made room for what the other side has to say */
    tell_peer(OTHER(e), OWNER(OTHER(e)));
    for (xq : 0 .. NF - 1) {
        plan(OWNER(OTHER(e)), xq)
    }
    begin(n);
    printf("%c hears kind %d of %c: feed %d, %d%d%d to %d%d%d, flags %d\n", NAME(n), xkind,
           NAME(OWNER(OTHER(e))), xf, SHOW(xfrom), SHOW(xto), xflags);
    dispatch(e, n, all)
}

/* published_commit() */
inline on_publication(e, n, f, to) {
    if
    :: f && !vcard
    :: LEN(to) > LEN(vlog[f]) + 1 ->
        claim(e, n, f, to);
        pending[AT(n, f)] = (vstop[f] -> 0 : to)
    :: vstop[f]
    :: else ->
        apply(n, f, PRE(to, LEN(to) - 1), to, SIGNED, e);
        if
        :: xwhat == TAKEN || xwhat == ALREADY ->
            held[END(e, f)] = MAX(held[END(e, f)], LEN(to))
        :: else
        fi
    fi;
    rules_held(e)
}
