/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/rules.c - the rules that host and target can be without: where they follow one of these, they ask first. */
#include "explore/explore.h"

#include <string.h>

static const struct {
    unsigned rule, needs; /* enum explore_need, enum explore_with */
} rules[] = {
    {50, 0},
    {55, 0},
    {56, 0},
    {77, 0},
    {78, 0},
    {87, 0},
    {88, EXPLORE_WITH_RELINK},
    {92, 0},
    {106, EXPLORE_WITH_INVALIDATE},
    {108, EXPLORE_WITH_INVALIDATE},
    {110, EXPLORE_WITH_INVALIDATE},
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
    {306, EXPLORE_WITH_PAUSE},
    {307, EXPLORE_WITH_PAUSE},
    {308, EXPLORE_WITH_UPLOAD},
    {310, EXPLORE_WITH_POWER},
    {311, EXPLORE_WITH_POWER},
};

unsigned explore_rule(unsigned index)
{
    return index < sizeof rules / sizeof rules[0] ? rules[index].rule : 0;
}

unsigned explore_rule_needs(unsigned rule)
{
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].rule == rule) {
            return rules[i].needs;
        }
    }
    return 0;
}

unsigned explore_with(const char *name)
{
    static const struct {
        const char *name;
        unsigned bits;
    } groups[] = {{"invalidate", EXPLORE_WITH_INVALIDATE}, {"relink", EXPLORE_WITH_RELINK},
                  {"pause", EXPLORE_WITH_PAUSE},           {"power", EXPLORE_WITH_POWER},
                  {"upload", EXPLORE_WITH_UPLOAD},         {"all", EXPLORE_WITH_ALL}};

    for (unsigned i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (strcmp(groups[i].name, name) == 0) {
            return groups[i].bits;
        }
    }
    return 0;
}
