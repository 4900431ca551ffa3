/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts that grow, and guesses at what a word was meant to be. */
#include "run/text.h"

#include <string.h>

#include "support/test.h"

static void test_grows(void **state)
{
    struct text text = {.chars = NULL};

    (void)state;
    assert_string_equal(text_chars(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_add(&text, "%d,", i % 10);
    }
    assert_int_equal(text.length, 2000);
    assert_int_equal(strlen(text_chars(&text)), 2000);
    assert_memory_equal(text_chars(&text) + 1980, "0,1,2,3,4,5,6,7,8,9,", 20);
    assert_false(text.failed);
    text_free(&text);
    assert_string_equal(text_chars(&text), "");
}

static void test_json(void **state)
{
    struct text text = {.chars = NULL};

    (void)state;
    text_add_json(&text, "a\"b\\c\nd\x01"
                         "e\xC3\xBC");
    assert_string_equal(text_chars(&text), "\"a\\\"b\\\\c\\nd\\u0001e\xC3\xBC\"");
    text_free(&text);
}

static void test_plain(void **state)
{
    static const struct {
        const char *bytes;
        bool plain;
    } cases[] = {{"", true},
                 {"abc ~", true},
                 {"\xC3\xBC", true},
                 {"\xF0\x9F\x98\x80", true},
                 {"a\nb", false},
                 {"\x7F", false},
                 {"\xC3", false},
                 {"\xC3"
                  "a",
                  false},
                 {"\x80", false},
                 {"\xF0\x9F\x98", false},
                 {"\xFF", false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(text_is_plain(cases[i].bytes, strlen(cases[i].bytes)), cases[i].plain);
    }
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"io_size", "connections", "offload", "load", "delay", "delayed_ack"};
    static const struct {
        const char *word;
        const char *nearest; /* NULL: none */
    } cases[] = {
        {"iosize", "io_size"},  {"conections", "connections"},
        {"Offload", "offload"}, {"dealy", "delay"},
        {"size", "io_size"},    {"laod", "load"},
        {"zebra", NULL},        {"", NULL},
        {"xy", NULL},           {"a_word_that_is_longer_than_any_word_can_be_in_a_table_of_this_program", NULL}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *found = text_nearest(cases[i].word, words, COUNT_OF(words));

        if (cases[i].nearest == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(found, cases[i].nearest);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
