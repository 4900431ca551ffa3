/* SPDX-License-Identifier: GPL-2.0-only */
/* base/list.h - intrusive, doubly linked, circular list on struct flue_hook.
 *
 * A list head is a hook that is its own neighbour when the list is empty.  An object is on at most one list per hook;
 * a hook that is on no list has next == NULL.  The list owns nothing. */
#ifndef FLUE_BASE_LIST_H
#define FLUE_BASE_LIST_H

#include <assert.h>
#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

/* The object of `type` whose member `member` stands at `pointer`. */
#define FLUE_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Visits every hook of a list in order.  The second form allows `hook` itself to be removed in the body. */
#define FLUE_LIST_EACH(hook, head) for (struct flue_hook *hook = (head)->next; hook != (head); hook = hook->next)
#define FLUE_LIST_EACH_SAFE(hook, head)                                                                                \
    for (struct flue_hook *hook = (head)->next, *hook##_next = hook->next; hook != (head);                             \
         hook = hook##_next, hook##_next = hook->next)

static inline void list_init(struct flue_hook *head)
{
    head->next = head;
    head->prev = head;
}

/* Makes a hook say "on no list". */
static inline void hook_init(struct flue_hook *hook)
{
    hook->next = NULL;
    hook->prev = NULL;
}

static inline bool hook_linked(const struct flue_hook *hook)
{
    return hook->next != NULL;
}

static inline bool list_empty(const struct flue_hook *head)
{
    return head->next == head;
}

/* Puts `hook` (on no list) in front of `place`. */
static inline void list_insert_before(struct flue_hook *place, struct flue_hook *hook)
{
    hook->next = place;
    hook->prev = place->prev;
    place->prev->next = hook;
    place->prev = hook;
}

static inline void list_push_back(struct flue_hook *head, struct flue_hook *hook)
{
    list_insert_before(head, hook);
}

static inline void list_push_front(struct flue_hook *head, struct flue_hook *hook)
{
    list_insert_before(head->next, hook);
}

/* Takes `hook` off the list it is on. */
static inline void list_remove(struct flue_hook *hook)
{
    assert(hook_linked(hook));
    hook->prev->next = hook->next;
    hook->next->prev = hook->prev;
    hook_init(hook);
}

/* First and last hook; NULL when the list is empty. */
static inline struct flue_hook *list_first(const struct flue_hook *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct flue_hook *list_last(const struct flue_hook *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* Takes the first hook off; NULL when the list is empty. */
static inline struct flue_hook *list_pop_front(struct flue_hook *head)
{
    struct flue_hook *hook = list_first(head);

    if (hook != NULL) {
        list_remove(hook);
    }
    return hook;
}

/* Moves all of `from` behind the last of `head`; `from` is empty afterwards. */
static inline void list_splice_back(struct flue_hook *head, struct flue_hook *from)
{
    if (list_empty(from)) {
        return;
    }
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    list_init(from);
}

FLUE_END_C

#endif
