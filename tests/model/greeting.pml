/* The greeting of a session, and that no message of one has an effect in another
 * (I11): daemon/core/greeting.c, sessions.c; docs/protocol.md, section 6.
 *
 * A dialling side and a listening one open a session after the other. Each time
 * what was queued in the connection before is lost or may still come, both ways, in
 * its order, at any time before or between what is new: each connection has a pipe of
 * its own in a socket. Ids are what session_id() makes of both nonces; that a hash has
 * no collisions is taken for granted. */
#ifndef ROUNDS
#define ROUNDS 3
#endif
#define HELLO   1 /* nonce */
#define WELCOME 2 /* echo of the Hello's nonce, nonce, id */
#define DATA    3 /* id */
#define BYE     4 /* id */

#define ID(hello, welcome) ((hello) * 8 + (welcome))

chan to_listener = [5] of { byte, byte, byte, byte, byte }; /* kind, nonce, echo, id, round */
chan to_dialler  = [5] of { byte, byte, byte, byte, byte };
chan old_to_listener = [5] of { byte, byte, byte, byte, byte };
chan old_to_dialler  = [5] of { byte, byte, byte, byte, byte };

byte round;                 /* of the connection that is up; what no side knows */
bit  up;
byte given;                 /* nonces are never given twice */
byte nonce[2], id[2];       /* 0 the dialling side, 1 the listening one */
bit  ready[2];
byte opened[2];             /* the round in which a side became ready */
byte sent[2];               /* in this round */

hidden byte I11_session_isolation, I11_agreement;
hidden byte xkind, xnonce, xecho, xid, xround, xi;

#ifdef NO_NONCE
#define BELONGS(side) 1
#else
#define BELONGS(side) (xid == id[side])
#endif
#ifdef BYE_UNCHECKED
#define BYE_BELONGS(side) 1
#else
#define BYE_BELONGS(side) (!ready[side] || BELONGS(side))
#endif
#ifdef NO_ECHO
#define ECHOES 1
#else
#define ECHOES (xecho == nonce[0] && xid == ID(nonce[0], xnonce))
#endif

inline fresh(side) {
#ifdef NONCE_REUSED
    nonce[side] = side + 1
#else
    given++;
    nonce[side] = given
#endif
}

inline close_it() {
    up = 0;
    ready[0] = 0;
    ready[1] = 0;
    id[0] = 0;
    id[1] = 0
}

/* What has an effect on a session is of it. A side that has none yet closes for
 * whatever is no greeting (no-hello), and dials again. */
inline has_effect(side) {
    assert(I11_session_isolation || !ready[side] || xround == opened[side])
}

inline become_ready(side) {
    ready[side] = 1;
    opened[side] = round;
    assert(I11_agreement || !ready[1 - side] || id[0] == id[1])
}

inline drop_all(queue) {
    do
    :: len(queue) > 0 -> queue?xkind, xnonce, xecho, xid, xround
    :: else -> break
    od
}

/* What is left of the connection before, at most as much as a queue holds. */
inline keep_all(queue, old) {
    do
    :: len(queue) > 0 ->
        queue?xkind, xnonce, xecho, xid, xround;
        if
        :: len(old) < 5 -> old!xkind, xnonce, xecho, xid, xround
        :: else
        fi
    :: else -> break
    od
}

inline dial() {
    round++;
    up = 1;
    sent[0] = 0;
    sent[1] = 0;
    fresh(0);
    fresh(1);
    to_listener!HELLO, nonce[0], 0, 0, round
}

proctype connection() {
    do
    :: d_step { !up && round < ROUNDS ->
        drop_all(to_listener);
        drop_all(to_dialler);
        drop_all(old_to_listener);
        drop_all(old_to_dialler);
        dial() }
    :: d_step { !up && round < ROUNDS && (len(to_listener) > 0 || len(to_dialler) > 0) ->
        keep_all(to_listener, old_to_listener);
        keep_all(to_dialler, old_to_dialler);
        dial() }
    :: d_step { up -> close_it() }
    od
}

inline listener_hears(queue) {
    queue?xkind, xnonce, xecho, xid, xround;
    if
    :: xkind == HELLO && ready[1] -> close_it() /* unexpected */
    :: xkind == HELLO ->
        id[1] = ID(xnonce, nonce[1]);
        become_ready(1);
        to_dialler!WELCOME, nonce[1], xnonce, id[1], round
    :: xkind == BYE && BYE_BELONGS(1) ->
        has_effect(1);
        close_it()
    :: xkind == DATA && !ready[1] -> close_it() /* no-hello */
    :: xkind == DATA && BELONGS(1) -> has_effect(1)
    :: else
    fi
}

inline say(side, kind, queue) {
    queue!kind, 0, 0, id[side], round
}

proctype listener() {
    do
    :: d_step { up && len(to_listener) > 0 && len(to_dialler) < 5 -> listener_hears(to_listener); skip }
    :: d_step { up && len(old_to_listener) > 0 && len(to_dialler) < 5 ->
        listener_hears(old_to_listener); skip }
    :: d_step { up && ready[1] && sent[1] < 2 && len(to_dialler) < 5 ->
        sent[1] = sent[1] + 1;
        say(1, DATA, to_dialler) }
    :: d_step { up && ready[1] && len(to_dialler) < 5 ->
        say(1, BYE, to_dialler);
        close_it() }
    od
}

inline dialler_hears(queue) {
    queue?xkind, xnonce, xecho, xid, xround;
    if
    :: xkind == WELCOME && (ready[0] || !ECHOES) -> close_it()
    :: xkind == WELCOME ->
        id[0] = xid;
        become_ready(0)
    :: xkind == BYE && BYE_BELONGS(0) ->
        has_effect(0);
        close_it()
    :: xkind == DATA && !ready[0] -> close_it()
    :: xkind == DATA && BELONGS(0) -> has_effect(0)
    :: else
    fi
}

proctype dialler() {
    do
    :: d_step { up && len(to_dialler) > 0 -> dialler_hears(to_dialler); skip }
    :: d_step { up && len(old_to_dialler) > 0 -> dialler_hears(old_to_dialler); skip }
    :: d_step { up && ready[0] && sent[0] < 2 && len(to_listener) < 5 ->
        sent[0] = sent[0] + 1;
        say(0, DATA, to_listener) }
    :: d_step { up && ready[0] && len(to_listener) < 5 ->
        say(0, BYE, to_listener);
        close_it() }
    od
}

init {
    atomic {
        run connection();
        run dialler();
        run listener()
    }
}
