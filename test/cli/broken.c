/* SPDX-License-Identifier: GPL-2.0-only */
/* What `flue run --check=stop` says of a broken rule: everything that is needed to find it, and the crossings that led
 * to it, those of other connections left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/broken.h"
#include "flue/ndischimney.h"

static void emit(struct crossings *crossings, unsigned point, flue_ps at_ps, uint32_t conn, int64_t a, int64_t b)
{
    const struct flue_trace trace = crossings_listener(crossings);

    flue_trace_emit(&trace, point, at_ps, conn, a, b, 0, 0, 0, 0);
}

static char *tell(const struct crossings *crossings, const struct world_broken *broken)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    assert_int_equal(crossings_tell(crossings, broken, out), FLUE_OK);
    assert_int_equal(fclose(out), 0);
    return text;
}

static const struct world_broken broken_166 = {.rule = 166,
                                               .party = FLUE_PARTY_TARGET,
                                               .node = 0,
                                               .whose = "server",
                                               .at_ps = 12 * FLUE_PS_PER_MS,
                                               .conn = 5,
                                               .driver = "adapter 0",
                                               .object = "list",
                                               .seen = "10 bytes are reported, 9 were acknowledged"};

static void test_everything_is_said(void **state)
{
    struct crossings *crossings = crossings_new(NULL);
    char *text;

    (void)state;
    assert_non_null(crossings);
    for (unsigned i = 0; i < 70000; i++) /* more than are kept */
        emit(crossings, FLUE_POINT_ddi_send, i, 4, 77777, 0);
    emit(crossings, FLUE_POINT_ddi_send, 11 * FLUE_PS_PER_MS, 5, 4321, 0);
    emit(crossings, FLUE_POINT_app_send, 11 * FLUE_PS_PER_MS, 5, 55555, 0);
    emit(crossings, FLUE_POINT_finding, 12 * FLUE_PS_PER_MS, 5, 166, FLUE_PARTY_TARGET);
    emit(crossings, FLUE_POINT_ddi_send_complete, 12 * FLUE_PS_PER_MS, 5, 4320, NDIS_STATUS_SUCCESS);
    emit(crossings, FLUE_POINT_ddi_send, 12 * FLUE_PS_PER_MS + 1, 5, 66666, 0);
    text = tell(crossings, &broken_166);
    assert_non_null(strstr(text, "CH-166 is broken, 12.000000 ms"));
    assert_non_null(strstr(text, "target (adapter 0 of node 0, the server)"));
    assert_non_null(strstr(text, "list, connection 5"));
    assert_non_null(strstr(text, broken_166.seen));
    assert_non_null(strstr(text, flue_rule(166)->sentence));
    assert_non_null(strstr(text, flue_rule(166)->source));
    assert_non_null(strstr(text, "4321 bytes"));
    assert_non_null(strstr(text, "NdisTcpOffloadSendComplete, 4320 bytes")); /* the crossing that broke it */
    assert_null(strstr(text, "77777"));                                      /* another connection's */
    assert_null(strstr(text, "55555"));                                      /* no crossing */
    assert_null(strstr(text, "66666"));                                      /* afterwards */
    free(text);
    crossings_free(crossings);
}

static void on_event(void *ctx, const struct flue_event *event)
{
    *(unsigned *)ctx += event->point == FLUE_POINT_charge ? 1u : 100u;
}

static void test_events_go_on_to_the_next(void **state)
{
    unsigned seen = 0;
    const struct flue_trace next = {.ctx = &seen, .emit = on_event};
    struct crossings *crossings = crossings_new(&next);

    (void)state;
    emit(crossings, FLUE_POINT_charge, 1, 5, 0, 0);
    emit(crossings, FLUE_POINT_ddi_send, 1, 5, 0, 0);
    assert_int_equal(seen, 101);
    crossings_free(crossings);
}

/* A rule about an adapter names no connection, and there may be nothing to show. */
static void test_little_is_known(void **state)
{
    struct crossings *crossings = crossings_new(NULL);
    const struct world_broken broken = {
        .rule = 8, .party = FLUE_PARTY_DRIVER, .node = 1, .conn = FLUE_NO_CONN, .seen = "it is asked for too late"};
    char *text;

    (void)state;
    text = tell(crossings, &broken);
    assert_non_null(strstr(text, "about   the interface\n"));
    assert_non_null(strstr(text, "intermediate driver"));
    assert_null(strstr(text, "crossings"));
    free(text);
    crossings_free(crossings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_said),
        cmocka_unit_test(test_events_go_on_to_the_next),
        cmocka_unit_test(test_little_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
