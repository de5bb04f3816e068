/* SPDX-License-Identifier: MIT */
/* Models and their chains: published parameter counts come out of the facts, and the
 * flops of a chain are those of the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "suites/model.h"
#include "suites/suite.h"

/* Total of tensor elements that each model's page on huggingface.co states. */
static const struct {
    const char *name;
    double parameters;
} published[] = {
    {"llama-3.2-1b", 1235814400}, {"llama-3.2-3b", 3212749824},
    {"llama-3.1-8b", 8030261248}, {"tinyllama-1.1b", 1100048384},
    {"smollm2-135m", 134515008},  {"qwen2.5-0.5b", 494032768},
    {"qwen2.5-7b", 7615616512},   {"mistral-7b", 7241732096},
    {"phi-3-mini", 3821079552},
};

static void test_parameters(void **state)
{
    size_t models = 0;

    (void)state;
    for (const char *const *name = model_names(); *name; name++)
        models++;
    assert_int_equal(models, sizeof published / sizeof *published);
    for (size_t i = 0; i < models; i++) {
        struct model m;
        struct why why = {{0}};

        if (model_load(&m, published[i].name, &why) != 0)
            fail_msg("%s", why.text);
        assert_true(model_parameters(&m) == published[i].parameters);
        assert_string_equal(m.name.text, published[i].name);
        assert_true(strlen(model_brief(m.name.text)) > 10);
    }
}

static int64_t axis(const struct suite *suite, const struct suite_link *link,
                    const char *name)
{
    const struct suite_row *row = &suite->row[link->row];

    for (int i = 0; i < row->axes; i++)
        if (strcmp(row->axis[i].text, name) == 0)
            return strtoll(row->value[i].text, NULL, 10);
    return -1;
}

static const struct suite_link *link_of(const struct suite_chain *chain, const char *op)
{
    for (int i = 0; i < chain->links; i++)
        if (strcmp(chain->link[i].op.text, op) == 0)
            return &chain->link[i];
    fail_msg("no link '%s'", op);
    return NULL;
}

/* Multiply-adds of the matrix products of one pass. */
static double chain_products(const struct suite *suite, const struct suite_chain *chain)
{
    double sum = 0;

    for (int i = 0; i < chain->links; i++)
        if (strcmp(suite->row[chain->link[i].row].workload.text, "gemm") == 0)
            sum += chain->link[i].count * (double)axis(suite, &chain->link[i], "m") *
                   (double)axis(suite, &chain->link[i], "n") *
                   (double)axis(suite, &chain->link[i], "k");
    return sum;
}

static void test_default(void **state)
{
    struct suite suite;
    struct why why = {{0}};
    /* every weight but norms and the embedding's gather is multiplied once a token */
    double layers = 1235814400.0 - 128256.0 * 2048 - 33 * 2048, head = 128256.0 * 2048;

    (void)state;
    assert_int_equal(suite_load(&suite, "llm", NULL, &why), 0);
    assert_int_equal(suite.chains, 3);
    assert_string_equal(suite.chain[0].phase.text, "prefill");
    assert_true(suite.chain[0].tokens == 512 && suite.chain[2].tokens == 8);
    assert_int_equal(suite.chain[2].batch, 8);
    assert_true(chain_products(&suite, &suite.chain[0]) == 512 * layers + head);
    assert_true(chain_products(&suite, &suite.chain[1]) == layers + head);
    assert_true(chain_products(&suite, &suite.chain[2]) == 8 * (layers + head));
    assert_non_null(
        strstr(suite.note, "1.24 billion parameters, 2.47 GB of weights at 2 bytes"));
    /* same shape, same row: the two norms and the two additions of a layer */
    assert_int_equal(link_of(&suite.chain[0], "attn_norm")->row,
                     link_of(&suite.chain[0], "ffn_norm")->row);
    assert_int_equal(suite.row[link_of(&suite.chain[1], "attention")->row].cache,
                     CACHE_COLD);
    assert_int_equal(suite.row[link_of(&suite.chain[1], "swiglu")->row].cache,
                     CACHE_HOT);
    suite_release(&suite);
}

