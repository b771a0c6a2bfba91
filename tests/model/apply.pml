/* daemon/core/apply.c, feeds.c, membership.c: everything that comes ends here, in
 * the turn of node n (vlog, vstop, vaside, vcard).
 *
 * Inlines run within a d_step, where of several true guards the first is taken:
 * a selection is a ladder, as it is in the code. */
#define TAKEN       0
#define ALREADY     1 /* nothing in it that is not held */
#define REFUSED     2
#define CONTRADICTS 3
#define BOUNDLESS   7

/* membership_reach: the number up to which the key of the feed's commits counts. */
inline reach_of(f) {
    xreach = BOUNDLESS;
#if defined(CUTS) && !defined(NO_CUT)
    if
    :: (f) == 0 && vcard -> xreach = LEN(cut)
    :: else
    fi
#endif
}
/* membership_authority, after reach_of */
#define MAY_END(r) (LEN(r) < xreach || (LEN(r) == xreach && (r) == cut))
#define AT_CUT(r)  (LEN(r) == xreach && (r) == cut)

/* apply_signature(): there is one, and it is the origin's. Digit 3 is not. */
#if defined(NO_SIGNATURE)
#define HOLDS(r, s) 1
#elif defined(ANY_KEY)
#define HOLDS(r, s) ((s) & SIGNED)
#elif defined(CUTS)
#define HOLDS(r, s) (((s) & SIGNED) && (f == 1 || DIGIT(r, LEN(r)) != 3))
#else
#define HOLDS(r, s) (((s) & SIGNED) && DIGIT(r, LEN(r)) != 3)
#endif

/* fence_close: on disk with the turn; in memory even if the turn is taken back. */
inline close_fence(n, why) {
#ifdef FENCE
    if
    :: n == O && (fenced == OPEN || why == FORKED) -> fenced = why; turn = 1
    :: else
    fi
#else
    skip
#endif
}

inline halt(n, f, why) {
    if
    :: !vstop[f] ->
        turn = 1;
        vstop[f] = why;
        fetch[AT(n, f)] = 0;
        pending[AT(n, f)] = 0
    :: else
    fi
}

/* feed_fork, by a proof */
inline stop_forked(n, f, r) {
    close_fence(n, FORKED);
    halt(n, f, DIVERGED);
    if
    :: f == 0 ->
        vaside = r;
        for (xi : 0 .. ENDS - 1) {
            owe_fork[xi] = owe_fork[xi] || (OWNER(xi) == n && session[xi])
        }
    :: else
    fi
}

/* proof_contradicts() */
#ifdef PROOF_UNSIGNED
#define PROVEN(r, s) 1
#else
#define PROVEN(r, s) HOLDS(r, s)
#endif
inline contradict(n, f, r, s) {
    xwhat = REFUSED;
    if
#ifndef REMOVAL
    :: f == 0 && vcard && cut -> /* the root has decided: ended_otherwise() */
        if
        :: BEGINS(cut, r) -> halt(n, f, BEYOND_CUT)
        :: else
        fi
#endif
    :: !MAY_END(r) || xreach <= xhead || !PROVEN(r, s)
    :: else ->
        xwhat = CONTRADICTS;
        both = 1;
        turn = 1;
#ifdef TAKE_BACK
        vlog[f] = r;
#endif
#ifndef NO_STOP
        stop_forked(n, f, r)
#endif
    fi
}

/* heads_changed: whoever brought it and the origin are told by an acknowledgement. */
inline moved(n, f, from) {
    for (xi : 0 .. ENDS - 1) {
        if
        :: OWNER(xi) == n && session[xi] && (xi == from || OWNER(OTHER(xi)) == O) ->
            owe_ack[END(xi, f)] = 1
        :: else
        fi
    }
}

/* take() and relay() */
inline take(n, f, r, from) {
    close_fence(n, LATER);
    xwhat = TAKEN;
    turn = 1;
    vlog[f] = r;
    news = news | (1 << f);
    moved(n, f, from)
}

