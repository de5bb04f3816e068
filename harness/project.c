/* SPDX-License-Identifier: MIT */
/* `offload-bench project`: predictions for a table of operations, row by row as it comes in,
 * or the terms of one prediction as a ledger. Nothing is measured. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "harness/lesson.h"
#include "harness/options.h"
#include "projection/assumption.h"
#include "projection/table_row.h"

enum { CELLS = 4096, ROW_BYTES = 1 << 24, OUTPUT_BYTES = 1 << 16, KEY_EXPLAIN = 256 };

struct request {
    const char *gpu, *csv, *calibrate;
    bool is_explained;
    char **word; /* op m=1 n=2 ... */
    int words;
};

/* Where the known columns stand in the table that is being read; -1: absent. */
struct table {
    int at[COLUMNS], columns;
    struct row_reader reader;
    bool is_explained;
};

static const struct argp_option options[] = {
    {"gpu", 'g', "NAME", 0, "GPU for rows that name none ('list gpus'), or a JSON file", 0},
    {"csv", 'c', "FILE", 0, "table of operations with a header; - is standard input", 0},
    {"calibrate", 'C', "RESULTS", 0, "results of a real GPU: its cells correct the forecasts", 0},
    {"explain", KEY_EXPLAIN, NULL, 0, "print the terms of each prediction instead", 0},
    {0},
};

