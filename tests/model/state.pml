/* What nodes and links are made of. */

/* ---- on disk ---- */
byte log[NN * NF];    /* path */
byte view[NN * NF];   /* how often each change counts: two bits a number */
byte cursor[NN * NF]; /* number */
byte stop[NN * NF];
byte aside[NN];       /* of epoch 1: the path that contradicts the log; 0 nothing */
bit  card[NN];        /* card 2 is held */
#ifdef FENCE
byte fence;           /* the origin's, as all that follows */
byte nonce;           /* the database's */
byte mark1, mark2;    /* the marker's; both 0: there is no marker */
byte mark_heads;      /* how far it says that the origin had come */
#ifdef POWER_CUTS
byte mark_synced;     /* what of that a power cut leaves */
#endif
byte copy_log, copy_nonce, copy_fence; /* a backup */
bit  copy_made;
#endif

/* ---- in memory ---- */
bit  up[NN];
byte fetch[NN * NF];   /* 1 + the end that is fetched from */
byte pending[NN * NF]; /* a published commit that waits for what is before it */
#ifdef FENCE
byte fenced;           /* the fence: may be closed before it is on disk */
byte boot;             /* how far the origin's start has come */
byte next_nonce, nonces;
byte floors;           /* how far the marker says that it had come, while fenced */
bit  answered[ENDS];   /* the peer has told what it holds of the origin's feed ... */
byte word[ENDS];       /* ... namely that */
#endif

/* ---- the turn of the one node that has one: 0 between turns ---- */
bit  turn;             /* something is to be made durable */
bit  speaks;           /* the origin answers a writer */
byte news;             /* feeds to publish, as bits */
byte vlog[NF], vstop[NF];
byte vaside;
bit  vcard;
bit  both;             /* a signed contradiction that counts has come */
bit  early;            /* what is said is not on disk yet (sabotage) */
bit  again;            /* what is held is appended once more (NO_STALE_CHECK) */

/* ---- sessions, by end ---- */
bit  session[ENDS];
byte held[ENDS * NF];  /* number that the peer says it holds */
byte told[ENDS * NF];
bit  owe_ack[ENDS * NF];
bit  owe_heads[ENDS];
bit  owe_card[ENDS];
bit  owe_fork[ENDS];
chan inbox[ENDS] = [Q] of { byte, byte, byte, byte, byte };
byte pub[ENDS * NF];   /* what was published to this end last; 0 nothing */

/* ---- the world ---- */
byte cut;              /* path at which card 2 cuts epoch 1 */
bit  epoch_started;
byte crashes, restores, losses, failures, thefts; /* faults that may still come */

/* ---- what no node knows: for the rules only ---- */
int  signed0, signed1; /* paths that were signed under card 1, as bits */
byte frozen[NN];       /* what it held of epoch 1 when it stopped; NOBODY: it goes */
bit  knows_both[NN];   /* such a contradiction has come to it */
byte at_card[NN];      /* what it held of epoch 1 when card 2 came */
bit  was_restored;
#if defined(THIEF) && defined(FENCE)
int  own0, own1;       /* paths whose last commit the origin wrote, as bits */
byte shown[N];         /* of each number: which of these it has shown */
#endif

#define IS_SIGNED(p) ((p) < 31 -> (signed0 >> (p)) & 1 : (signed1 >> ((p) - 31)) & 1)
inline sign(p) {
    if
    :: (p) < 31 -> signed0 = signed0 | (1 << (p))
    :: else -> signed1 = signed1 | (1 << ((p) - 31))
    fi
}

/* The same of what the origin wrote itself. */
inline write_down(p) {
#if defined(THIEF) && defined(FENCE)
    if
    :: (p) < 31 -> own0 = own0 | (1 << (p))
    :: else -> own1 = own1 | (1 << ((p) - 31))
    fi
#else
    skip
#endif
}

/* Scratch, of a d_step: no part of the state. */
hidden byte xe, xf, xi, xj, xn, xp, xq, xkind, xfrom, xto, xflags, xtop, xwhat, xhead, xreach,
    xend, xbest, xwho;

/* Never set: they give a violated assertion its name. */
hidden byte I1_prefix, I2_no_silent_gap, I3_exactly_once, I4_cursor_atomicity,
    I5_no_self_equivocation, I6_publish_after_durable, I7_honest_acknowledgement,
    I8_fork_containment, I8_nothing_taken_back, I9_authority_up_to_its_cut, I10_ownership,
    I13_monotony, I16_verified_signature, no_false_fence, no_false_fork;
