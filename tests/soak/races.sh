#!/bin/sh
# SPDX-License-Identifier: ISC
# The races of tests/hostile/races.sh, for a minute each.
# shellcheck disable=SC2034 # for that file
RACE_SECONDS=60
# shellcheck source=tests/hostile/races.sh
. "${TESTS:-${0%/*}/..}/hostile/races.sh"
