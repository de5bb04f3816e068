#!/bin/sh
# Run every test program with a time limit; show what failed; end with one line of totals.
# usage: run-all.sh BUILD PROGRAM...
build=$1
shift
passed=0 failed=0 skipped=0
for program; do
    log=$program.log
    timeout "${TEST_TIMEOUT:-600}" "$program" >"$log" 2>&1
    status=$?
    p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -1)
    f=$(sed -n 's/^\[  FAILED  \] .*, \([0-9]*\) test.*/\1/p;s/^ *\([0-9]*\) FAILED TEST.*/\1/p' "$log" | tail -1)
    s=$(sed -n 's/^\[  SKIPPED \] .*, \([0-9]*\) test.*/\1/p;s/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" | tail -1)
    # a program that dies without cmocka's closing lines counts as one failure
    if [ $status -ne 0 ] && [ "${f:-0}" -eq 0 ]; then f=1; fi
    if [ $status -eq 124 ]; then echo "time limit reached" >>"$log"; fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
    if [ "${f:-0}" -gt 0 ]; then
        echo "✗ ${program#"$build"/tests/}"
        cat "$log"
    else
        echo "✓ ${program#"$build"/tests/} (${p:-0}${s:+, $s skipped})"
    fi
done
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
