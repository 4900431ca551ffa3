/* SPDX-License-Identifier: GPL-2.0-only */
/* host/object.h - what the offload of a neighbour, a path or a connection is at (behaviour 5.1), and what that allows.
 */
#ifndef FLUE_HOST_OBJECT_H
#define FLUE_HOST_OBJECT_H

#include "host/host.h"

bool object_legal(enum host_object_state from, enum host_object_state to);
/* The only writer of host_object.state. */
void object_enter(struct host_object *object, enum host_object_state to);
/* Whether a tree may name it as a linker or offload it (D-14). */
bool object_nameable(const struct host_object *object);
/* Whether the target has it and nothing keeps it from being terminated (5.4, D-22, D-27). */
bool object_may_end(const struct host_object *object);
bool object_may_update(const struct host_object *object);
bool object_may_query(const struct host_object *object);
/* To be terminated as soon as nothing depends on it. */
void object_doom(struct host_object *object);
/* The next release_objects() looks whether it is time for a path or neighbour to go. */
void object_consider(struct host_object *object);
void object_release(struct host_object *object); /* a dependent has gone */
/* Something that the target knows of it has changed: looked at by update_start(). */
void object_dirty(struct host_object *object);
/* An operation on it has ended: what waited for that may go on. */
void object_settled(struct host_object *object);

#endif
