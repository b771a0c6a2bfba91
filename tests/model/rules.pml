/* What must hold: docs/protocol.md, section 12. Each assertion begins with its name. */

#define WHOLE(p) ((p) < 4 || ((p) < 16 && DIGIT(p, 1)) || (DIGIT(p, 1) && DIGIT(p, 2)))
#define FORGED(p) (DIGIT(p, 1) == 3 || DIGIT(p, 2) == 3 || DIGIT(p, 3) == 3)

/* Whatever a node names or gives is on its disk. */
#define ON_DISK(n, f, p) BEGINS(p, (early -> vlog[f] : log[AT(n, f)]))
inline rules_give(n, f, p) { /* commits: published, served, answered */
    assert(I6_publish_after_durable || ON_DISK(n, f, p));
    rules_shown(n, p)
}
inline rules_tell(n, f, p) { /* Heads, Ack */
    assert(I7_honest_acknowledgement || ON_DISK(n, f, p));
    rules_shown(n, p)
}

/* The origin's own doing, where a thief signs as well: of each number that it has
 * shown to anybody, the commit that it wrote. */
#if defined(THIEF) && defined(FENCE)
#define IS_OWN(p) (((p) < 31 -> (own0 >> (p)) : (own1 >> ((p) - 31))) & 1)
inline rules_shown(n, p) {
    if
    :: n == O ->
        for (xwho : 1 .. LEN(p)) {
            assert(I5_no_self_equivocation || !IS_OWN(PRE(p, xwho)) || !shown[xwho - 1] ||
                   shown[xwho - 1] == PRE(p, xwho));
            shown[xwho - 1] = (IS_OWN(PRE(p, xwho)) -> PRE(p, xwho) : shown[xwho - 1])
        }
    :: else
    fi
}
#else
inline rules_shown(n, p) {
    skip
}
#endif

/* Whatever is taken ends in a signature that holds, or at the cut. */
inline rules_take(r, s) {
    assert(I16_verified_signature || ((s) & SIGNED) || (vcard && (r) == cut))
}

/* What a node has on disk, whenever that has changed. */
inline rules_disk(n) {
    assert(I2_no_silent_gap || WHOLE(log[AT(n, 0)]));
    assert(I10_ownership || !FORGED(log[AT(n, 0)]));
    assert(I1_prefix || IS_SIGNED(log[AT(n, 0)]));
    assert(I4_cursor_atomicity || cursor[AT(n, 0)] == LEN(log[AT(n, 0)]));
    assert(I3_exactly_once || view[AT(n, 0)] == PRE(21, LEN(log[AT(n, 0)])));
#ifdef THIEF
    assert(I8_fork_containment || !knows_both[n] || stop[AT(n, 0)]);
    assert(I8_fork_containment || !stop[AT(n, 0)] || frozen[n] == NOBODY ||
           frozen[n] == log[AT(n, 0)]);
    frozen[n] = (stop[AT(n, 0)] -> log[AT(n, 0)] : NOBODY);
#else
    /* Nobody else has the key: two chains, wherever, are the origin's own doing. */
    assert(I5_no_self_equivocation || KIN(log[AT(n, 0)], log[AT(O, 0)]));
    assert(I5_no_self_equivocation || KIN(log[AT(n, 0)], log[AT(R, 0)]));
    assert(I5_no_self_equivocation || KIN(log[AT(n, 0)], log[AT(F, 0)]));
    assert(no_false_fork || stop[AT(n, 0)] != DIVERGED);
#endif
#ifdef CUTS
    /* What came after card 2 is not beyond its cut: by number, and at it by its hash.
     * What was there before and is, is flagged. */
    assert(I9_authority_up_to_its_cut || !card[n] || log[AT(n, 0)] == at_card[n] ||
           LEN(log[AT(n, 0)]) < LEN(cut) || log[AT(n, 0)] == cut);
    assert(I9_authority_up_to_its_cut || !card[n] || LEN(log[AT(n, 0)]) < LEN(cut) ||
           log[AT(n, 0)] == cut || stop[AT(n, 0)]);
#ifdef EPOCH
    assert(I9_authority_up_to_its_cut || !log[AT(n, 1)] || card[n]);
#endif
#endif
#if defined(FENCE) && !defined(THIEF)
    assert(no_false_fence || !fence || was_restored);
#endif
}

/* What is on disk only grows: nothing that was shown is taken back. */
inline rules_grow(n, f) {
    assert(I8_nothing_taken_back || BEGINS(PRE(log[AT(n, f)], cursor[AT(n, f)]), vlog[f]))
}

/* What is taken for held in a session is held. Not where there are forks or
 * lies: what a proof says is taken for a claim (goes_on). */
inline rules_held(e) {
#if defined(THIEF) || defined(FORGER)
    skip
#else
    assert(I7_honest_acknowledgement || !session[e] || !session[OTHER(e)] ||
           held[END(e, 0)] <= LEN(log[AT(OWNER(OTHER(e)), 0)]))
#endif
}
