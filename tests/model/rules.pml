/* What must hold: docs/protocol.md, section 12. Each assertion begins with its name. */

#define WHOLE(p) ((p) < 4 || ((p) < 16 && DIGIT(p, 1)) || (DIGIT(p, 1) && DIGIT(p, 2)))
#define FORGED(p) (DIGIT(p, 1) == 3 || DIGIT(p, 2) == 3 || DIGIT(p, 3) == 3)

/* Whenever a node names a position to anybody; `disk` is what it has on disk. */
inline rules_say(n, f, p) {
    assert(I6_publish_after_durable || BEGINS(p, (early -> vlog[f] : log[AT(n, f)])))
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
    assert(no_false_fork || !stop[AT(n, 0)]);
#endif
#ifdef EPOCH
    /* What came after card 2 is not beyond its cut: by number, and at it by its hash.
     * What was there before and is, is flagged. */
    assert(I9_authority_up_to_its_cut || !card[n] || log[AT(n, 0)] == at_card[n] ||
           LEN(log[AT(n, 0)]) < LEN(cut) || log[AT(n, 0)] == cut);
    assert(I9_authority_up_to_its_cut || !card[n] || LEN(log[AT(n, 0)]) < LEN(cut) ||
           log[AT(n, 0)] == cut || stop[AT(n, 0)]);
    assert(I9_authority_up_to_its_cut || !log[AT(n, 1)] || card[n]);
#endif
#ifdef FENCE
    assert(no_false_fence || !fence || was_restored);
#endif
}

/* What is on disk only grows: nothing that was shown is taken back. */
inline rules_grow(n, f) {
    assert(I8_nothing_taken_back || BEGINS(PRE(log[AT(n, f)], cursor[AT(n, f)]), vlog[f]))
}

/* What is taken for held in a session is held. Not where there are forks: a proof of
 * another chain is taken for a claim to it (goes_on). */
inline rules_held(e) {
#ifdef THIEF
    skip
#else
    assert(I7_honest_acknowledgement || !session[e] || !session[OTHER(e)] ||
           held[END(e, 0)] <= LEN(log[AT(OWNER(OTHER(e)), 0)]))
#endif
}
