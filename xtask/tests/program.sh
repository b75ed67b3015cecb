#!/bin/sh
# A program of a machine that a test made up: notes how it was called, then does what the file beside it says.
echo "${0##*/} $*" >> "${0%/*}/../called"
if [ -f "$0.does" ]; then . "$0.does"; fi
