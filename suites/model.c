/* SPDX-License-Identifier: MIT */
/* Model facts from JSON. What the suite cannot describe (experts, other activations,
 * further norms) is refused by name: a wrong list of operations would give a wrong
 * verdict. */
#include "suites/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "suites/shelf.h"

#define FOLDER "suites/models/"

/* The model types of `transformers` whose layers are what the suite describes. */
static const struct {
    const char *type;
    bool has_qkv_bias;
} types[] = {{"llama", false}, {"mistral", false}, {"phi3", false}, {"qwen2", true}};

/* One whole number of the file and where it goes. */
struct field {
    const char *key;
    int64_t *to;
    int64_t fallback; /* 0: the key is required */
};

/* Above this a size is a typing error and products would no longer be exact. */
static const int64_t size_limit = INT64_C(1) << 31;

static int read_count(const json_t *root, const char *path, const struct field *f,
                      struct why *why)
{
    const json_t *value = json_object_get(root, f->key);
    double number = json_number_value(value);

    if (!value || json_is_null(value)) {
        *f->to = f->fallback;
        if (f->fallback)
            return 0;
        return why_fail(why, STATUS_INVALID, "%s: field '%s' is missing", path, f->key);
    }
    if (!json_is_number(value) || number != floor(number) || number < 1 ||
        number > (double)size_limit)
        return why_fail(why, STATUS_INVALID,
                        "%s: field '%s' must be a whole number from 1 to 2^31", path,
                        f->key);
    *f->to = (int64_t)number;
    return 0;
}

static int read_sizes(struct model *m, const char *path, const json_t *root,
                      struct why *why)
{
    const json_t *rope = json_object_get(root, "rope_parameters");
    const struct field sizes[] = {
        {"hidden_size", &m->hidden, 0},       {"intermediate_size", &m->ffn, 0},
        {"num_hidden_layers", &m->layers, 0}, {"num_attention_heads", &m->heads, 0},
        {"vocab_size", &m->vocab, 0},
    };
    int status = 0;

    for (size_t i = 0; !status && i < sizeof sizes / sizeof *sizes; i++)
        status = read_count(root, path, &sizes[i], why);
    if (status)
        return status;
    status =
        read_count(root, path,
                   &(struct field){"num_key_value_heads", &m->kv_heads, m->heads}, why);
    if (!status)
        status = read_count(
            root, path,
            &(struct field){"head_dim", &m->head_dim,
                            m->hidden >= m->heads ? m->hidden / m->heads : 1},
            why);
    /* newer files keep it inside an object */
    if (!status)
        status = read_count(json_object_get(rope, "rope_theta") ? rope : root, path,
                            &(struct field){"rope_theta", &m->theta, 10000}, why);
    if (status)
        return status;
    if (m->heads % m->kv_heads != 0)
        return why_fail(why, STATUS_INVALID,
                        "%s: num_attention_heads (%lld) is no multiple of "
                        "num_key_value_heads (%lld)",
                        path, (long long)m->heads, (long long)m->kv_heads);
    if (m->head_dim % 2 != 0 ||
        (!json_object_get(root, "head_dim") && m->hidden % m->heads != 0))
        return why_fail(why, STATUS_INVALID,
                        "%s: field 'head_dim' is missing and hidden_size / "
                        "num_attention_heads is not "
                        "an even whole number",
                        path);
    return 0;
}

static int read_window(struct model *m, const char *path, const json_t *root,
                       struct why *why)
{
    const json_t *window = json_object_get(root, "sliding_window");

    if (!window || json_is_null(window) ||
        json_is_false(json_object_get(root, "use_sliding_window")))
        return 0;
    return read_count(root, path, &(struct field){"sliding_window", &m->window, 0},
                      why);
}

/* Keys whose presence or value means operations that the suite does not describe. */
static int check_layers(const char *path, const json_t *root, struct why *why)
{
    static const char *const experts[] = {"num_local_experts", "num_experts",
                                          "n_routed_experts"};
    const char *act = json_string_value(json_object_get(root, "hidden_act"));

    for (size_t i = 0; i < sizeof experts / sizeof *experts; i++)
        if (json_number_value(json_object_get(root, experts[i])) > 1)
            return why_fail(why, STATUS_INVALID,
                            "%s: field '%s': mixtures of experts are not described yet",
                            path, experts[i]);
    if (act && strcmp(act, "silu") != 0 && strcmp(act, "swish") != 0)
        return why_fail(
            why, STATUS_INVALID,
            "%s: field 'hidden_act' is '%s', but only a gated 'silu' is described yet",
            path, act);
    return 0;
}

