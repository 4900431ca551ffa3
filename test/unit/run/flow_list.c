/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of flows in CSV: order, fields, and what is refused where. */
#include "run/flow_list.h"

#include <string.h>

#include "support/test.h"

#define HEAD      "start,connection,direction,bytes\n"
#define HEAD_CRLF "start,connection,direction,bytes\r\n"

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
        {HEAD "5,1,send,1\n", "f.csv:2:1: this time has no unit"},
        {HEAD "-5us,1,send,1\n", "f.csv:2:1: this time is negative"},
        {HEAD "-1ms,0,send,1\n", "f.csv:2:1: this time is negative; flows start at 0 or later"},
        {HEAD "nan,0,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "inf,0,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "1e9s,0,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "5min,0,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "0.1ps,0,send,1\n", "f.csv:2:1: this time is no whole number of picoseconds"},
        {HEAD "99999999999999s,0,send,1\n", "f.csv:2:1: this time is later than any run lasts"},
        {HEAD "9223372s,0,send,1\n", "f.csv:2:1: this time is later than any run lasts"},
        {HEAD "\"1ms\",0,send,1\n", "f.csv:2:1: fields stand without quotation marks"},
        {HEAD "1ms,0,send,\"1\"\n", "f.csv:2:12: fields stand without quotation marks"},
        {HEAD " 1ms,0,send,1\n", "f.csv:2:1: a blank begins or ends this field"},
        {HEAD "1ms,0,send,1 \n", "f.csv:2:12: a blank begins or ends this field"},
        {HEAD "1ms,,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "1ms,1.0,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "1ms,0x1,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "1ms,99999999999999999999,send,1\n", "f.csv:2:5: this number is too large"},
        {HEAD "1ms,0,send,\n", "f.csv:2:12: no size from 1 to 1GiB"},
        {HEAD "1ms,0,send,-1\n", "f.csv:2:12: a flow has at least one byte"},
        {HEAD "1ms,0,send,nan\n", "f.csv:2:12: no size from 1 to 1GiB"},
        {HEAD "1ms,0,send,1.5\n", "f.csv:2:12: this size is no whole number of bytes"},
        {HEAD "1ms,0,send,99999999999999999999\n", "f.csv:2:12: this size is too large"},
        {HEAD ",1,send,1\n", "f.csv:2:1: no time with a unit"},
        {HEAD "5us,x,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "5us,-1,send,1\n", "f.csv:2:5: no whole number"},
        {HEAD "5us, 1,send,1\n", "f.csv:2:5: a blank begins or ends this field"},
        {HEAD "5us,4294967296,send,1\n", "f.csv:2:5: this number is too large"},
        {HEAD "5us,1,sent,1\n", "f.csv:2:7: no direction; write send or receive"},
        {HEAD "0us,1,send,1\n5us,12,send,0\n", "f.csv:3:13: a flow has at least one byte"},
        {HEAD "5us,1,send,2GiB\n", "f.csv:2:12: this size is too large; write at most 1GiB"},
        {HEAD "5us,1,send\n", "f.csv:2:7: too few fields"},
        {HEAD "5us,1,send,1,\n", "f.csv:2:13: too many fields"},
        {HEAD "5us,1,send,1\n\n", "f.csv:3:1: an empty line; leave it out"},
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

/* What a spreadsheet may write: a mark before the text, and both characters at the end of a line. */
static void saved_by_a_spreadsheet(void **state)
{
    static const char text[] = "\xef\xbb\xbf" HEAD_CRLF "5us,3,send,64KiB\r\n0,1,receive,1\r\n";
    static const char cut[] = HEAD "1ms\0,0,send,1\n";
    struct flow_list list;
    char message[300] = "";

    (void)state;
    assert_int_equal(flow_list_parse("f.csv", text, sizeof text - 1, &list, message, sizeof message), FLUE_OK);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.lines[0].who, 1);
    assert_int_equal(list.lines[1].bytes, 65536);
    flow_list_free(&list);
    assert_int_equal(flow_list_parse("f.csv", cut, sizeof cut - 1, &list, message, sizeof message), FLUE_EPARSE);
    assert_string_equal(message, "f.csv:2:1: a NUL character stands in this field; save the list as plain text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_sorted),
        cmocka_unit_test(wrong_lines_are_refused),
        cmocka_unit_test(saved_by_a_spreadsheet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
