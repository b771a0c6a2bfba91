/* What nodes do: hear, write, die and come back. Each process is one of their
 * hands, so that each has its share of the time (fairness). */

/* commit_author: no two commits have the same content, for their salts differ. Of
 * each number the model has two. */
#define ONE_MORE(f, digit) (log[AT(O, f)] + ((digit) << (2 * LEN(log[AT(O, f)]))))
#define CONTENTS_LEFT (!IS_SIGNED(ONE_MORE(0, 1)) || !IS_SIGNED(ONE_MORE(0, 2)))
inline author(f) {
    begin(O);
    turn = 1;
    speaks = (f == 0);
    if
    :: f -> vlog[f] = 3
    :: else ->
        vlog[f] = (IS_SIGNED(ONE_MORE(0, 1)) -> ONE_MORE(0, 2) : ONE_MORE(0, 1));
        sign(vlog[f]);
        write_down(vlog[f])
    fi;
    news = 1 << f;
    printf("O writes: feed %d, %d%d%d\n", f, SHOW(vlog[f]));
    moved(O, f, NOBODY)
}

/* own_epoch, with the root's card, or (REMOVAL) a roster that leaves the origin that cut:
 * it ends epoch 1 at p. */
inline end_epoch(n, p) {
    begin(n);
    epoch_started = 1;
    printf("%c ends epoch 1 at %d%d%d\n", NAME(n), SHOW(p));
    cut = p;
    turn = 1;
    vcard = 1;
    enforce_cut(n);
#ifdef FENCE
    fenced = (n == O -> OPEN : fenced)
#endif
}

inline subscribed(e, n, f) {
    xto = pub[END(e, f)];
    pub[END(e, f)] = 0;
    begin(n);
    printf("%c is told by publication: feed %d, %d%d%d\n", NAME(n), f, SHOW(xto));
    on_publication(e, n, f, xto)
}

/* What a node's beacon says that it holds counts as if its Heads had said it: sooner or
 * later, as often as it is of use. */
#define BEACON_TELLS(e, n) (up[n] && session[e] && session[OTHER(e)] && !len(inbox[e]) && \
                            !len(inbox[OTHER(e)]) && log[AT(n, 0)] && \
                            log[AT(n, 0)] != log[AT(OWNER(OTHER(e)), 0)])

/* One end of a link. */
proctype link_end(byte e) {
    byte n = OWNER(e);
    do
    :: atomic {
        if
        :: d_step { up[n] && session[e] && len(inbox[e]) && !FIRST_IS(e, FETCH) ->
            receive(e, n, 1); done }
        :: d_step { up[n] && session[e] && FIRST_IS(e, FETCH) && ROOM(e) ->
            receive(e, n, 1); done }
#ifdef PIECEMEAL
        :: d_step { up[n] && session[e] && FIRST_IS(e, FETCH) && ROOM(e) ->
            receive(e, n, 0); done }
#endif
        :: d_step { up[n] && session[e] && pub[END(e, 0)] -> subscribed(e, n, 0); done }
#ifdef BEACONS
        :: d_step { BEACON_TELLS(e, n) ->
            begin(n);
            SAY(e, ACK, 0, 0, log[AT(n, 0)], SIGNED); done }
#endif
#ifdef EPOCH
        :: d_step { up[n] && session[e] && pub[END(e, 1)] -> subscribed(e, n, 1); done }
#endif
        fi;
        TURN_ENDS(n)
    }
    :: pub[END(e, 0)] -> pub[END(e, 0)] = 0 /* lost */
#ifdef EPOCH
    :: pub[END(e, 1)] -> pub[END(e, 1)] = 0
#endif
    od
}

/* drain_pending() */
inline drain(n) {
    xto = pending[AT(n, 0)];
    pending[AT(n, 0)] = 0;
    begin(n);
    apply(n, 0, PRE(xto, LEN(xto) - 1), xto, SIGNED, NOBODY)
}

/* It is cut where who cuts it has its log end, one before, or where the other side of the
 * fork does. */
#define MAY_END_IT(n) (up[n] && !card[n] && !epoch_started)
#define ONE_LESS(n)   PRE(log[AT(n, 0)], LEN(log[AT(n, 0)]) - 1)

proctype node(byte n) {
    do
#ifdef REMOVAL /* the relay counts the votes first */
    :: atomic {
        if
        :: d_step { n == R && MAY_END_IT(R) -> end_epoch(R, log[AT(R, 0)]); done }
        :: d_step { n == R && MAY_END_IT(R) && log[AT(R, 0)] -> end_epoch(R, ONE_LESS(R)); done }
        :: d_step { n == R && MAY_END_IT(R) && aside[R] -> end_epoch(R, aside[R]); done }
        fi;
        TURN_ENDS(n)
    }
#endif
    :: atomic {
        d_step { up[n] && pending[AT(n, 0)] &&
                 LEN(pending[AT(n, 0)]) <= LEN(log[AT(n, 0)]) + 1 -> drain(n); done };
        TURN_ENDS(n)
    }
    :: d_step { !up[n] && n != O -> up[n] = 1; done }
    :: d_step { up[n] && crashes -> crashes--; die(n); done }
    od
}

/* may_write() */
#ifdef WRITES_BELOW
#define KEY_REACHES (!card[O] || LEN(log[AT(O, 0)]) < LEN(cut))
#else
#define KEY_REACHES (!card[O])
#endif

proctype origin() {
    do
    :: atomic {
        if
        :: d_step { up[O] && LEN(log[AT(O, 0)]) < N && !stop[AT(O, 0)] && KEY_REACHES && WRITES &&
                    CONTENTS_LEFT -> author(0); done }
#ifdef EPOCH
        :: d_step { up[O] && !log[AT(O, 1)] && card[O] -> author(1); done }
#endif
#if defined(CUTS) && !defined(REMOVAL)
        :: d_step { MAY_END_IT(O) -> end_epoch(O, log[AT(O, 0)]); done }
        :: d_step { MAY_END_IT(O) && log[AT(O, 0)] -> end_epoch(O, ONE_LESS(O)); done }
        :: d_step { MAY_END_IT(O) && aside[O] -> end_epoch(O, aside[O]); done }
#endif
#ifdef FENCE
        :: d_step { up[O] && fenced != fence -> begin(O); turn = 1 } /* owed */
        :: d_step { up[O] && LIFTS -> begin(O); lift() }
#endif
        fi;
        TURN_ENDS(O)
    }
#ifdef FENCE
    :: d_step { !up[O] && boot == DOWN -> boot_compare(); done }
    :: d_step { !up[O] && boot == FENCED -> boot_both(); done }
    :: d_step { !up[O] && boot == TWO -> boot_tell(); done }
    :: d_step { !up[O] && boot == TOLD -> boot_done(); done }
    :: d_step { !up[O] && boot != DOWN && crashes -> crashes--; boot = DOWN; next_nonce = 0 }
#else
    :: d_step { !up[O] -> up[O] = 1; done }
#endif
    od
}
