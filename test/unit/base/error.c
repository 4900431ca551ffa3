/* SPDX-License-Identifier: GPL-2.0-only */
/* Every error has a name and a sentence; an unknown one too. */
#include <string.h>

#include "flue/base.h"
#include "support/test.h"

static void all_have_words(void **state)
{
    static const struct {
        flue_err err;
        const char *name;
    } table[] = {
#define FLUE_ERR(code, name, sentence) {(flue_err)(code), #name},
#include "flue/err.def"
#undef FLUE_ERR
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_string_equal(flue_err_name(table[i].err), table[i].name);
        assert_true(strlen(flue_err_sentence(table[i].err)) > 5);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(table[i].err, table[k].err);
        }
    }
    assert_int_equal(FLUE_OK, 0);
}

static void unknown(void **state)
{
    (void)state;
    assert_string_equal(flue_err_name((flue_err)-999), "EUNKNOWN");
    assert_non_null(flue_err_sentence((flue_err)-999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_have_words),
        cmocka_unit_test(unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
