/* An origin, a relay and a follower: own log, fence, following, cuts and forks,
 * with crashes, restores, lost sessions and a stolen key. README.md says which
 * code each part stands for; cases.txt, what is checked with which bounds. */
#include "names.pml"
#include "state.pml"
#include "rules.pml"
#include "apply.pml"
#include "links.pml"
#include "turns.pml"
#include "fence.pml"
#include "nodes.pml"
#include "faults.pml"
#include "live.pml"

init {
    d_step {
        signed0 = 1; /* the empty path */
        crashes = CRASHES;
        restores = RESTORES;
        losses = LOSSES;
        failures = FAILURES;
        thefts = THEFTS;
        for (xn : 0 .. NN - 1) {
            up[xn] = 1;
            frozen[xn] = NOBODY
        }
#ifdef FENCE
        nonces = 1;
        nonce = 1;
        mark1 = 1;
#endif
        done
    }
    atomic {
        run node(O);
        run origin();
        run node(R);
        run node(F);
        run link_end(0);
        run link_end(1);
        run link_end(2);
        run link_end(3);
        run line(0);
        run line(2);
#if ENDS == 6
        run link_end(4);
        run link_end(5);
        run line(4);
#endif
        run faults()
    }
}