static void test_request(void **state)
{
    static const int64_t batch[] = {1, 4}, context[] = {128}, far[] = {8192};
    static const enum dtype dtype[] = {DTYPE_F32, DTYPE_BF16};
    struct suite_request request = {.model = "Mistral-7B",
                                    .batch = batch,
                                    .batches = 2,
                                    .context = context,
                                    .contexts = 1,
                                    .dtype = dtype,
                                    .dtypes = 2};
    struct suite suite;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(suite_load(&suite, "llm", &request, &why), 0);
    assert_int_equal(suite.chains, 8); /* two phases, two batches, two dtypes */
    assert_string_equal(suite.chain[0].model.text, "mistral-7b (f32)");
    /* the window of 4096 hides nothing of 128 tokens */
    assert_int_equal(axis(&suite, link_of(&suite.chain[0], "attention"), "window"), -1);
    suite_release(&suite);
    request.context = far;
    assert_int_equal(suite_load(&suite, "llm", &request, &why), 0);
    assert_int_equal(axis(&suite, link_of(&suite.chain[0], "attention"), "window"),
                     4096);
    suite_release(&suite);
}

static void test_bad_request(void **state)
{
    static const int64_t zero[] = {0};
    struct suite_request request = {.model = "llama-3.2-1c"};
    struct suite suite;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(suite_load(&suite, "llm", &request, &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "'llama-3.2-1b'"));
    request = (struct suite_request){.batch = zero, .batches = 1};
    assert_int_equal(suite_load(&suite, "llm", &request, &why), STATUS_INVALID);
    assert_non_null(strstr(why.text, "--batch"));
    request = (struct suite_request){.model = "no/such/config.json"};
    assert_int_equal(suite_load(&suite, "llm", &request, &why), STATUS_IO);
}

#define SIZES                                                                          \
    "\"hidden_size\":64,\"intermediate_size\":128,\"num_hidden_layers\":2,"            \
    "\"num_attention_heads\":4,\"vocab_size\":100"

static void test_files(void **state)
{
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"{}", "'model_type' is missing"},
        {"{\"model_type\":\"mamba\"," SIZES "}", "'mamba'"},
        {"{\"model_type\":\"llama\",\"hidden_act\":\"gelu\"," SIZES "}", "'gelu'"},
        {"{\"model_type\":\"llama\",\"num_local_experts\":8," SIZES "}",
         "num_local_experts"},
        {"{\"model_type\":\"llama\",\"hidden_size\":64}",
         "'intermediate_size' is missing"},
        {"{\"model_type\":\"llama\",\"hidden_size\":6.5}", "'hidden_size' must be"},
        {"{\"model_type\":\"llama\",\"num_key_value_heads\":3," SIZES "}",
         "no multiple"},
        {"{\"model_type\":\"llama\",\"head_dim\":15," SIZES "}", "head_dim"},
        {"{\"model_type\":\"llama\",\"sliding_window\":\"x\"," SIZES "}",
         "sliding_window"},
    };
    struct model m;
    struct why why = {{0}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(model_parse(&m, "a/config.json", bad[i].text, &why),
                         STATUS_INVALID);
        if (!strstr(why.text, bad[i].sentence) || !strstr(why.text, "a/config.json"))
            fail_msg("'%s' does not say \"%s\"", why.text, bad[i].sentence);
    }
    assert_int_equal(model_parse(&m, "Tiny/config.json",
                                 "{\"model_type\":\"qwen2\",\"sliding_window\":9,"
                                 "\"use_sliding_window\":false,"
                                 "\"rope_parameters\":{\"rope_theta\":5e5}," SIZES "}",
                                 &why),
                     0);
    assert_string_equal(m.name.text, "Tiny");
    assert_true(m.kv_heads == 4 && m.head_dim == 16 && m.theta == 500000 &&
                m.window == 0);
    assert_true(m.has_qkv_bias && !m.is_tied);
}

static void test_folder(void **state)
{
    static const char text[] = "{\"model_type\":\"llama\"," SIZES "}";
    char folder[] = "/tmp/offload-model-XXXXXX", path[64];
    struct suite_request request = {.model = folder};
    struct suite suite;
    struct why why = {{0}};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.json", folder);
    assert_int_equal(text_write_file(path, text, strlen(text), &why), 0);
    assert_int_equal(suite_load(&suite, "llm", &request, &why), 0);
    assert_string_equal(suite.chain[0].model.text, strrchr(folder, '/') + 1);
    suite_release(&suite);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters), cmocka_unit_test(test_default),
        cmocka_unit_test(test_request),    cmocka_unit_test(test_bad_request),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_folder),
    };

    return cmocka_run_group_tests_name("llm suite", tests, NULL, NULL);
}