static const char doc[] =
    "Predict the time of operations on a GPU that is not here, with 80 % intervals.\v"
    "Columns known: gpu op dtype kv_dtype m n k batch rows cols heads kv_heads head_dim q_len "
    "kv_len causal window timing memory; others pass through. timing is kernel (default), "
    "graph, launch or eager.\n\n"
    "  offload-bench project --gpu l4 --csv ops.csv\n"
    "  offload-bench project --gpu l4 --explain gemm dtype=bf16 m=512 n=4096 k=4096\n";

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
    struct request *r = state->input;

    switch (key) {
    case 'g':
        r->gpu = arg;
        return 0;
    case 'c':
        r->csv = arg;
        return 0;
    case 'C':
        r->calibrate = arg;
        return 0;
    case KEY_EXPLAIN:
        r->is_explained = true;
        return 0;
    case ARGP_KEY_ARGS:
        r->word = state->argv + state->next;
        r->words = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int complain(const char *sentence)
{
    fprintf(stderr, "offload-bench: %s\n", sentence);
    return EXIT_USAGE;
}

/* Cut a row at its commas, in place; quotes are taken off. Returns the number of cells, at most
 * CELLS + 1, of which CELLS are given. */
static int line_split(char *line, char *cell[CELLS])
{
    char *from = line, *to = line;
    int n = 0;

    while (n < CELLS) {
        bool is_quoted = *from == '"';

        cell[n++] = to;
        from += is_quoted;
        while (*from && (is_quoted ? *from != '"' || from[1] == '"' : *from != ',')) {
            from += is_quoted && *from == '"';
            *to++ = *from++;
        }
        while (*from && *from != ',')
            from++;
        if (!*from) {
            *to = '\0';
            return n;
        }
        from++;
        *to++ = '\0';
    }
    return n + 1;
}

static void row_trim(struct text *row)
{
    while (row->n > 0 && (row->data[row->n - 1] == '\n' || row->data[row->n - 1] == '\r'))
        row->data[--row->n] = '\0';
}

/* The next row without its end; a quoted cell may go on over lines. 1: there is one, 0: there is
 * none; or what is wrong with it. */
static int row_next(FILE *in, struct text *row, struct why *why)
{
    bool is_start = true, is_quoted = false, is_open = false;
    int c;

    row->n = 0;
    while ((c = getc_unlocked(in)) != EOF) {
        char byte = (char)c;

        if (c == '\0')
            return why_fail(why, STATUS_INVALID, "a row holds a zero byte: no text");
        is_open ^= c == '"' && (is_start || is_quoted);
        is_quoted = is_open || (is_quoted && c != ',');
        is_start = c == ',' && !is_open;
        text_add_bytes(row, &byte, 1);
        if (row->failed || row->n > ROW_BYTES)
            return why_fail(why, STATUS_INVALID, "a row is longer than %d MiB%s", ROW_BYTES >> 20,
                            is_open ? "; hint: a quote is not closed" : "");
        if (c == '\n' && !is_open)
            break;
    }
    if (is_open)
        return why_fail(why, STATUS_INVALID, "a quote is not closed");
    if (ferror(in))
        return why_fail(why, STATUS_IO, "%s", strerror(errno));
    if (row->n == 0)
        return 0;
    row_trim(row);
    return 1;
}

/* Four significant places, as short as they are. */
static int number_write(char *out, double us)
{
    static const double ten[] = {1, 10, 100, 1000, 10000};
    int places = us < 10 ? 4 : us < 100 ? 3 : us < 1000 ? 2 : us < 10000 ? 1 : 0;
    int64_t scaled, whole;
    char digits[8];

    if (!(us < 9e13))
        return sprintf(out, "%.6g", us);
    if (us < 0.01)
        return sprintf(out, "%.4g", us);
    scaled = (int64_t)(us * ten[places] + 0.5);
    whole = scaled / (int64_t)ten[places];
    for (int i = places; i-- > 0; scaled /= 10)
        digits[i] = (char)('0' + scaled % 10);
    return sprintf(out, places ? "%lld.%.*s" : "%lld", (long long)whole, places, digits);
}

static void field_write(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void forecast_write(FILE *out, int status, const struct forecast *f,
                           const struct why *why)
{
    char numbers[128];
    int n = 0;

    if (status != 0) {
        fputs(",,,,,", out);
        field_write(out, why->text);
    } else {
        const double us[] = {f->time_us.value, f->time_us.low, f->time_us.high};

        for (int i = 0; i < 3; i++) {
            numbers[n++] = ',';
            n += number_write(numbers + n, us[i]);
        }
        numbers[n] = '\0';
        fputs(numbers, out);
        putc(',', out);
        fputs(f->bound, out);
        putc(',', out);
        field_write(out, f->why);
    }
    putc('\n', out);
}

/* Which figures that nobody measured entered, and how far each moves the time. */
static void influences_explain(FILE *out, const struct row *row)
{
    struct influence influence[INFLUENCES];
    int n = project_influences(row->gpu, &row->operation, row->timing, influence);

    if (n > 0)
        fprintf(out, "  assumptions that entered, the time at either end of their range:\n");
    for (int i = 0; i < n; i++) {
        const struct assumption *a = influence[i].assumption;

        fprintf(out, "  %12.3f ... %.3f us  %s %g (%g to %g%s%s): %s\n", influence[i].low_us,
                influence[i].high_us, a->name, a->value, a->low, a->high, *a->unit ? " " : "",
                a->unit, a->enters == ENTERS_MODEL ? "in the calibration's residuals"
                                                   : "its range is in the interval");
    }
    if (*row->gpu->unverified)
        fprintf(out, "  unverified in the catalogue: %s; hint: list gpus --verbose --gpu %s\n",
                row->gpu->unverified, row->gpu->id.text);
}

static void forecast_explain(FILE *out, const struct row *row, const struct forecast *f)
{
    fprintf(out, "%s on %s (%s)\n", row->operation.op, row->gpu->id.text,
            row->gpu->full.text);
    for (int i = 0; i < f->terms; i++)
        fprintf(out, "  %12.3f us  %s\n", f->term[i].us, f->term[i].name);
    fprintf(out, "  %12.3f us  projected; 80 %% interval %.3f ... %.3f us; bound: %s\n",
            f->time_us.value, f->time_us.low, f->time_us.high, f->bound);
    fprintf(out, "  %s\n", f->why);
    influences_explain(out, row);
}

/* Project the row whose known cells are in `cell` and write what was asked for. fault: why it
 * cannot be, or NULL. Returns the status of the projection. */
static int row_project(struct table *t, const char *const cell[COLUMNS], const char *fault)
{
    struct row row;
    struct forecast f;
    struct why why = {""};
    int status = fault ? why_fail(&why, STATUS_INVALID, "%s", fault)
                       : row_read(&t->reader, cell, &row, &why);

    if (status == 0)
        status = project(row.gpu, &row.operation, row.timing, &f, &why);
    if (!t->is_explained)
        forecast_write(stdout, status, &f, &why);
    else if (status == 0)
        forecast_explain(stdout, &row, &f);
    else
        printf("%s: not projected: %s\n", cell[COLUMN_OP], why.text);
    return status;
}

/* As it came in where it has the header's columns, else made to have them: what is appended must
 * stand under its own header. */
static void cells_write(const struct table *t, const char *line, char *const cell[], int cells)
{
    if (cells == t->columns) {
        fputs(line, stdout);
        return;
    }
    for (int i = 0; i < t->columns; i++) {
        if (i > 0)
            putc(',', stdout);
        field_write(stdout, i < cells ? cell[i] : "");
    }
}

static void table_row(struct table *t, const char *line, char *const cell[], int cells)
{
    const char *known[COLUMNS];
    bool is_long = cells > CELLS;

    for (int i = t->columns; i < cells && !is_long; i++)
        is_long = *cell[i] != '\0'; /* spreadsheets end rows with empty cells */
    for (int i = 0; i < COLUMNS; i++)
        known[i] = t->at[i] >= 0 && t->at[i] < cells ? cell[t->at[i]] : "";
    if (!t->is_explained)
        cells_write(t, line, cell, cells);
    row_project(t, known, is_long ? "the row has more cells than the header" : NULL);
}

static int table_open(struct table *t, const char *header, char *cell[CELLS], struct why *why)
{
    char *copy = strdup(header + (strncmp(header, "\xef\xbb\xbf", 3) == 0 ? 3 : 0));
    const char *twice = NULL;

    if (!copy)
        return why_fail(why, STATUS_MEMORY, "out of memory");
    t->columns = line_split(copy, cell);
    for (int i = 0; i < COLUMNS; i++)
        t->at[i] = -1;
    for (int i = t->columns > CELLS ? -1 : t->columns - 1; i >= 0; i--) {
        int column = column_find(cell[i]);

        if (column >= 0 && t->at[column] >= 0)
            twice = column_names[column];
        if (column >= 0)
            t->at[column] = i;
    }
    free(copy);
    if (t->columns > CELLS)
        return why_fail(why, STATUS_INVALID, "the header has more than %d columns", CELLS);
    if (twice)
        return why_fail(why, STATUS_INVALID, "the header has two columns '%s'", twice);
    return t->at[COLUMN_OP] < 0 ? why_fail(why, STATUS_INVALID, "the header has no column 'op'")
                                : 0;
}

static int table_stream(struct table *t, FILE *in, const char *name)
{
    struct text line = {0}, copy = {0};
    char *cell[CELLS], sentence[sizeof(struct why) + 120];
    struct why why = {""};
    int rows = row_next(in, &line, &why), status = rows;

    if (rows == 0)
        status = why_fail(&why, STATUS_INVALID, "it is empty: a header line is needed");
    else if (rows > 0)
        status = table_open(t, line.data, cell, &why);
    if (status == 0 && !t->is_explained)
        printf("%s,pred_us,low_us,high_us,bound,why\n", line.data);
    while (status == 0 && (rows = row_next(in, &line, &why)) > 0) {
        if (line.n == 0)
            continue;
        copy.n = 0;
        text_add_bytes(&copy, line.data, line.n);
        if (copy.failed)
            status = why_fail(&why, STATUS_MEMORY, "out of memory");
        else
            table_row(t, line.data, cell, line_split(copy.data, cell));
    }
    if (status == 0)
        status = rows;
    snprintf(sentence, sizeof sentence, "'%.100s': %s", name, why.text);
    text_release(&line);
    text_release(&copy);
    return status ? complain(sentence) : EXIT_DONE;
}

enum words_part { COLUMNS_NAMED, COLUMNS_VALUED };

/* The columns that were given, as a header or as a row. */
static void words_write(const char *const cell[COLUMNS], enum words_part part)
{
    const char *between = "";

    for (int i = 0; i < COLUMNS; i++)
        if (*cell[i]) {
            fputs(between, stdout);
            field_write(stdout, part == COLUMNS_NAMED ? column_names[i] : cell[i]);
            between = ",";
        }
}

/* Words of the command line: the operation, then column=value. */
static int words_project(struct table *t, char **word, int words)
{
    const char *cell[COLUMNS];
    char sentence[200];

    for (int i = 0; i < COLUMNS; i++)
        cell[i] = "";
    cell[COLUMN_GPU] = t->reader.fallback ? t->reader.fallback->id.text : "";
    cell[COLUMN_OP] = word[0];
    for (int i = 1; i < words; i++) {
        char *value = strchr(word[i], '=');
        int column;

        if (value)
            *value++ = '\0';
        column = value ? column_find(word[i]) : -1;
        if (column < 0) {
            snprintf(sentence, sizeof sentence, "'%.80s' is no column; hint: column=value, "
                     "'project --help' lists the columns", word[i]);
            return complain(sentence);
        }
        if (*cell[column] && column != COLUMN_GPU) {
            snprintf(sentence, sizeof sentence, "'%s' stands there twice", column_names[column]);
            return complain(sentence);
        }
        cell[column] = value;
    }
    if (!t->is_explained) {
        words_write(cell, COLUMNS_NAMED);
        printf(",pred_us,low_us,high_us,bound,why\n");
        words_write(cell, COLUMNS_VALUED);
    }
    return row_project(t, cell, NULL) ? EXIT_USAGE : EXIT_DONE;
}

static int calibrate(const char *path)
{
    struct why why = {""};
    struct lesson lesson;
    int status = lesson_read(path, &lesson, &why);

    if (status)
        complain(why.text);
    else
        fprintf(stderr, "offload-bench: %s\n", lesson.note.data);
    lesson_release(&lesson);
    return status ? EXIT_USAGE : EXIT_DONE;
}

int command_project(int argc, char **argv)
{
    static const struct argp parser = {.options = options, .parser = option_parse,
                                       .args_doc = "[OP COLUMN=VALUE...]", .doc = doc};
    static char name[] = "offload-bench project";
    struct request r = {0};
    struct table t = {0};
    char sentence[300];
    struct why why = {""};
    struct gpu_list list = {.n = 0};
    FILE *in = stdin;
    int status = 0;

    argp_err_exit_status = EXIT_USAGE;
    argv[0] = name;
    options_check(argc, argv, options, "project");
    if (argp_parse(&parser, argc, argv, 0, NULL, &r) != 0)
        return EXIT_USAGE;
    if (r.calibrate && calibrate(r.calibrate) != EXIT_DONE)
        return EXIT_USAGE;
    if (r.gpu && gpu_named(r.gpu, &list, &why) != 0)
        return complain(why.text);
    t.reader.fallback = list.n ? list.gpu[0] : NULL;
    if (list.n > 1)
        fprintf(stderr, "offload-bench: '%s' holds %d GPUs: '%s' is taken where none is named; "
                "hint: column 'gpu' names the others\n", r.gpu, list.n, list.gpu[0]->id.text);
    t.is_explained = r.is_explained;
    if (r.words > 0 && r.csv)
        return complain("name one operation or a table with --csv; not both");
    if (r.words == 0 && !r.csv)
        return complain("nothing to project; hint: --csv FILE, or an operation such as "
                        "'gemm dtype=bf16 m=512 n=4096 k=4096'");
    if (r.words > 0)
        return words_project(&t, r.word, r.words);
    if (strcmp(r.csv, "-") != 0)
        in = fopen(r.csv, "r");
    if (!in) {
        snprintf(sentence, sizeof sentence, "cannot open '%.200s': %s", r.csv, strerror(errno));
        return complain(sentence);
    }
    status = table_stream(&t, in, r.csv);
    if (in != stdin)
        fclose(in);
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain("cannot write the predictions to standard output");
    return status;
}
