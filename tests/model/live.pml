/* What comes about in the end: docs/protocol.md, section 12. Faults come a bounded
 * number of times, so that in every run they stop; each process has its turn in the
 * end (pan -f). */
#ifdef LIVENESS

/* L1: the same heads; or, where a card cuts the feed, up to its cut at least; or, where
 * there are two chains, all know it. */
#ifdef CUTS
#define AS_ORIGIN(n) (card[n] == card[O] && BEGINS(log[AT(n, 0)], log[AT(O, 0)]) && \
                      (log[AT(n, 0)] == log[AT(O, 0)] || (card[n] && BEGINS(cut, log[AT(n, 0)]))))
#else
#define AS_ORIGIN(n) (log[AT(n, 0)] == log[AT(O, 0)])
#endif
#ifdef THIEF
#define ALL_KNOW (stop[AT(O, 0)] && stop[AT(R, 0)] && stop[AT(F, 0)])
#else
#define ALL_KNOW 0
#endif
#define CONVERGED ((AS_ORIGIN(R) && AS_ORIGIN(F)) || ALL_KNOW)
#ifndef FENCE
ltl L1_convergence { <>[] CONVERGED }
#else
/* L2: it has its own back from those who hold it, and writes again; but for what it
 * knows that it had written and nobody has: then its operator has to accept. */
#define HAS_ITS_OWN (BEGINS(log[AT(R, 0)], log[AT(O, 0)]) && BEGINS(log[AT(F, 0)], log[AT(O, 0)]))
#define IS_OPEN (fenced == OPEN && fence == OPEN)
ltl L2_recovery { <>[] (up[O] && HAS_ITS_OWN && (IS_OPEN || LEN(log[AT(O, 0)]) < floors)) }
#endif
#endif
