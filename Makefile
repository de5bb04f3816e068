# SPDX-License-Identifier: MIT
# `make help` lists the targets. Adding a folder under workloads/, a room under probes/,
# report/formats/ or tests/, a data file under suites/, projection/ or plots/ needs no edit
# here: the folders are the list.

# ---- what a user may set ---------------------------------------------------------------
CC       ?= cc
CFLAGS   ?= -O2 -g
BUILD    ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
PREFIX   ?= /usr/local
DESTDIR  ?=
SANITIZE ?=
comma := ,
Q ?= @

VERSION := 0.1.0

# ---- what is here ----------------------------------------------------------------------
hash := \#
has_header = $(shell printf '$(hash)include <$(1)>\n' | $(CC) $(2) -E -x c - >/dev/null 2>&1 && echo 1)
HAVE_JANSSON := $(shell pkg-config --exists jansson 2>/dev/null && echo 1)
HAVE_PAPI    := $(call has_header,papi.h)
HAVE_DNNL    := $(call has_header,dnnl.h)
HAVE_OPENCL  := $(call has_header,CL/cl.h)
HAVE_CLBLAST := $(call has_header,clblast_c.h)
# The CUDA toolkit: CUDA_HOME, else the usual folders, else where nvcc is. `make HAVE_CUDA=
# HAVE_CUPTI= HAVE_COUNTERS=` builds without it.
CUDA_HOME    ?= $(firstword $(wildcard /usr/local/cuda /opt/cuda) $(patsubst %/bin/nvcc,%,$(realpath $(shell command -v nvcc))))
# CUPTI's header for C asks for C++'s <string>: an empty one stands in probes/cupti.
cupti_flags  := -isystem $(CUDA_HOME)/include -isystem $(CUDA_HOME)/extras/CUPTI/include -idirafter probes/cupti
HAVE_CUDA    := $(and $(call has_header,cudaTypedefs.h,$(cupti_flags)),$(call has_header,nvrtc.h,$(cupti_flags)))
HAVE_CUPTI   := $(call has_header,cupti.h,$(cupti_flags))
HAVE_COUNTERS := $(call has_header,cupti_profiler_host.h,$(cupti_flags))
features := PAPI DNNL OPENCL CLBLAST CUDA CUPTI COUNTERS
comments_PAPI    := hardware and software counters (libpapi-dev)
comments_DNNL    := oneDNN CPU variants (libdnnl-dev)
comments_OPENCL  := OpenCL devices (ocl-icd-opencl-dev)
comments_CLBLAST := CLBlast device variants (libclblast-dev)
comments_CUDA    := NVIDIA GPUs (CUDA toolkit 11.8 or newer, found in CUDA_HOME)
comments_CUPTI   := activity times of NVIDIA GPUs (CUDA toolkit with CUPTI)
comments_COUNTERS := hardware counters of NVIDIA GPUs (CUPTI of CUDA 12.6 or newer)

machine := $(shell uname -m)
ifeq ($(machine),x86_64)
isas := baseline avx2 avx512 avx512bf16
isa_flags_baseline   := -march=x86-64
isa_flags_avx2       := -march=x86-64-v3
isa_flags_avx512     := -march=x86-64-v4 -mprefer-vector-width=512
isa_flags_avx512bf16 := $(isa_flags_avx512) -mavx512bf16
else
isas := baseline
endif

# ---- flags -----------------------------------------------------------------------------
warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wno-psabi -Wno-unknown-pragmas $(if $(STRICT),-Werror)
sanitize := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
cppflags := -I. -I$(BUILD) -D_GNU_SOURCE -DOFFLOAD_BENCH_VERSION='"$(VERSION)"' \
            $(foreach f,$(features),$(if $(HAVE_$(f)),-DHAVE_$(f))) \
            $(if $(HAVE_CUDA),-isystem $(CUDA_HOME)/include -DOFFLOAD_BENCH_CUDA_HOME='"$(CUDA_HOME)"')
