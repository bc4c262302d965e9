#!/bin/sh
# Installs the Debian packages that the named sets need and that are missing. Says what it installs; never asks.
set -eu
build="gcc make pkg-config libc6-dev libcurl4-gnutls-dev libetpan-dev libsqlite3-dev libmicrohttpd-dev libsodium-dev libfyaml-dev libjansson-dev libmd4c-dev libxml2-dev libglib2.0-dev libcairo2-dev libpango1.0-dev fonts-lato fonts-urw-base35 fonts-dejavu-core tzdata ca-certificates"
check="libcmocka-dev python3 python3-aiosmtpd openssl nodejs npm chromium-headless-shell poppler-utils procps spamassassin rspamd postfix kannel kannel-extras dovecot-imapd systemd nginx spin"
lint="cppcheck"
fuzz="clang libclang-rt-14-dev"
bench="wrk postgresql"

wanted=""
for set in "$@"; do
	case $set in
	make) wanted="$wanted make" ;;
	build) wanted="$wanted $build" ;;
	check) wanted="$wanted $check" ;;
	lint) wanted="$wanted $lint" ;;
	fuzz) wanted="$wanted $fuzz" ;;
	bench) wanted="$wanted $bench" ;;
	*) echo "install.sh: unknown set '$set'" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "Not a Debian system: install these yourself (or their like):$wanted" >&2
	exit 0
fi
missing=""
for package in $wanted; do
	# A Node that is not Debian's brings its own npm and cannot have Debian's beside it.
	case $package in nodejs | npm) command -v npm >/dev/null 2>&1 && continue ;; esac
	# Only its smtp-sink is wanted, which may come from elsewhere.
	case $package in postfix) command -v smtp-sink >/dev/null 2>&1 || [ -x /usr/sbin/smtp-sink ] && continue ;; esac
	state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
	[ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

root=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "These Debian packages are missing, and neither root nor sudo is at hand:$missing" >&2
		exit 1
	fi
	root="sudo"
	[ -t 0 ] || root="sudo -n"
fi
echo "Installing Debian packages:$missing" >&2
# A server that comes along (rspamd, kannel, dovecot, nginx, PostgreSQL) is for tests, which start their own: Debian must not start them, now or with the machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null && $root chmod 755 "$policy"
	trap '$root rm -f "$policy"' EXIT
fi
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || true
# No mail server is to be set up, nor started.
case $missing in *postfix*) echo "postfix postfix/main_mailer_type select No configuration" | $root debconf-set-selections || true ;; esac
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
case " $missing " in *" rspamd "*) $root systemctl disable rspamd >/dev/null 2>&1 || true ;; esac
case " $missing " in *" kannel "*) $root update-rc.d kannel disable >/dev/null 2>&1 || true ;; esac
case " $missing " in *" dovecot-imapd "*) $root systemctl disable dovecot >/dev/null 2>&1 || true ;; esac
case " $missing " in *" nginx "*) $root systemctl disable nginx >/dev/null 2>&1 || true ;; esac
case " $missing " in *" postgresql "*) $root systemctl disable postgresql >/dev/null 2>&1 || true ;; esac
