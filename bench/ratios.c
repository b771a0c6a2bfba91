#include "bench/ratios.h"

// From what was promised: to be faster than the database that has most to offer here, not
// far from a log that neither syncs nor signs, and within reach of what SQLite alone does.
const ratio_rule_t ratio_rules[] = {
    {"bootstrap", "postgresql", false, 1.0, 1.5},
    {"bootstrap", "nats", false, 0.7, 1.0},
    {"bootstrap", "sqlite", false, 0, 0.6},
    {"live", "postgresql", false, 1.5, 2.5},
    {"live", "nats", false, 0, 0},
    {"live", "sqlite", false, 0, 0},
    {"catch-up", "postgresql", false, 2.0, 4.0},
    {"catch-up", "nats", false, 0, 0},
    {"catch-up", "sqlite", false, 0, 0},
    {"latency-p50", "postgresql", true, 1.3, 1.0},
    {"latency-p50", "nats", true, 0, 0},
    {"latency-p50", "sqlite", true, 0, 0},
    {"latency-p99", "postgresql", true, 2.0, 1.0},
    {"latency-p99", "nats", true, 0, 0},
    {"latency-p99", "sqlite", true, 0, 0},
    {0},
};

double ratio_of(double ours, double theirs)
{
    return ours > 0 && theirs > 0 ? ours / theirs : 0;
}

static bool reaches(const ratio_rule_t *rule, double ratio, double asked)
{
    return rule->lower ? ratio <= asked : ratio >= asked;
}

ratio_grade_t ratio_grade(const ratio_rule_t *rule, double ratio)
{
    if (ratio <= 0)
        return RATIO_UNKNOWN;
    if (rule->bound > 0 && !reaches(rule, ratio, rule->bound))
        return RATIO_MISSED;
    if (rule->aim > 0 && reaches(rule, ratio, rule->aim))
        return RATIO_AIM;
    if (rule->bound > 0)
        return RATIO_BOUND;
    return rule->aim > 0 ? RATIO_OFF_AIM : RATIO_FREE;
}

const char *ratio_grade_text(ratio_grade_t grade)
{
    static const char *const texts[] = {
        [RATIO_FREE] = "",
        [RATIO_MISSED] = "NOT REACHED",
        [RATIO_OFF_AIM] = "aim not reached",
        [RATIO_BOUND] = "reached, the aim is not",
        [RATIO_AIM] = "aim reached",
        [RATIO_UNKNOWN] = "not measured",
    };
    return texts[grade];
}

static json_t *asked(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

json_t *ratio_json(const ratio_rule_t *rule, double ratio)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "work", rule->work, "peer", rule->peer,
                     "ratio", asked(ratio), "better", rule->lower ? "lower" : "higher", "at_least",
                     asked(rule->bound), "aim", asked(rule->aim));
}
