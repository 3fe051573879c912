#!/bin/sh
# wait-until-healthy.sh COMPOSE...: wait until the servers, the provider and nginx of the project say that they are healthy,
# three minutes at most. (`up --wait` is unknown to docker-compose 1.29.)
set -u

services='app0 app1 app2 app3 provider nginx'
tries=0
while :; do
    waiting=
    for service in $services; do
        container=$("$@" ps -q "$service" 2> /dev/null | head -n 1)
        state=$(docker inspect --format '{{ .State.Health.Status }}' "$container" 2> /dev/null || echo missing)
        [ "$state" = healthy ] || waiting="$waiting $service ($state)"
    done
    [ -n "$waiting" ] || exit 0
    tries=$((tries + 1))
    if [ "$tries" -ge 180 ]; then
        echo "not healthy after three minutes:$waiting" >&2
        "$@" ps >&2
        "$@" logs --tail=20 >&2
        exit 1
    fi
    sleep 1
done
