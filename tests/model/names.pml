/* What the model is made of: numbers, paths, places. See README.md.
 *
 * A chain of commits is its PATH: two bits a number, the lowest for number 1;
 * the digit says which commit of that number it is, 0 none. A path stands for
 * the hash of its last commit as well, for it names all before it. Digits: 1 and
 * 2 are signed under card 1 (2 is another content, or a thief's), 3 is signed
 * under card 2 and, where there is no card 2, by nobody. */
#ifndef N
#define N 2                     /* numbers in the feed of epoch 1, at most 3 */
#endif
#define LEN(x)       (((x) > 0) + ((x) > 3) + ((x) > 15))
#define PRE(x, k)    ((x) & ((1 << (2 * (k))) - 1))
#define DIGIT(x, i)  (((x) >> (2 * ((i) - 1))) & 3)
#define BEGINS(a, b) (LEN(a) <= LEN(b) && PRE(b, LEN(a)) == (a)) /* a is the beginning of b */
#define KIN(a, b)    (BEGINS(a, b) || BEGINS(b, a))              /* one chain has both */
#define MAX(a, b)    ((a) > (b) -> (a) : (b))

/* Nodes: the origin, a relay, a follower. */
#define O      0
#define R      1
#define F      2
#define NN     3
#define NOBODY 255

/* Feeds, all of the origin: of epoch 1, and of epoch 2 where one can be started. */
#ifdef EPOCH /* card 2 cuts epoch 1, and something is written in epoch 2; CUTS: nothing is */
#define CUTS
#define NF 2
#else
#define NF 1
#endif
#define AT(n, f)  ((n) * NF + (f))
#define END(e, f) ((e) * NF + (f))

/* Links: two ends each, the even one dials; it is the dialled side that publishes.
 * 0-1 are the origin's and the relay's. The others, as the configuration has it:
 *   (line)     2-3 the follower dials the relay
 *   TRIANGLE   that, and 4-5 it dials the origin
 *   TWO_PEERS  2-3 the origin dials the follower: it has two configured peers
 *   UNNAMED    2-3 the follower dials the origin, whose configuration does not name it */
#ifdef TRIANGLE
#define ENDS 6
#else
#define ENDS 4
#endif
#ifdef TWO_PEERS
#define SECOND O
#define THIRD  F
#elif defined(UNNAMED)
#define SECOND F
#define THIRD  O
#else
#define SECOND F
#define THIRD  R
#endif
#define OWNER(e) ((e) == 0 || (e) == 5 -> O : ((e) == 1 -> R : ((e) == 2 -> SECOND : \
                  ((e) == 3 -> THIRD : F))))
#define OTHER(e) ((e) ^ 1)
#define DIALS(e) (((e) & 1) == 0)

/* Messages: kind, feed, from path, to path, flags. */
#define HEADS 1 /* to: the head that is held */
#define ACK   2 /* to: the head that is held */
#define FETCH 3 /* from: what is held already */
#define RUN   4 /* the commits after `from` up to `to` */
#define NOPE  5
#define PROOF 6 /* as a run, of headers */
#define CARD  7 /* card 2 */
#define FORK  8 /* both sides of one, as two proofs: from one's own log, to the other */
#define LEAK  9 /* a run that somebody says who has the origin's key */
#define SIGNED 1 /* the last commit's signature holds */
#define STALE  2 /* said in an earlier session */
#ifndef Q
#define Q 2      /* messages that a link holds */
#endif

/* Why a feed does not advance. */
#define GOES       0
#define DIVERGED   1
#define BEYOND_CUT 2

/* The fence, daemon/core/fence.h. */
#define OPEN     0
#define RESTORED 1
#define LATER    2
#define FORKED   3

/* How far the origin's start has come, daemon/boot.c. */
#define UP     0
#define DOWN   1
#define FENCED 2 /* compared, and the fence is on disk where there has to be one */
#define TWO    3 /* the marker names both nonces */
#define TOLD   4 /* the database has the next */

/* What a trail shows: spin -t. */
#define NAME(n)  ((n) == O -> 'O' : ((n) == R -> 'R' : 'F'))
#define SHOW(p)  DIGIT(p, 1), DIGIT(p, 2), DIGIT(p, 3)

/* A d_step must not end within a selection or a loop. */
#define done skip
