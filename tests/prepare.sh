#!/usr/bin/env bash
# Installs what tests need beyond pip, where this machine allows it; says so where it does not.
set -u
need=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || need+=(chromium)
[ ${#need[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${need[*]} for the tests"
    apt-get update -q >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${need[@]}" >/dev/null 2>&1 \
        || echo "Could not install ${need[*]}: tests that need it will be left out"
else
    echo "No ${need[*]} here, and no right to install it: tests that need it will be left out"
fi
exit 0
