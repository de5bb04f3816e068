/* SPDX-License-Identifier: MIT */
/* `offload-bench project` as a person meets it: tables in and out, the ledger, the sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

static char program[1024]; /* .../build/offload-bench, from where this test lies */

static int find_program(void **state)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 40);

    (void)state;
    if (n < 0)
        return -1;
    program[n] = '\0';
    for (int up = 0; up < 3; up++) /* build/tests/projection/test_project_command */
        *strrchr(program, '/') = '\0';
    strcat(program, "/offload-bench");
    return access(program, X_OK);
}

/* Run `printf INPUT | offload-bench project ARGUMENTS`: exit status, and all it said. */
static int run(const char *input, const char *arguments, struct text *said)
{
    char command[4096], chunk[4096];
    FILE *pipe;
    size_t n;
    int state;

    text_release(said);
    snprintf(command, sizeof command, "printf '%s' | '%s' project %s 2>&1", input, program,
             arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    while ((n = fread(chunk, 1, sizeof chunk, pipe)) > 0)
        text_add_bytes(said, chunk, n);
    text_add(said, "");
    state = pclose(pipe);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static void says(const struct text *said, const char *words)
{
    if (!strstr(said->data, words))
        fail_msg("'%s' does not say '%s'", said->data, words);
}

static void test_rows_pass_through_and_gain_columns(void **state)
{
    struct text said = {0};
    int lines = 0;

    (void)state;
    assert_int_equal(
        run("note,gpu,op,dtype,m,n,k,rows,cols,timing,extra\\n"
            "\"a, b\",H100-SXM5-80GB,gemm,bf16,512,4096,4096,,,graph,1\\n"
            "two,,SOFTMAX,fp32,,,,2048,1024,eager,2\\r\\n"
            "three,l4,gemm,fp8_block,16,4096,4096.0,,,,3\\n"
            "four,l4,fft,fp32,1,1,1,,,,4\\n"
            "five,l5,gemm,fp32,1,1,1,,,,5\\n"
            "six,l4,gemm,fp3,1,1,1,,,,6\\n"
            "seven,l4,gemm,fp32,-1,1,1,,,,7\\n"
            "eight,l4,gemm,fp32,1,1,1,,,soon,8\\n",
            "--gpu a100 --csv -", &said),
        0);
    says(&said, "note,gpu,op,dtype,m,n,k,rows,cols,timing,extra,pred_us,low_us,high_us,bound,why\n");
    says(&said, "\n\"a, b\",H100-SXM5-80GB,gemm,bf16,512,4096,4096,,,graph,1,");
    says(&said, "\ntwo,,SOFTMAX,fp32,,,,2048,1024,eager,2,");
    says(&said, "4,,,,,no model for the operation 'fft'\n");
    says(&said, "5,,,,,\"no gpu 'l5' in the catalogue; did you mean 'l4'?;");
    says(&said, "6,,,,,no model for the dtype 'fp3'\n");
    says(&said, "7,,,,,'m' is '-1': not a whole number\n");
    says(&said, "8,,,,,'timing' is 'soon'");
    for (const char *p = said.data; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 9);
    text_release(&said);
}

static void test_more_kv_heads_than_heads_are_refused(void **state)
{
    struct text said = {0};

    (void)state;
    assert_int_equal(run("row,op,dtype,heads,kv_heads,head_dim,q_len,kv_len\\n"
                         "a,attn_decode,bf16,8,8,128,1,512\\n"
                         "b,attn_decode,bf16,8,9,128,1,512\\n"
                         "c,attn_prefill,bf16,8,32,128,512,512\\n", "--gpu l4 --csv -", &said), 0);
    says(&said, "\na,attn_decode,bf16,8,8,128,1,512,1"); /* microseconds */
    says(&said, "\nb,attn_decode,bf16,8,9,128,1,512,,,,,9 kv_heads cannot share 8 heads");
    says(&said, "\nc,attn_prefill,bf16,8,32,128,512,512,,,,,32 kv_heads cannot share 8 heads");
    text_release(&said);
}

static void test_one_operation_and_its_ledger(void **state)
{
    struct text said = {0};

    (void)state;
    assert_int_equal(run("", "--gpu rtx-4090 gemm dtype=bf16 m=1 n=4096 k=4096", &said), 0);
    says(&said, "gpu,op,dtype,m,n,k,pred_us,low_us,high_us,bound,why\n"
                "rtx-4090,gemm,bf16,1,4096,4096,");
    assert_int_equal(
        run("", "--gpu l40s --explain attn_decode dtype=bf16 batch=8 heads=32 kv_heads=8 "
                "head_dim=128 kv_len=4096 timing=graph", &said), 0);
    says(&said, "attn_decode on l40s (L40S)");
    says(&said, "KV cache");
    says(&said, "80 % interval");
    says(&said, "bound: ");
    text_release(&said);
}

static void test_wrong_use_is_told(void **state)
{
    static const struct {
        const char *input, *arguments, *said;
    } cases[] = {
        {"", "--gpu l4", "nothing to project"},
        {"", "--gpu l44 gemm m=1", "did you mean 'l4'"},
        {"", "--gpu l4 gemm mm=1", "'mm' is no column"},
        {"", "--gpu l4 --csv /nowhere.csv", "cannot open '/nowhere.csv'"},
        {"", "--gpu /nowhere.json --csv -", "cannot open '/nowhere.json'"},
        {"", "--csv -", "is empty"},
        {"a,b\\n1,2\\n", "--csv -", "no column"},
        {"op\\n", "--csv - gemm", "not both"},
        {"op,m\\n\"gemm,1\\ngemm,2\\n", "--gpu l4 --csv -", "'-': a quote is not closed"},
        {"op\\n\\0gemm\\n", "--gpu l4 --csv -", "zero byte"},
        {"op\\n\\0", "--gpu l4 --csv -", "zero byte"},
        {"op\\ngemm\\0gemm", "--gpu l4 --csv -", "zero byte"},
        {"", "--csv /dev/zero", "zero byte"},
        {"", "--gpu /dev/zero gemm m=1", "never ends"},
        {"", "--gpu l4 gemm m=1 m=2", "'m' stands there twice"},
        {"", "--explian --gpu l4 gemm m=1", "did you mean 'explain'"},
        {"", "--gpu", "requires an argument"},
        {"op,m,note,note,M\\ngemm,1,a,b,2\\n", "--gpu l4 --csv -", "two columns 'm'"},
        {"", "--gpu l4 --calibrate /dev/zero gemm m=1", "never ends"},
    };
    struct text said = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(cases[i].input, cases[i].arguments, &said), 2);
        says(&said, cases[i].said);
    }
    text_release(&said);
}

