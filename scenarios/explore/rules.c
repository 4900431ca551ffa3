/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/rules.c - the rules that host and target can be without: where they follow one of these, they ask first. */
#include "explore/explore.h"

static const struct {
    unsigned rule, needs; /* enum explore_need */
    unsigned depth;
} rules[] = {
    {50, 0, 0},
    {55, 0, 0},
    {56, 0, 0},
    {77, 0, 0},
    {78, 0, 0},
    {87, 0, 0},
    {92, 0, 0},
    {114, 0, 0},
    {116, 0, 0},
    {118, EXPLORE_NEEDS_POSTS, 0},
    {119, 0, 0},
    {120, 0, 0},
    {121, 0, 0},
    {131, 0, 0},
    {134, 0, 0},
    {135, 0, 0},
    {136, 0, 0},
    {137, 0, 0},
    {166, 0, 0},
    {172, EXPLORE_NEEDS_SENDS_COMPLETE, 0},
    {173, EXPLORE_NEEDS_SENDS_COMPLETE, 7},
    {175, EXPLORE_NEEDS_SENDS_COMPLETE, 0},
    {204, 0, 0},
    {205, 0, 0},
    {210, 0, 0},
    {229, 0, 0},
    {244, 0, 0},
    {245, 0, 0},
    {249, 0, 0},
    {252, 0, 0},
    {256, 0, 0},
    {258, 0, 0},
    {292, 0, 0},
};

unsigned explore_rule(unsigned index)
{
    return index < sizeof rules / sizeof rules[0] ? rules[index].rule : 0;
}

bool explore_rule_needs(unsigned rule, enum explore_need need)
{
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].rule == rule) {
            return (rules[i].needs & (unsigned)need) != 0;
        }
    }
    return false;
}

unsigned explore_rule_depth(unsigned rule)
{
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].rule == rule) {
            return rules[i].depth;
        }
    }
    return 0;
}
