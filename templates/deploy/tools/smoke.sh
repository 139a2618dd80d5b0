# shellcheck shell=bash
curl --fail --silent --show-error --location --globoff --proto =http,https --max-time 10 \
  --retry 10 --retry-delay 3 --retry-all-errors --output /dev/null --url "$URL"
echo "$URL answers."