/* check_chain() for authority, vouched_for() */
inline check_and_take(n, f, r, s, from) {
    xend = r;
    if
    :: !MAY_END(r) && LEN(cut) > xhead && BEGINS(cut, r) -> xend = cut
    :: else
    fi;
    if
    :: !MAY_END(xend) -> xwhat = REFUSED
    :: !HOLDS(xend, s) && !AT_CUT(xend) -> xwhat = REFUSED
    :: else ->
        rules_take(xend, s);
        take(n, f, xend, from)
    fi
}

#define BEHIND(r, k) ((r) & ~PRE(255, k)) /* what of r comes after number k */

/* apply_held: another commit than ours for one number, or after one */
#define PARTS_FROM(f, p, r) ((LEN(p) < xhead && LEN(r) >= xhead && PRE(r, xhead) != vlog[f]) || \
                          (LEN(p) == xhead && xhead && p != vlog[f]))

/* apply_run(): the commits after p up to r; s says whether the last is signed. */
inline apply(n, f, p, r, s, from) {
    xhead = LEN(vlog[f]);
    reach_of(f);
    if
    :: vstop[f] -> xwhat = REFUSED
#ifdef NO_CHAIN_CHECK
    :: LEN(r) > xhead && LEN(p) <= xhead ->
        xp = vlog[f] | BEHIND(r, xhead);
        check_and_take(n, f, xp, s, from)
#else
    :: PARTS_FROM(f, p, r) -> contradict(n, f, r, s)
    :: LEN(r) > xhead && LEN(p) <= xhead -> check_and_take(n, f, r, s, from)
#endif
#ifdef NO_STALE_CHECK
    :: LEN(r) == xhead && LEN(p) < xhead ->
        again = 1;
        take(n, f, r, from)
#endif
    :: LEN(r) <= xhead -> xwhat = ALREADY
#ifdef NO_GAP_CHECK
    :: LEN(p) > xhead && LEN(r) > LEN(p) ->
        xp = vlog[f] | BEHIND(r, LEN(p));
        check_and_take(n, f, xp, s, from)
#endif
    :: else -> xwhat = REFUSED
    fi
}

/* proof_on_proof: a proof is never taken for the log. What goes on from our head is
 * a claim, and of our own feed it stops us; what lies below, the log knows. */
inline judge(e, n, f, p, r, s) {
    xhead = LEN(vlog[f]);
    reach_of(f);
    if
    :: vstop[f]
    :: PARTS_FROM(f, p, r) -> contradict(n, f, r, s)
    :: LEN(r) > xhead ->
        if
        :: n == O && p == vlog[f] && MAY_END(r) && HOLDS(r, s) -> close_fence(n, LATER)
        :: else
        fi;
        claim(e, n, f, r)
    :: PRE(vlog[f], LEN(r)) != r -> contradict(n, f, r, s)
    :: else
    fi
}

/* enforce_cut(), of a card that starts an epoch, or (REMOVAL) of a roster: that decides
 * no fork, but cuts it where it is */
inline enforce_cut(n) {
#ifndef NO_ENFORCE
    if
#ifdef NO_ABSENCE /* a lane that the card does not name */
    :: !cut && vlog[0]
#endif
    :: LEN(vlog[0]) > LEN(cut) || (LEN(cut) && LEN(vlog[0]) == LEN(cut) && vlog[0] != cut) ->
#ifdef CUT_ERASES
        vlog[0] = PRE(vlog[0], LEN(cut));
#endif
        halt(n, 0, BEYOND_CUT);
        vstop[0] = BEYOND_CUT
#ifndef REMOVAL
    :: vstop[0] == DIVERGED ->
        vstop[0] = GOES;
        knows_both[n] = 0
#endif
    :: else
    fi
#else
    skip
#endif
}
