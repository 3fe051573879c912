#!/bin/sh
# make-secrets.sh: a random secret in each file of secrets/ that is not there yet. None is ever replaced: the
# databases keep the passwords they were made with (`make clean` removes both).
set -eu
cd "$(dirname "$0")/.."

# Others on this machine can't enter the folder; the files are readable for all because each container, which sees
# single files and not the folder, runs as a user of its own.
mkdir -p secrets
chmod 700 secrets
for name in session_cookie_secret mongodb_root_password mongodb_password redis_password \
    postgres_root_password postgres_password provider_client_secret provider_password; do
    file=secrets/$name
    if [ -d "$file" ]; then
        # Docker puts an empty folder where a file to mount was missing.
        rmdir "$file"
    fi
    if [ ! -s "$file" ]; then
        # 256 bits; hexadecimal needs no quotes anywhere.
        od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' > "$file.new"
        chmod 644 "$file.new"
        mv "$file.new" "$file"
        echo "made $file"
    fi
done
