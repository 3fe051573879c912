#!/bin/sh
# say-where.sh ADDRESS:PORT: how to talk to the application that listens there.
set -eu

case $1 in
    0.0.0.0:* | 127.0.0.1:*) url=http://localhost:${1##*:} ;;
    *) url=http://$1 ;;
esac
cat <<END

Ready: $url

  curl -i -c jar -d 'username=ada&email=ada@example.org&password=correct horse battery' $url/register
  curl -i -c jar -d 'username=ada&password=correct horse battery' $url/login
  curl -b jar $url/isLogined
  curl -b jar $url/account/info

In a browser, $url signs in with the demonstration provider: any name of small letters, and the password in
secrets/provider_password.
END
