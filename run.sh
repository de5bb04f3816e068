#!/bin/sh
# SPDX-License-Identifier: MIT
# The one command: install what is missing, build, run.
#
#   ./run.sh --suite llm     measure the llm suite, print the verdicts, write the report
#   ./run.sh test            build and run the whole test suite
#   ./run.sh COMMAND ...     any other sub-command of offload-bench (doctor, list, ...)
#
# A second start installs and builds nothing that is already there.
set -eu
cd "$(dirname "$0")"

# ---- what is needed: a file that shows it is there, and the Debian package that brings it
needed_to_run='
cc                    gcc
make                  make
pkg-config            pkg-config
jansson.h             libjansson-dev
papi.h                libpapi-dev
CL/cl.h               opencl-headers
libOpenCL.so.1        ocl-icd-libopencl1
pocl.icd              pocl-opencl-icd
libopenblas.so.0      libopenblas0-pthread
libblis.so.4          libblis4-openmp
dnnl.h                libdnnl-dev
clblast_c.h           libclblast-dev
gnuplot               gnuplot-nox
'
needed_to_test='
cmocka.h              libcmocka-dev
oclgrind              oclgrind
xmllint               libxml2-utils
'

is_there() {
    case $1 in
    *.h) for d in /usr/include /usr/include/*-linux-gnu /usr/local/include; do
            [ -e "$d/$1" ] && return 0; done; return 1 ;;
    *.icd) [ -e "/etc/OpenCL/vendors/$1" ] ;;
    *.so.*) for d in /usr/lib /usr/lib/*-linux-gnu /usr/lib/*-linux-gnu/* /usr/lib64 /usr/local/lib; do
            [ -e "$d/$1" ] && return 0; done; return 1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing_packages() {
    echo "$1" | while read -r file package; do
        [ -z "$file" ] || is_there "$file" || echo "$package"
    done
}

install_missing() {
    missing=$(missing_packages "$1" | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "run.sh: this system has no apt-get; install these (Debian's names) and start again:" >&2
        echo "  $missing" >&2
        exit 2
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || {
            echo "run.sh: as root, run: apt-get install $missing" >&2
            exit 2
        }
        as_root=sudo
    fi
    echo "run.sh: installing $missing" >&2
    $as_root apt-get update -qq >&2
    # shellcheck disable=SC2086  # the list is meant to be split
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >&2
}

# The CUDA toolkit is for the user to choose; the Makefile finds it in CUDA_HOME, /usr/local/cuda
# or beside nvcc.
if [ -e /dev/nvidiactl ] && [ ! -e "${CUDA_HOME:-/usr/local/cuda}/include/nvrtc.h" ] &&
    ! command -v nvcc >/dev/null 2>&1; then
    echo "run.sh: an NVIDIA driver is here, the CUDA toolkit (11.8 or newer) is not: the GPU will" >&2
    echo "  not be measured through CUDA; install it, or name it by CUDA_HOME" >&2
fi

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
install_missing "$needed_to_run"
if [ "${1:-}" = test ]; then
    install_missing "$needed_to_test"
    exec make -j"$jobs" test
fi
make -s -j"$jobs" >&2
exec build/offload-bench "$@"
