/* SPDX-License-Identifier: MIT */
/* What the words of the tables mean, for who meets them for the first time. */
#include "report/page.h"

static const char *const words[][2] = {
    {"speed-up", "CPU time divided by GPU time; above 1x the GPU is faster. Below it stands its "
                 "interval: the verdict rests on the whole of it."},
    {"reuse N*", "how many calls must share one upload of the weights before the GPU pays. "
                 "<i>1</i>: it pays even if all is sent for a single call. <i>never</i>: what each "
                 "call has to send takes longer than the GPU saves, so it pays only where inputs "
                 "and results stay on the GPU."},
    {"CPU time", "of the fastest variant here: <i>simd</i> is our own vector code, <i>onednn</i>, "
                 "<i>openblas</i>, <i>blis</i> and others are libraries; <i>-packed</i>: with "
                 "weights rearranged beforehand, as inference programs do."},
    {"bounds", "what a time consists of: <i>compute</i> (arithmetic), <i>memory</i>, <i>cache</i> "
               "(faster than memory could deliver), <i>latency</i> (starting and waiting, too little "
               "work), <i>instructions</i> (those beside the arithmetic). The percentage is the "
               "share of that rate's ceiling."},
    {"cold, hot", "cold: weights and caches of the model come from memory on each call, as in real "
                  "use; hot: what a call reads may still lie in the processor's caches."},
    {"measured, projected, software", "run on the device that is named; computed from a GPU's "
                  "datasheet by a calibrated model; device code run on the CPU, which proves the "
                  "code and decides nothing."},
    {"straw man", "a CPU made to look weak, say by one thread. The notes tell how much better any "
                  "GPU would look against it; the verdicts rest on the strongest use found here."},
};

void page_words(struct text *out)
{
    text_add(out, "<details><summary>What the words mean</summary><dl class=\"facts\">\n");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        text_printf(out, "<dt>%s</dt><dd>%s</dd>\n", words[i][0], words[i][1]);
    text_add(out, "</dl></details>\n");
}
