#!/bin/sh
# Runs a command of the server in a container. State is kept if a volume is mounted at /state, unless a setting names
# another folder or a store; in a folder of its own, because file systems have a folder lost+found.
set -eu
if [ -z "${MOCKSERVER_STATE+given}${MOCKSERVER_STORE+given}" ] && mountpoint --quiet /state; then
    export MOCKSERVER_STATE=/state/audio-mockserver
fi
exec mockserver "$@"
