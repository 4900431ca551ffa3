/* SPDX-License-Identifier: GPL-2.0-only */
/* Scheduled events: from text to a list in order of time, and back; what is wrong gets one line. */
#include "run/events.h"

#include <string.h>

#include "support/test.h"

static void test_texts(void **state)
{
    static const struct {
        const char *text, *back; /* entries as event_format() writes them, in order of time */
    } cases[] = {
        {"", ""},
        {"  ;; ", ""},
        {"2ms upload-all", "2ms upload-all;"},
        {"4ms resume;2ms upload-all", "2ms upload-all;4ms resume;"},
        {"1ms pause; 1ms upload-all; 1ms query", "1ms pause;1ms upload-all;1ms query;"},
        {"0 gateway-down gateway=2", "0 gateway-down gateway=2;"},
        {"1ms gateway-down gateway=1", "1ms gateway-down;"},
        {"+1ms resume; 3ms pause; +0 pause", "3ms pause;+0 pause;+1ms resume;"},
        {"3us corrupt layer=path count=7", "3us corrupt layer=path count=7;"},
        {"3us corrupt count=7 layer=connection", "3us corrupt count=7;"},
    };
    struct event events[EVENTS_MAX];
    char message[300], back[300], one[100];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int count = events_parse(cases[i].text, events, message, sizeof message, NULL);

        assert_true(count >= 0);
        back[0] = '\0';
        for (int k = 0; k < count; k++) {
            event_format(&events[k], one, sizeof one);
            strcat(strcat(back, one), ";");
        }
        assert_string_equal(back, cases[i].back);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *message;
        int column;
    } cases[] = {
        {"upload-all", "'upload-all' is no time; write for example 2ms upload-all", 1},
        {"-2ms upload-all", "'-2ms' is no time; write for example 2ms upload-all", 1},
        {"2 upload-all", "'2' is no time; write for example 2ms upload-all", 1},
        {"1ms pause; 2ms", "nothing to do at that time; write for example 2ms upload-all", 12},
        {"2ms upload-al", "unknown event 'upload-al'; did you mean 'upload-all'?", 1},
        {"2ms zebra", "unknown event 'zebra'; see: flue list events", 1},
        {"2ms pause count=1", "pause has no parameters; leave 'count=1' out", 1},
        {"2ms gateway-down gatway=2", "gateway-down has no parameter 'gatway=2'; write gateway=1", 1},
        {"2ms gateway-down gateway=3", "gateway-down gateway=3: not understood; allowed: 1 .. 2", 1},
        {"2ms gateway-down gateway", "gateway-down has no parameter 'gateway'; write gateway=1", 1},
        {"2ms attack cuont=3", "attack has no parameter 'cuont=3'; write count=100", 1},
        {"2ms attack sek=exact", "attack has no parameter 'sek=exact'; write seq=blind", 1},
        {"2ms attack zebra=3", "attack has no parameter 'zebra=3'; write kind=rst", 1},
        {"2ms offload count=2 count=3", "offload count=3: count stands here a second time; leave one", 1},
        {"2ms corrupt layer=wire", "corrupt layer=wire: no such choice; one of neighbour|path|connection", 1},
    };
    struct event events[EVENTS_MAX];
    char message[300];
    int column;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(events_parse(cases[i].text, events, message, sizeof message, &column), -1);
        assert_string_equal(message, cases[i].message);
        assert_int_equal(column, cases[i].column);
    }
}

/* One more than there is room for. */
static void test_many(void **state)
{
    char text[EVENTS_MAX * 12 + 16] = "", message[300];
    struct event events[EVENTS_MAX];

    (void)state;
    for (unsigned i = 0; i < EVENTS_MAX; i++)
        strcat(text, "1ms query;");
    assert_int_equal(events_parse(text, events, message, sizeof message, NULL), EVENTS_MAX);
    strcat(text, "1ms query");
    assert_int_equal(events_parse(text, events, message, sizeof message, NULL), -1);
    assert_string_equal(message, "more than 64 events; a sweep may be what you want");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
