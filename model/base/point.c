/* SPDX-License-Identifier: GPL-2.0-only */
/* What trace.def says of each trace point. */
#include "flue/trace.h"

static const struct flue_point_info points[FLUE_POINT_COUNT] = {
#define FLUE_POINT(id, actor, arrow, ref, args, sentence) [FLUE_POINT_##id] = {#id, actor, arrow, ref, args, sentence},
#include "flue/trace.def"
#undef FLUE_POINT
};

const struct flue_point_info *flue_point_info(unsigned point)
{
    return point < FLUE_POINT_COUNT ? &points[point] : NULL;
}