cflags   := -std=c11 $(CFLAGS) $(warnings) $(sanitize) -pthread
# Layout alone moved a loop by 1.7x: functions and loops of measured code are aligned.
# Contraction into fused multiply-adds is wanted; -ffast-math is not.
# Line numbers only (-g1): tracking variables through such loops doubles the compile time.
work_flags := $(if $(SANITIZE),-O1,-O3) -g1 -fopenmp -ffp-contract=fast -fno-math-errno -fno-trapping-math \
              -falign-functions=64 $(if $(findstring clang,$(shell $(CC) --version)),,-falign-loops=64)
ldflags  := $(sanitize) -pthread -fopenmp -rdynamic
ldlibs   := -ljansson -ldl -lm $(LDLIBS)

# ---- sources, found by folder ----------------------------------------------------------
rooms   := base devices workloads probes projection suites report report/formats harness
work_sources := $(sort $(wildcard workloads/*/*.c))
simd_sources := $(filter %_simd.c,$(work_sources))
sources := $(sort $(foreach r,$(rooms),$(wildcard $(r)/*.c)) $(filter-out %_simd.c,$(work_sources)))
objects := $(patsubst %.c,$(BUILD)/%.o,$(filter-out harness/main.c,$(sources))) \
           $(foreach i,$(isas),$(patsubst %_simd.c,$(BUILD)/%_simd.$(i).o,$(simd_sources))) \
           $(BUILD)/registry.o $(BUILD)/embedded.o
data    := $(sort $(wildcard workloads/*/*.cl workloads/*/*.cu devices/dialect*.h suites/*.json suites/models/*.json \
             projection/*.json plots/*.gp report/formats/page.*))
tests   := $(sort $(wildcard tests/*/test_*.c tests/test_*.c))
test_objects := $(foreach i,$(isas),$(patsubst %.c,$(BUILD)/%.$(i).o,$(sort $(wildcard tests/*/*_simd.c))))
test_programs := $(patsubst tests/%.c,$(BUILD)/tests/%,$(tests))
# Vendor libraries made up for tests: tests/emulator/papi.c becomes libpapi.so.
emulators := $(patsubst tests/emulator/%.c,$(BUILD)/emulator/lib%.so,$(sort $(wildcard tests/emulator/*.c)))
# A folder of rooms becomes one library: tests/emulator/cuda/ becomes libcuda.so.1.
cuda_emulator := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/emulator/cuda/*.c)))
ifneq ($(HAVE_CUDA),)
emulators += $(BUILD)/emulator/libcuda.so.1 $(BUILD)/emulator/core/libcuda.so.1
endif
# The names by which the tool looks for them.
emulators += $(BUILD)/emulator/libcupti.so.13 $(BUILD)/emulator/libnvidia-ml.so.1
BENCH   ?= *
benches := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard $(patsubst %,tests/bench/bench_%.c,$(BENCH)))))

.PHONY: all help features test smoke check tidy headers format clean install uninstall bench golden fuzz calibrate validate
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# Said when they change: a build with nothing to do says nothing.
empty :=
said := $(BUILD)/features-$(subst $(empty) ,,$(foreach f,JANSSON $(features),$(or $(HAVE_$(f)),0)))

all: $(said) $(BUILD)/offload-bench ## build the tool (default)

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

features: ## what this build has
ifneq ($(HAVE_JANSSON),1)
	$(error jansson is missing: install libjansson-dev, or run ./run.sh which installs what is needed)
endif
	@$(foreach f,$(features),printf '  %s %-8s %s\n' '$(if $(HAVE_$(f)),✓,✗)' '$(f)' '$(comments_$(f))$(if $(HAVE_$(f)),, - left out)';) :

$(said):
	@$(MAKE) --no-print-directory features
	@mkdir -p $(@D) && rm -f $(BUILD)/features-* && touch $@

$(BUILD)/offload-bench: $(BUILD)/harness/main.o $(objects)
	@echo "  link $@"
	$(Q)$(CC) $(ldflags) -o $@ $^ $(ldlibs)

# What is built in follows from the folders; their time stamps say when one came or went.
# A room of probes/ with a header of its own is a part of other probes.
$(BUILD)/registry.c: Makefile $(sort $(wildcard workloads workloads/*/ probes report/formats))
	@mkdir -p $(@D)
	$(Q){ echo '/* generated from the folder names */'; \
	  echo '#include "probes/probe.h"'; echo '#include "report/format.h"'; \
	  echo '#include "workloads/workload.h"'; \
	  list() { \
	    for n in $$3; do echo "extern const struct $$1 $$1_$$n;"; done; \
	    echo "const struct $$1 *const $$2[] = {"; \
	    for n in $$3; do echo "    &$$1_$$n,"; done; echo "    NULL};"; }; \
	  list workload workloads "$(sort $(notdir $(patsubst %/,%,$(wildcard workloads/*/))))"; \
	  list probe probes "$(sort $(filter-out $(basename $(notdir $(wildcard probes/*.h))),$(basename $(notdir $(wildcard probes/*.c)))))"; \
	  list format formats "$(sort $(basename $(notdir $(wildcard report/formats/*.c))))"; } > $@

$(BUILD)/embedded.c: Makefile $(data) suites suites/models projection plots report/formats
	@mkdir -p $(@D)
	$(Q){ echo '#include "base/embedded.h"'; i=0; \
	  for f in $(data); do i=$$((i+1)); echo "static const char text_$$i[] = {"; \
	    od -An -v -tx1 $$f | sed 's/ \(..\)/0x\1,/g'; echo '0};'; done; \
	  echo 'const struct embedded embedded[] = {'; i=0; \
	  for f in $(data); do i=$$((i+1)); echo "{\"$$f\", text_$$i, sizeof text_$$i - 1},"; done; \
	  echo '{0}};'; } > $@

$(BUILD)/%.o: $(BUILD)/%.c
	$(Q)$(CC) $(cppflags) -std=c11 -c -o $@ $<

$(BUILD)/workloads/%.o: workloads/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	$(Q)$(CC) $(cppflags) $(cflags) $(work_flags) -MMD -MP -c -o $@ $<

# The results say how the measured code was compiled.
$(BUILD)/harness/machine.o: cppflags += -DOFFLOAD_BENCH_FLAGS='"$(CFLAGS) $(strip $(work_flags) $(sanitize))"'

$(BUILD)/probes/cupti_%.o $(BUILD)/emulator/libcupti.so: cppflags += $(cupti_flags)

define isa_rule
$$(BUILD)/%_simd.$(1).o: %_simd.c
	@mkdir -p $$(@D)
	@echo "  cc   $$< ($(1))"
	$$(Q)$$(CC) $$(cppflags) $$(cflags) $$(work_flags) $$(isa_flags_$(1)) -DISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach i,$(isas),$(eval $(call isa_rule,$(i))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	$(Q)$(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: tests/%.c $(objects) $(test_objects)
	@mkdir -p $(@D)
	@echo "  cc   $<"
	$(Q)$(CC) $(cppflags) $(cflags) -MMD -MP $(ldflags) -o $@ $< $(objects) $(test_objects) -lcmocka $(ldlibs)

$(BUILD)/bench/%: tests/bench/%.c $(objects)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cppflags) $(cflags) -MMD -MP $(ldflags) -Wl,-rpath,'$$ORIGIN' -o $@ $< $(objects) $(ldlibs)

# Its interpreter rounds as it says and contracts nothing; it runs where it was built.
$(BUILD)/tests/emulator/cuda/%.o: tests/emulator/cuda/%.c
	@mkdir -p $(@D)
	@echo "  cc   $<"
	$(Q)$(CC) $(cppflags) $(cflags) -fPIC -O2 -g1 -march=native -frounding-math -ffp-contract=off -MMD -MP -c -o $@ $<

# With all of its functions, and with those only that a program cannot do without.
$(BUILD)/emulator/libcuda.so.1: tests/emulator/cuda/exports.map
$(BUILD)/emulator/core/libcuda.so.1: tests/emulator/cuda/core.map
$(BUILD)/emulator/libcuda.so.1 $(BUILD)/emulator/core/libcuda.so.1: $(cuda_emulator)
	@mkdir -p $(@D)
	$(Q)$(CC) $(sanitize) -shared -Wl,-soname,libcuda.so.1 -Wl,--version-script=$(filter %.map,$^) -o $@ $(cuda_emulator) -pthread -lm

$(BUILD)/emulator/lib%.so: tests/emulator/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(cppflags) $(cflags) -Wno-missing-prototypes -fPIC -shared -o $@ $<

$(BUILD)/emulator/libcupti.so.13: $(BUILD)/emulator/libcupti.so
	$(Q)ln -sf $(<F) $@

$(BUILD)/emulator/libnvidia-ml.so.1: $(BUILD)/emulator/libnvml.so
	$(Q)ln -sf $(<F) $@

test: $(BUILD)/offload-bench $(test_programs) $(emulators) ## build and run the whole test suite
	@sh tests/run-all.sh $(BUILD) $(test_programs)

smoke: $(BUILD)/offload-bench ## tiny run on what is here
	@$(BUILD)/offload-bench --suite smoke --out $(BUILD)/smoke-report

# Peers that only a benchmark needs: tests/bench/X.cpp becomes libX_peer.so where X is installed.
bench_peers := $(if $(wildcard /usr/include/torch/torch.h),$(BUILD)/bench/libtorch_peer.so)
$(BUILD)/bench/lib%_peer.so: tests/bench/%.cpp
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -O2 -isystem /usr/include/torch/csrc/api/include -fPIC -shared -o $@ $< -ltorch -ltorch_cpu -lc10

# One after the other; BENCH="attention gemm" takes those only.
bench: $(BUILD)/offload-bench $(benches) $(bench_peers) ## print the speed of our CPU side beside the libraries, BENCH= names some
	@missed=; for b in $(benches); do n=$${b##*/bench_}; echo "== $$n"; \
	  { $$b || echo "  goals MISSED by bench $$n"; } 2>&1 | tee $$b.log; \
	  missed="$$missed$$(sed -n 's/.*MISSED by /; /p' $$b.log | tr -d '\n')"; done; \
	  test -z "$$missed" || { echo "goals missed by$${missed#;}"; exit 1; }

# A program of its own: the tool only reads what it writes. DATA is a folder of measured timings.
calibrate_objects := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard projection/calibrate/*.c)))
$(BUILD)/calibrate: $(calibrate_objects) $(objects)
	$(Q)$(CC) $(ldflags) -o $@ $^ $(ldlibs)

calibrate: $(BUILD)/calibrate ## fit the projection's parameters to the timings below DATA=
	@$(if $(DATA),$< fit $(DATA) projection/parameters.json,echo 'name the timings: make calibrate DATA=folder'; exit 2)

validate: $(BUILD)/calibrate ## leave GPUs out of the fit and print the errors; needs DATA=
	@$(if $(DATA),$< validate $(DATA),echo 'name the timings: make validate DATA=folder'; exit 2)

golden: $(BUILD)/tests/report/test_formats ## write the expected report files anew
	@mkdir -p tests/data/golden
	@GOLDEN=1 $< && git diff --stat tests/data/golden

# tests/fuzz/fuzz_X.c with all rooms that read files; its seeds: what the tests and the tool read.
fuzz_objects := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(foreach r,base projection suites report report/formats,$(wildcard $(r)/*.c)))
fuzz_targets := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/*.c)))
fuzz_cc := clang $(cppflags) -std=c11 -g -O1 -fno-omit-frame-pointer
$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(fuzz_cc) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/rooms.a: $(fuzz_objects)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(BUILD)/embedded.c $(BUILD)/fuzz/rooms.a
	@echo "  fuzz $<"
	$(Q)$(fuzz_cc) -fsanitize=fuzzer,address,undefined -o $@ $< $(BUILD)/embedded.c $(BUILD)/fuzz/rooms.a -ljansson -lm

$(BUILD)/fuzz/table: harness/project.c

$(BUILD)/fuzz/seeds: $(BUILD)/embedded.c
	@mkdir -p $@/record $@/gpus $@/model $@/table
	@split -l 6 -a 3 tests/data/results-llm.jsonl $@/record/llm-
	@split -l 11 -a 3 tests/data/results-kinds.jsonl $@/record/kinds-
	@cp suites/models/*.json $@/model
	@awk '/"id"/{n++; print "{" > "$@/gpus/" n} n{print > "$@/gpus/" n}' projection/gpus.json
	@printf 'gpu,op,dtype,m,n,k,rows,cols,heads,head_dim,kv_len,timing\nl4,gemm,bf16,8,8,8\n,softmax,,,,,8,64\n"t4",attn_decode,fp16,,,,,,8,64,99,graph\n' > $@/table/ops

fuzz: $(fuzz_targets) $(BUILD)/fuzz/seeds ## damaged files against every reader of files, FUZZ seconds each (30)
	@command -v clang >/dev/null || { echo 'clang is not installed'; exit 1; }
	@grep -ho '"[a-z_]*"\|X([a-z_0-9]*,' report/record.h projection/datasheet.c suites/model.c report/json*.c | \
	  sed 's/X(\(.*\),/"\1"/' | sort -u | sed 's/"\(.*\)"/"\\"\1\\""/' > $(BUILD)/fuzz/words
	@for t in $(fuzz_targets); do mkdir -p $$t.corpus; echo "  run  $$t"; \
	  $$t -max_total_time=$(or $(FUZZ),30) -max_len=20000 -rss_limit_mb=1024 -dict=$(BUILD)/fuzz/words \
	    -artifact_prefix=$$t- -print_final_stats=1 -verbosity=0 -close_fd_mask=3 $$t.corpus $(BUILD)/fuzz/seeds/$$(basename $$t) || exit 1; done

check: format headers tidy test ## everything a change must pass

format: ## do the sources follow .clang-format?
	@command -v clang-format >/dev/null || { echo 'clang-format is not installed'; exit 1; }
	@clang-format --dry-run -Werror $(sources) $(simd_sources) $(tests) $(wildcard */*.h)

headers: ## does each header compile alone?
	@for h in $$(ls */*.h report/formats/*.h 2>/dev/null | grep -v -e devices/dialect); do \
	  $(CC) $(cppflags) $(cupti_flags) $(cflags) -DISA=baseline -Wno-unused-function -fsyntax-only -x c $$h || exit 1; done

tidy: ## the longest rooms and functions, so that an attractor is seen while it is young
	@wc -l $$(git ls-files '*.c' '*.h' '*.cl' '*.cu') | sort -rn | sed -n '2,11p'
	@awk 'FNR==1{s=0} /^[a-z].*\)$$/{name=$$0; s=FNR} /^}/{if(s){printf "%4d %s: %s\n", FNR-s, FILENAME, name; s=0}}' \
	  $$(git ls-files '*.c') | sort -rn | head -10

install: all ## install to PREFIX (DESTDIR is honoured)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/offload-bench $(DESTDIR)$(PREFIX)/bin/offload-bench
	install -m 644 docs/offload-bench.1 $(DESTDIR)$(PREFIX)/share/man/man1/offload-bench.1

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/offload-bench $(DESTDIR)$(PREFIX)/share/man/man1/offload-bench.1

clean: ## remove everything built
	rm -rf build build-*

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
