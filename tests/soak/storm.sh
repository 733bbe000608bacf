#!/bin/sh
# SPDX-License-Identifier: ISC
# The storm of tests/peers/storm.sh, for some minutes.
# shellcheck disable=SC2034 # for that file
STORM='-n 2000 -j 10'
# shellcheck source=tests/peers/storm.sh
. "${TESTS:-${0%/*}/..}/peers/storm.sh"
