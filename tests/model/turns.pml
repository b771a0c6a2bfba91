/* daemon/driver.c, daemon/core/core.c: a turn reaches the disk and only then
 * anything leaves; daemon/store/log.c: what one transaction writes.
 *
 * A turn ends in one of these ways. That a node dies before the turn is on disk
 * is the same as dying before it began. */

inline begin(n) {
    for (xi : 0 .. NF - 1) {
        vlog[xi] = PRE(log[AT(n, xi)], cursor[AT(n, xi)]);
        vstop[xi] = stop[AT(n, xi)]
    }
    vaside = aside[n];
    vcard = card[n]
}

inline end() {
    turn = 0;
    speaks = 0;
    news = 0;
    for (xi : 0 .. NF - 1) {
        vlog[xi] = 0;
        vstop[xi] = 0
    }
    vaside = 0;
    vcard = 0;
    both = 0;
    again = 0
}

/* store_append for each change of the turn: it counts once more in the view. */
inline append(n, f) {
    for (xi : cursor[AT(n, f)] + 1 .. LEN(vlog[f])) {
        view[AT(n, f)] = view[AT(n, f)] + (1 << (2 * (xi - 1)))
    }
    rules_grow(n, f);
    log[AT(n, f)] = vlog[f];
    stop[AT(n, f)] = vstop[f]
}

inline to_disk(n) {
    if
    :: vcard && !card[n] ->
        at_card[n] = vlog[0];
        for (xe : 0 .. ENDS - 1) {
            owe_card[xe] = owe_card[xe] || (OWNER(xe) == n && session[xe])
        }
    :: else
    fi;
    if
    :: again -> view[AT(n, 0)] = view[AT(n, 0)] + (1 << (2 * (LEN(vlog[0]) - 1)))
    :: else
    fi;
#ifdef FENCE
    if
    :: n == O -> fence = fenced
    :: else
    fi;
#endif
    for (xj : 0 .. NF - 1) {
        append(n, xj)
    }
    aside[n] = vaside;
    card[n] = vcard;
    knows_both[n] = knows_both[n] || both
}
inline cursor_to_disk(n) {
    for (xj : 0 .. NF - 1) {
        cursor[AT(n, xj)] = LEN(vlog[xj])
    }
}

inline speak(n) {
    if
    :: speaks -> rules_give(O, 0, log[AT(O, 0)])
    :: else
    fi;
    for (xj : 0 .. NF - 1) {
        if
        :: news & (1 << xj) -> publish(n, xj)
        :: else
        fi
    }
    emit(n)
}

/* boot_follow: the marker says how far the origin has come. */
inline mark(n) {
#ifdef FENCE
    if
    :: n == O ->
        mark_heads = MAX(mark_heads, LEN(log[AT(O, 0)]));
#if defined(POWER_CUTS) && !defined(MARKER_UNSYNCED)
        mark_synced = mark_heads
#endif
    :: else
    fi
#else
    skip
#endif
}

/* Nothing of the memory is left; what is under way on the lines is. */
inline die(n) {
    printf("%c dies\n", NAME(n));
    up[n] = 0;
    for (xe : 0 .. ENDS - 1) {
        if
        :: OWNER(xe) == n -> lose(xe, n)
        :: else
        fi
    }
    for (xi : 0 .. NF - 1) {
        pending[AT(n, xi)] = 0;
        fetch[AT(n, xi)] = 0
    }
#ifdef FENCE
    if
    :: n == O ->
        boot = DOWN;
        fenced = fence;
        floors = 0;
        for (xe : 0 .. ENDS - 1) {
            answered[xe] = 0;
            word[xe] = 0
        }
    :: else
    fi
#endif
}

/* ---- the ways a turn ends ---- */

inline commits(n) {
    if
    :: turn -> printf("%c commits %d%d%d, fence and stop %d\n", NAME(n), SHOW(vlog[0]), vstop[0])
    :: else
    fi;
    to_disk(n);
    cursor_to_disk(n);
    rules_disk(n);
    mark(n);
    speak(n);
    end()
}

/* It dies with the turn on disk and nothing said. */
inline falls_silent(n) {
    printf("%c dies with the turn on disk, unsaid\n", NAME(n));
    crashes--;
    to_disk(n);
    cursor_to_disk(n);
    rules_disk(n);
    die(n);
    end()
}

/* The disk refuses it: all stands as it stood before, but for a fence that closed
 * and what was on its way. */
inline is_taken_back(n) {
    printf("%c takes the turn back\n", NAME(n));
    for (xi : 0 .. NF - 1) {
        fetch[AT(n, xi)] = 0;
        pending[AT(n, xi)] = 0
    }
    for (xi : 0 .. ENDS * NF - 1) {
        owe_ack[xi] = owe_ack[xi] && !(OWNER(xi / NF) == n)
    }
#ifdef FENCE
    if
    :: n == O && fenced == OPEN -> fenced = fence
    :: else
    fi;
#endif
    emit(n);
    end()
}

/* Sabotage: log and view are on disk, the cursor is not, and it dies. */
inline falls_between(n) {
    printf("%c dies between log and cursor\n", NAME(n));
    crashes--;
    to_disk(n);
    die(n);
    rules_disk(n);
    end()
}

/* Sabotage: the origin has spoken, its marker does not say so, and it dies. */
inline dies_unmarked(n) {
    printf("%c speaks and dies unmarked\n", NAME(n));
    crashes--;
    to_disk(n);
    cursor_to_disk(n);
    rules_disk(n);
    speak(n);
    die(n);
    end()
}

/* Sabotage: what is said before the turn is on disk, by a node that then dies. */
inline swap(n) {
    for (xi : 0 .. NF - 1) {
        xp = vlog[xi];
        vlog[xi] = log[AT(n, xi)];
        log[AT(n, xi)] = xp
    }
}
inline says_too_early(n) {
    printf("%c speaks before its turn is on disk, and dies\n", NAME(n));
    crashes--;
    early = 1;
    swap(n);
#ifdef ANSWER_EARLY
    if
    :: speaks -> rules_give(O, 0, log[AT(O, 0)])
    :: else
    fi;
#elif defined(ACK_EARLY)
    emit(n);
#else
    for (xj : 0 .. NF - 1) {
        if
        :: news & (1 << xj) -> publish(n, xj)
        :: else
        fi
    }
#endif
    swap(n);
    early = 0;
    die(n);
    end()
}

/* One of them, right after what began the turn. */
#if defined(PUBLISH_EARLY) || defined(ACK_EARLY) || defined(ANSWER_EARLY)
#define SABOTAGED(n) :: d_step { turn && crashes -> says_too_early(n); done }
#elif defined(SPLIT_TURN)
#define SABOTAGED(n) :: d_step { turn && crashes -> falls_between(n); done }
#elif defined(MARKER_LATE)
#define SABOTAGED(n) :: d_step { turn && crashes -> dies_unmarked(n); done }
#else
#define SABOTAGED(n)
#endif
#if defined(NO_STALE_CHECK) && !defined(NO_CAS)
#define CURSOR_STANDS (!again)
#else
#define CURSOR_STANDS 1
#endif
#define TURN_ENDS(n) \
    if \
    :: d_step { CURSOR_STANDS -> commits(n); done } \
    :: d_step { turn && crashes && CURSOR_STANDS -> falls_silent(n); done } \
    :: d_step { turn && failures -> failures--; is_taken_back(n); done } \
    :: d_step { !CURSOR_STANDS -> is_taken_back(n); done } \
    SABOTAGED(n) \
    fi
