/* SPDX-License-Identifier: MIT */
#include "harness/prices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/terms.h"
#include "harness/options.h"
#include "projection/projection.h"

enum { KEY_CPU = 0x100, KEY_GPU, KEY_ENERGY, KEY_POWER };

static const struct argp_option table[] = {
    {"cpu-price", KEY_CPU, "PRICE", 0, "what an hour of this machine costs, in any currency", 0},
    {"gpu-price", KEY_GPU, "[GPU=]PRICE[,...]", 0,
     "what an hour of a machine with the GPU costs, for all GPUs or by name", 0},
    {"energy-price", KEY_ENERGY, "PRICE", 0, "what a kWh costs, where hours do not include it", 0},
    {"cpu-power", KEY_POWER, "WATT", 0,
     "power of this CPU at work, where no counter tells (RAPL)", 0},
    {0},
};

static json_t *object_at(json_t *object, const char *key)
{
    if (!json_object_get(object, key))
        json_object_set_new(object, key, json_object());
    return json_object_get(object, key);
}

static void set_number(struct argp_state *state, json_t *object, const char *key,
                       const char *option, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= 0) || isinf(value))
        argp_error(state, "--%s: '%s' is not a number of 0 or more", option, text);
    if (json_object_set_new(object, key, json_real(value)) != 0) /* a name that is no UTF-8 */
        argp_error(state, "--%s: no gpu '%s'", option, key);
}

/* "2.5", or "l4=0.7,h100-sxm=2.5". */
static void set_gpus(struct argp_state *state, json_t *prices, char *text)
{
    json_t *gpus = object_at(prices, "gpu_per_hour");
    const char *part[OPTION_LIST];
    int n = options_cut(state, "gpu-price", text, part);

    for (int i = 0; i < n; i++) {
        char *is = strchr(part[i], '=');

        if (is)
            *is++ = '\0';
        set_number(state, gpus, is ? part[i] : "*", "gpu-price", is ? is : part[i]);
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    json_t **prices = state->input;

    if (key < KEY_CPU || key > KEY_POWER)
        return ARGP_ERR_UNKNOWN;
    if (!*prices)
        *prices = json_object();
    if (key == KEY_CPU)
        set_number(state, *prices, "cpu_per_hour", "cpu-price", arg);
    else if (key == KEY_GPU)
        set_gpus(state, *prices, arg);
    else if (key == KEY_ENERGY)
        set_number(state, *prices, "energy_per_kwh", "energy-price", arg);
    else
        set_number(state, *prices, "cpu_watt", "cpu-power", arg);
    if (key == KEY_POWER && !(json_number_value(json_object_get(*prices, "cpu_watt")) > 0))
        argp_error(state, "--cpu-power: a CPU at work takes more than '%s' W", arg);
    return 0;
}

const struct argp prices_argp = {.options = table, .parser = parse_option};

static bool is_projected(const json_t *header, const char *name)
{
    size_t i;
    json_t *gpu;

    json_array_foreach(json_object_get(header, "gpus"), i, gpu)
    {
        const char *id = json_string_value(json_object_get(gpu, "id"));

        if (id && strcmp(id, name) == 0)
            return true;
    }
    return false;
}

/* "cuda:1": of the machine that the results are of. */
static bool is_device(const char *name)
{
    char kind[64];
    size_t n = strcspn(name, ":");

    snprintf(kind, sizeof kind, "%.*s", (int)n, name);
    return name[n] == ':' && device_kind_parse(kind) > DEVICE_CPU;
}

int prices_check(json_t *given, const json_t *header, struct why *why)
{
    json_t *gpus = json_object_get(given, "gpu_per_hour"), *named = json_object(), *price;
    const char *name;

    json_object_foreach(gpus, name, price)
    {
        bool is_id = strcmp(name, "*") == 0 || is_device(name) || is_projected(header, name);
        const struct gpu *gpu = is_id ? NULL : gpu_find(name, why);

        if (!is_id && !gpu) {
            json_decref(named);
            return STATUS_INVALID;
        }
        json_object_set(named, is_id ? name : gpu->id.text, price);
    }
    if (gpus)
        json_object_set(given, "gpu_per_hour", named);
    json_decref(named);
    return 0;
}

void prices_apply(json_t *header, const json_t *given)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)given, key, value)
    {
        json_t *held = object_at(header, "prices");

        if (json_is_object(value) && json_is_object(json_object_get(held, key)))
            json_object_update(json_object_get(held, key), value);
        else
            json_object_set(held, key, value);
    }
}
