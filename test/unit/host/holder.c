/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of holders, names and policies. */
#include <string.h>

#include "host/holder.h"
#include "host/object.h"
#include "support/test.h"

/* Every legal edge; all others are illegal. */
static void edges(void **state)
{
    static const struct {
        enum flue_holder from, to;
    } legal[] = {
        {FLUE_HOLDER_HOST, FLUE_HOLDER_OFFERED},       {FLUE_HOLDER_HOST, FLUE_HOLDER_CLOSED},
        {FLUE_HOLDER_OFFERED, FLUE_HOLDER_TARGET},     {FLUE_HOLDER_OFFERED, FLUE_HOLDER_HOST},
        {FLUE_HOLDER_TARGET, FLUE_HOLDER_GIVING_BACK}, {FLUE_HOLDER_GIVING_BACK, FLUE_HOLDER_HOST},
        {FLUE_HOLDER_GIVING_BACK, FLUE_HOLDER_LOST},   {FLUE_HOLDER_LOST, FLUE_HOLDER_CLOSED},
    };

    (void)state;
    for (unsigned from = 0; from <= FLUE_HOLDER_COUNT; from++) {
        for (unsigned to = 0; to <= FLUE_HOLDER_COUNT; to++) {
            bool expected = false;

            for (unsigned i = 0; i < COUNT_OF(legal); i++) {
                expected |= legal[i].from == from && legal[i].to == to;
            }
            assert_int_equal(holder_legal((enum flue_holder)from, (enum flue_holder)to), expected);
        }
    }
}

/* States of an object (behaviour 5.1): every legal edge; all others are illegal.  And what may begin in each (5.4). */
static void objects(void **state)
{
    static const struct {
        enum host_object_state from, to;
    } legal[] = {
        {OBJECT_HERE, OBJECT_OFFERED},        {OBJECT_OFFERED, OBJECT_HELD},         {OBJECT_OFFERED, OBJECT_HERE},
        {OBJECT_HELD, OBJECT_INVALIDATING},   {OBJECT_INVALIDATING, OBJECT_INVALID}, {OBJECT_HELD, OBJECT_GIVING_BACK},
        {OBJECT_INVALID, OBJECT_GIVING_BACK}, {OBJECT_GIVING_BACK, OBJECT_HERE},     {OBJECT_GIVING_BACK, OBJECT_LOST},
        {OBJECT_LOST, OBJECT_HERE},           {OBJECT_LOST, OBJECT_GIVING_BACK},
    };
    static const char *const may[] = {"N", "", "NUQT", "Q", "QT", "", "T"};

    (void)state;
    for (unsigned from = 0; from <= OBJECT_LOST + 1u; from++) {
        for (unsigned to = 0; to <= OBJECT_LOST + 1u; to++) {
            bool expected = false;

            for (unsigned i = 0; i < COUNT_OF(legal); i++) {
                expected |= legal[i].from == from && legal[i].to == to;
            }
            assert_int_equal(object_legal((enum host_object_state)from, (enum host_object_state)to), expected);
        }
    }
    for (unsigned s = 0; s <= OBJECT_LOST; s++) {
        struct flue_host host = {.env = NULL};
        struct host_binding binding = {.host = &host};
        struct host_stem path = {.object = {.state = (uint8_t)s, .layer = FLUE_LAYER_PATH}, .binding = &binding};
        struct host_object *object = &path.object;

        assert_int_equal(object_nameable(object), strchr(may[s], 'N') != NULL);
        assert_int_equal(object_may_update(object), strchr(may[s], 'U') != NULL);
        assert_int_equal(object_may_query(object), strchr(may[s], 'Q') != NULL);
        assert_int_equal(object_may_end(object), strchr(may[s], 'T') != NULL);
        object->queries = 1; /* a terminate waits (CH-114), an update need not, nor another query (CH-095) */
        assert_false(object_may_end(object));
        assert_int_equal(object_may_update(object), strchr(may[s], 'U') != NULL);
        assert_int_equal(object_may_query(object), strchr(may[s], 'Q') != NULL);
        object->queries = 0;
        object->updating = 1; /* one at a time (CH-087) */
        assert_false(object_may_end(object));
        assert_false(object_may_update(object));
        assert_int_equal(object_may_query(object), strchr(may[s], 'Q') != NULL);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(flue_holder_name(FLUE_HOLDER_GIVING_BACK), "giving back");
    assert_string_equal(flue_holder_name(FLUE_HOLDER_COUNT), "?");
    assert_string_equal(flue_move_name(FLUE_MOVE_RETRIEVE), "the target asked");
    assert_string_equal(flue_move_name(FLUE_MOVE_COUNT), "?");
    assert_string_equal(flue_neighbour_name(FLUE_NEIGHBOUR_DELAY), "delay");
    assert_string_equal(flue_neighbour_name(FLUE_NEIGHBOUR_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),
        cmocka_unit_test(objects),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
