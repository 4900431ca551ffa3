/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of flows in CSV: order, fields, and what is refused where. */
#include "run/flow_list.h"

#include <string.h>

#include "support/test.h"

#define HEAD "start,connection,direction,bytes\n"

static void lines_are_sorted(void **state)
{
    static const char text[] = HEAD "5us,3,send,64KiB\r\n0,1,receive,1\n5us,2,send,7\n1ms,0,send,1GiB";
    struct flow_list list;
    char message[300];

    (void)state;
    assert_int_equal(flow_list_parse("f.csv", text, strlen(text), &list, message, sizeof message), FLUE_OK);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.by_client, 0);
    assert_int_equal(list.lines[0].start_ps, 0);
    assert_int_equal(list.lines[0].receive, 1);
    assert_int_equal(list.lines[1].who, 3); /* among equal starts the first comes first */
    assert_int_equal(list.lines[1].bytes, 65536);
    assert_int_equal(list.lines[2].who, 2);
    assert_int_equal(list.lines[3].bytes, 1 << 30);
    assert_int_equal(list.lines[3].line, 5);
    assert_int_equal(flow_list_check(&list, "f.csv", 0, 4, message, sizeof message), FLUE_OK);
    assert_int_equal(flow_list_check(&list, "f.csv", 0, 3, message, sizeof message), FLUE_EINVAL);
    assert_string_equal(message, "f.csv:2:5: there is no connection 3: they count from 0 to 2; raise connections");
    assert_int_equal(flow_list_check(&list, "f.csv", 1, 9, message, sizeof message), FLUE_EINVAL);
    flow_list_free(&list);
    assert_null(list.lines);
}

static void wrong_lines_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "f.csv:1:1: no flows"},
        {HEAD, "f.csv:1:1: no flows"},
        {"start,who,direction,bytes\n0,1,send,1\n", "f.csv:1:1: the first line is start,connection,direction,bytes or"},
        {"start, client,direction,bytes\n", "f.csv:1:1: the first line is"},
        {HEAD "5,1,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "-5us,1,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD ",1,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "5us,x,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "5us,-1,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "5us, 1,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "5us,4294967296,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "5us,1,sent,1\n", "f.csv:2:7: no direction; write send or receive"},
        {HEAD "0us,1,send,1\n5us,12,send,0\n", "f.csv:3:13: no size from 1 to 1GiB"},
        {HEAD "5us,1,send,2GiB\n", "f.csv:2:12: no size from 1 to 1GiB"},
        {HEAD "5us,1,send\n", "f.csv:2:7: too few fields"},
        {HEAD "5us,1,send,1,\n", "f.csv:2:13: too many fields"},
        {HEAD "5us,1,send,1\n\n", "f.csv:3:1: too few fields"},
        {HEAD "5us,1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,1\n",
         "f.csv:2:7: this field is too long"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flow_list list;
        char message[300] = "";

        assert_int_equal(flow_list_parse("f.csv", cases[i].text, strlen(cases[i].text), &list, message, sizeof message),
                         FLUE_EPARSE);
        assert_null(list.lines);
        if (strncmp(message, cases[i].message, strlen(cases[i].message)) != 0) {
            fail_msg("case %zu: %s", i, message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_sorted),
        cmocka_unit_test(wrong_lines_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
