/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/rules.c - the rules that host and target can be without: where they follow one of these, they ask first. */
#include "explore/explore.h"

static const struct {
    unsigned rule, needs; /* enum explore_need */
} rules[] = {
    {50, 0},
    {55, 0},
    {56, 0},
    {77, 0},
    {78, 0},
    {87, 0},
    {92, 0},
    {114, 0},
    {116, 0},
    {118, EXPLORE_NEEDS_POSTS},
    {119, 0},
    {120, 0},
    {121, 0},
    {131, 0},
    {134, 0},
    {135, 0},
    {136, 0},
    {137, 0},
    {166, 0},
    {172, EXPLORE_NEEDS_SENDS_COMPLETE},
    {173, EXPLORE_NEEDS_SENDS_COMPLETE},
    {175, EXPLORE_NEEDS_SENDS_COMPLETE},
    {204, 0},
    {205, 0},
    {210, 0},
    {229, 0},
    {244, 0},
    {245, 0},
    {249, 0},
    {252, 0},
    {256, 0},
    {258, 0},
    {292, 0},
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
