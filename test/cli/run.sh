#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh FLUE CASES [EXAMPLES WRONG]: runs every line of a table of command lines against the program (see the head of cases.txt).
set -u
flue=$(realpath "$1")
cases=$(realpath "$2")
examples=$(realpath "${3:-.}") # folder with targets for --target
wrong=$(realpath "${4:-.}")    # and with some that are none
export examples wrong
have=,
unset FLUE_CALLED_AS
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here" || exit 1
PATH=$(dirname "$flue"):$PATH
if "$flue" --version | grep -q '^ns-3 yes'; then
    have="${have}ns3,"
fi
if [[ -e $examples/target_lwip.so ]]; then
    have="${have}lwip,"
fi

# What the cases use.
printf 'flue: 1\nscenario: bulk\nset:\n  connections: 1\n  bytes: 64KiB\n' >good.yaml
printf 'flue: 1\nscenario: bulk\nset:\n  io_sice: 3\n' >key.yaml
printf 'flue: 1\nscenario: bulk\nset:\n  delay: 10\n' >unit.yaml
printf 'flue: 1\n  scenario: bulk\n' >grammar.yaml
printf 'this is no database\n%.0s' {1..100} >foreign.db
: >empty.yaml
printf 'flue: 1\nscenario: rpc\nset: {events: 2ms query}\nevents:\n  - {at: 3ms, do: update}\n' >twice.yaml
printf 'flue: 1\nscenario: rpc\nevents:\n  - {at: 3ms, do: update}\nset:\n  events: 2ms query\n' >twice-too.yaml

failures=0
count=0
skipped=0

# complain WHAT: this case is wrong.
complain()
{
    printf 'line %d: %s\n  command: %s\n' "$line" "$1" "$command"
    sed 's/^/  stdout: /' out | head -5
    sed 's/^/  stderr: /' err | head -5
    failures=$((failures + 1))
}

# field TEXT: without the spaces around it.
field()
{
    local text=$1
    text=${text#"${text%%[![:space:]]*}"}
    printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# lacks NEEDS: whether this build has not all of them; a ! before one wants it absent.
lacks()
{
    local need
    for need in $1; do
        case $need in
        -) ;;
        !*) [[ $have == *",${need#!},"* ]] && return 0 ;;
        *) [[ $have == *",$need,"* ]] || return 0 ;;
        esac
    done
    return 1
}

line=0
while IFS= read -r row; do
    line=$((line + 1))
    [[ $row == '' || $row == '#'* ]] && continue
    IFS=$'\x01' read -r needs command want stdout stderr <<<"${row//' | '/$'\x01'}"
    needs=$(field "$needs")
    command=$(field "$command")
    want=$(field "$want")
    stdout=$(field "$stdout")
    stderr=$(field "$stderr")
    if lacks "$needs"; then
        skipped=$((skipped + 1))
        continue
    fi
    count=$((count + 1))
    (eval "$command") >out 2>err </dev/null
    code=$?
    [[ $code == "$want" ]] || complain "exit code $code, not $want"
    if [[ $stdout == - ]]; then
        [[ ! -s out ]] || complain 'stdout is not empty'
    else
        grep -Eq -- "$stdout" out || complain "stdout does not match: $stdout"
    fi
    if [[ $stderr == - ]]; then
        [[ ! -s err ]] || complain 'stderr is not empty'
    else
        grep -Eq -- "$stderr" err || complain "stderr does not match: $stderr"
        [[ $(wc -l <err) == 1 ]] || complain 'stderr is not one line'
    fi
done <"$cases"
printf '%d cases, %d wrong, %d skipped\n' "$count" "$failures" "$skipped"
[[ $failures == 0 && $count -gt 0 ]]