/* What is appended stands under its own header, whatever the rows look like. */
static void test_odd_rows_keep_their_columns(void **state)
{
    struct text said = {0};

    (void)state;
    assert_int_equal(run("note,op,m,n,k\\n\"two\\nlines\",gemm,8,8,8\\n5\" pipe,gemm,8,8,8\\n"
                         "c,gemm\\nd,gemm,8,8,8,,\\ne,gemm,8,8,8,\"x, y\"\\nf,gemm,1e30,1,1\\n",
                         "--gpu l4 --csv -", &said), 0);
    says(&said, "\n\"two\nlines\",gemm,8,8,8,");
    says(&said, "\n5\" pipe,gemm,8,8,8,");
    says(&said, "\nc,gemm,,,,,,,,'gemm' needs 'm'");
    says(&said, "\ne,gemm,8,8,8,,,,,the row has more cells than the header\n");
    says(&said, "\nf,gemm,1e30,1,1,,,,,'m' is '1e30': too large");
    assert_ptr_equal(strstr(said.data, "8,8,8,,"), strstr(said.data, "8,8,8,,,,,the row"));
    assert_int_equal(run("op,m,memory,causal\\nupload,64,pined,\\nupload,64,pinned,maybe\\n",
                         "--gpu l4 --csv -", &said), 0);
    says(&said, "'memory' is 'pined': not pageable");
    says(&said, "'causal' is 'maybe': not yes or no");
    assert_int_equal(run("op,m,n,k,rows,cols\\ngemm,9e5,9e5,9e5,,\\ngemm,0x8,8,8,,\\n"
                         "upload,,,,,\\nupload,,,,1000,1000000\\n", "--gpu l4 --csv -", &said), 0);
    says(&said, "do not fit the 24 GB of 'l4'");
    says(&said, "'m' is '0x8': not a whole number");
    says(&said, "'upload' needs 'cols'");
    says(&said, "link");
    text_release(&said);
}

/* A known column behind many of the user's own is found; too many are refused, not forgotten. */
static void test_wide_tables(void **state)
{
    struct text said = {0};

    (void)state;
    assert_int_equal(run("'\"$(seq -s, 1 400),op,m,n,k\\n$(seq -s, 1 400),gemm,8,8,8\\n\"'",
                         "--gpu l4 --csv -", &said), 0);
    says(&said, "400,gemm,8,8,8,");
    assert_null(strstr(said.data, ",,,,,"));
    assert_int_equal(run("'\"$(seq -s, 1 9000),op\\n\"'", "--gpu l4 --csv -", &said), 2);
    says(&said, "more than 4096 columns");
    text_release(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_pass_through_and_gain_columns),
        cmocka_unit_test(test_more_kv_heads_than_heads_are_refused),
        cmocka_unit_test(test_one_operation_and_its_ledger),
        cmocka_unit_test(test_odd_rows_keep_their_columns),
        cmocka_unit_test(test_wide_tables),
        cmocka_unit_test(test_wrong_use_is_told),
    };

    return cmocka_run_group_tests_name("project command", tests, find_program, NULL);
}