/* Say which types there are. */
static int refuse_type(const char *path, const char *type, struct why *why)
{
    struct text known = {0};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        text_printf(&known, "%s'%s'", i ? ", " : "", types[i].type);
    why_fail(why, STATUS_INVALID,
             "%s: field 'model_type' is '%s', whose layers are not described yet; "
             "known are %s",
             path, type, known.data ? known.data : "");
    text_release(&known);
    return STATUS_INVALID;
}

static int read_type(struct model *m, const char *path, const json_t *root,
                     struct why *why)
{
    const char *type = json_string_value(json_object_get(root, "model_type"));

    if (!type)
        return why_fail(why, STATUS_INVALID, "%s: field 'model_type' is missing", path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0) {
            m->type = name_of(type);
            m->has_qkv_bias = types[i].has_qkv_bias;
            return check_layers(path, root, why);
        }
    return refuse_type(path, type, why);
}

/* "/models/TinyLlama/config.json" is "TinyLlama". */
static void name_from_path(struct name *name, const char *path)
{
    char copy[256], *base;

    snprintf(copy, sizeof copy, "%s", path);
    base = strrchr(copy, '/');
    if (base && base > copy && strcmp(base, "/config.json") == 0) {
        *base = '\0';
        base = strrchr(copy, '/');
    }
    base = base ? base + 1 : copy;
    snprintf(name->text, sizeof name->text, "%.63s", base);
    base = strrchr(name->text, '.');
    if (base && strcmp(base, ".json") == 0)
        *base = '\0';
}

static void read_name(struct model *m, const char *path, const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    const char *source = json_string_value(json_object_get(root, "source"));

    if (!name || !*name)
        name = json_string_value(json_object_get(root, "_name_or_path"));
    if (name && *name)
        name_from_path(&m->name, name);
    else
        name_from_path(&m->name, path);
    snprintf(m->source, sizeof m->source, "%s", source ? source : path);
}

int model_parse(struct model *m, const char *path, const char *text, struct why *why)
{
    json_t *root = shelf_parse(path, text, why);
    int status;

    *m = (struct model){0};
    if (!root)
        return STATUS_INVALID;
    read_name(m, path, root);
    status = read_type(m, path, root, why);
    if (!status)
        status = read_sizes(m, path, root, why);
    if (!status)
        status = read_window(m, path, root, why);
    m->is_tied = json_is_true(json_object_get(root, "tie_word_embeddings"));
    json_decref(root);
    return status;
}

static int load_file(struct model *m, const char *path, struct why *why)
{
    struct text text = {0};
    int status = text_read_file(&text, path, why);

    if (!status && text.n == 0)
        status = why_fail(why, STATUS_INVALID, "cannot read '%s': it is empty", path);
    if (!status)
        status = model_parse(m, path, text.data, why);
    text_release(&text);
    return status;
}

static int load_builtin(struct model *m, const char *name, struct why *why)
{
    json_t *root = shelf_read(FOLDER, name, why);
    char path[200], *text = root ? json_dumps(root, 0) : NULL;
    int status = root ? STATUS_MEMORY : STATUS_INVALID;

    snprintf(path, sizeof path, FOLDER "%s.json", name);
    if (text)
        status = model_parse(m, path, text, why);
    if (text)
        free(text);
    json_decref(root);
    return status;
}

int model_load(struct model *m, const char *name, struct why *why)
{
    struct shelf shelf;
    struct stat info;
    char near[160], path[4200];
    int i;

    shelf_fill(&shelf, FOLDER);
    i = shelf_find(&shelf, name);
    if (i >= 0)
        return load_builtin(m, shelf.name[i], why);
    if (stat(name, &info) == 0 && S_ISDIR(info.st_mode)) {
        snprintf(path, sizeof path, "%.4000s/config.json", name);
        return load_file(m, path, why);
    }
    if (strchr(name, '/') ||
        (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".json") == 0) ||
        stat(name, &info) == 0)
        return load_file(m, name, why);
    text_nearest(near, sizeof near, name, shelf.name, (size_t)shelf.items);
    return why_fail(
        why, STATUS_INVALID,
        "unknown model '%s'%s; hint: offload-bench list models, or give a config.json",
        name, near);
}

double model_parameters(const struct model *m)
{
    double hidden = (double)m->hidden, q = (double)(m->heads * m->head_dim),
           kv = (double)(m->kv_heads * m->head_dim);
    double attention =
        2 * hidden * q + 2 * hidden * kv + (m->has_qkv_bias ? q + 2 * kv : 0);
    double layer = attention + 3 * hidden * (double)m->ffn + 2 * hidden;

    return (double)m->layers * layer + hidden +
           (m->is_tied ? 1 : 2) * hidden * (double)m->vocab;
}

double model_kv_elements(const struct model *m)
{
    return 2.0 * (double)m->layers * (double)(m->kv_heads * m->head_dim);
}
