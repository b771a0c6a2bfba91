// Ours divided by theirs, and what it should be.
#ifndef ENLACE_BENCH_RATIOS_H
#define ENLACE_BENCH_RATIOS_H

#include <jansson.h>
#include <stdbool.h>

// What is asked of one work against one peer.
typedef struct {
    const char *work, *peer;
    bool lower;   // the less the better: times
    double bound; // it must reach; 0: nothing is asked
    double aim;   // it should reach; 0: none
} ratio_rule_t;

extern const ratio_rule_t ratio_rules[]; // ends with one without a work

typedef enum {
    RATIO_FREE,    // nothing is asked
    RATIO_MISSED,  // does not reach the bound
    RATIO_OFF_AIM, // has no bound and does not reach the aim
    RATIO_BOUND,   // reaches the bound, but not the aim
    RATIO_AIM,     // reaches the aim
    RATIO_UNKNOWN, // one of the two was not measured
} ratio_grade_t;

// 0 where one of them is not above 0: not measured.
double ratio_of(double ours, double theirs);
ratio_grade_t ratio_grade(const ratio_rule_t *rule, double ratio);
const char *ratio_grade_text(ratio_grade_t grade);
// {work, peer, ratio, better, at_least, aim}: what there is none of is null. A new object.
json_t *ratio_json(const ratio_rule_t *rule, double ratio);

#endif
