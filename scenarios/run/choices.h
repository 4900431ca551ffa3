/* SPDX-License-Identifier: GPL-2.0-only */
/* run/choices.h - the words of parameters of kind CHOICE, as numbers. */
#ifndef FLUE_RUN_CHOICES_H
#define FLUE_RUN_CHOICES_H

/* In the order of their words in include/flue/params.def. */
enum { CHOICE_YES, CHOICE_NO };
enum { ARM_HOST, ARM_CHIMNEY };
enum { SWITCH_NO, SWITCH_YES }; /* of those that are off by default */
enum { RELINK_INVALIDATE, RELINK_UPDATE };
enum { SAMPLE_FROM_TRAFFIC, SAMPLE_FROM_START };
enum { MIGRATE_ADAPTER, MIGRATE_NODE }; /* argument of event migrate */
enum { STRAYS_FORWARD, STRAYS_DROP };
enum { TOPOLOGY_LINK, TOPOLOGY_SWITCH, TOPOLOGY_GATEWAYS };

#endif
