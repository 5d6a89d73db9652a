# What every script of this folder uses: the programs under test, a throw-away
# PKI, and waiting for things to come true. Servers are in servers.sh.
#
# A case is made with `testcase NAME SECONDS [PROGRAM ...]` and has a body
# NAME_body; whatever it started is ended by its cleanup part. With
# as=unprivileged before it, it never runs as root.
# shellcheck shell=sh

here=$(atf_get_srcdir)
OBJ=$(cd "$here/../.." && pwd)
ask=$here/ask
load=$here/load
sink=$here/sink
forger=$here/forger
loris=$here/loris
upstream=$here/../upstream/upstream
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C
export LC_ALL PATH

testcase() {
	_name=$1
	_timeout=$2
	shift 2
	: "${as:=}"
	atf_test_case "$_name" cleanup
	eval "${_name}_head() {
		atf_set descr '$(echo "$_name" | tr _ ' ')'
		atf_set timeout '$_timeout'
		atf_set require.progs 'openssl dig ps $*'
		[ -z '$as' ] || atf_set require.user '$as'
	}
	${_name}_cleanup() { stop_all; }"
}

# --- time ---

now_ms() {
	_t=$(date +%s%N)
	echo "${_t%??????}"
}

# wait_for SECONDS COMMAND ...: until the command is true.
wait_for() {
	_end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$_end" ] || return 1
		sleep 0.05
	done
}

must() {
	wait_for "$@" || { show_logs; shift; atf_fail "never came true: $*"; }
}

fails() {
	! "$@"
}

# --- processes: what is started is remembered, and ended by its id ---

# With the time it was started, so that nobody else with its id is meant.
remember() {
	echo "$1 $(started "$1")" >>pids
}

started() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

stop_all() {
	[ -f pids ] || return 0
	_left=
	while read -r _pid _start; do
		[ "$(started "$_pid")" = "$_start" ] || continue
		kill "$_pid" && _left="$_left $_pid"
	done <pids
	for _pid in $_left; do
		wait_for 3 is_gone "$_pid" || kill -9 "$_pid"
	done
	rm -f pids
}

# A zombie is gone.
is_gone() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	''|Z*) ;;
	*) return 1 ;;
	esac
}

# in_background LOG COMMAND ...: its id is in $pid.
in_background() {
	_log=$1
	shift
	"$@" >"$_log" 2>&1 </dev/null &
	pid=$!
	remember "$pid"
}

show_logs() {
	for _f in *.log; do
		[ -s "$_f" ] || continue
		echo "--- $_f"
		tail -n 40 "$_f"
	done >&2
}

free_port() {
	"$sink" port || atf_fail "no free port"
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

is_sanitized() {
	grep -q __asan_init "$OBJ/dotproxy-worker"
}

# --- certificates: NAME.pem and NAME.key ---

pki_ca() { # name [issuer]
	_ca_name=$1
	_issuer=${2:-$1}
	pki_request "$_ca_name" "/CN=$_ca_name"
	pki_sign "$_ca_name" "$_issuer" ca \
	    "${not_before:-20200101000000Z}" "${not_after:-20400101000000Z}"
}

pki_cert() { # name issuer host
	pki_request "$1" "/CN=$3"
	host=$3 pki_sign "$1" "$2" leaf \
	    "${not_before:-20200101000000Z}" "${not_after:-20400101000000Z}"
}

pki_request() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$1.key" -out "$1.csr" -subj "$2" 2>openssl.err ||
	    { cat openssl.err >&2; atf_fail "openssl req"; }
	chmod 644 "$1.key"
}

# openssl-ca, as it alone can be told both dates.
pki_sign() { # name issuer extensions from to
	: >index
	[ -s serial ] || echo 1000 >serial
	cat >openssl.cnf <<-END
	[ca]
	default_ca = here
	[here]
	database = index
	serial = serial
	new_certs_dir = .
	default_md = sha256
	policy = any
	unique_subject = no
	[any]
	commonName = supplied
	[ca_ext]
	basicConstraints = critical, CA:true
	keyUsage = critical, keyCertSign, cRLSign
	subjectKeyIdentifier = hash
	[leaf_ext]
	basicConstraints = critical, CA:false
	keyUsage = critical, digitalSignature
	extendedKeyUsage = serverAuth
	subjectAltName = DNS:${host:-none.invalid}
	END
	_self=
	[ "$1" != "$2" ] || _self=-selfsign
	_signer="-cert $2.pem"
	[ -z "$_self" ] || _signer=
	# shellcheck disable=SC2086 # options, or nothing
	openssl ca -batch -config openssl.cnf -extensions "$3_ext" \
	    -in "$1.csr" -out "$1.pem" -notext -keyfile "$2.key" $_signer \
	    $_self -startdate "$4" -enddate "$5" 2>openssl.err ||
	    { cat openssl.err >&2; atf_fail "openssl ca"; }
}

# What almost every case needs: a CA, a certificate for dns.example by it.
pki() {
	pki_ca ca
	pki_cert server ca dns.example
}

pin_of() { # name
	printf 'sha256/%s\n' "$(openssl x509 -in "$1.pem" -noout -pubkey |
	    openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary |
	    openssl base64)"
}

# --- dotproxy ---

# The config of most cases: conf PORT <<EOF ... adds what is special.
conf() { # port
	{
		echo "workers ${workers:-2}"
		if is_root; then
			echo 'user "nobody"'
			echo "chroot \"$PWD/empty\""
		fi
		echo "listen on 127.0.0.1 port $1"
		cat
	} >"${file:-dotproxy.conf}"
}

# An upstream of the config: upstream_block NAME PORT [LINE ...]
upstream_block() {
	echo "upstream \"$1\" {"
	echo "	address 127.0.0.1 port $2"
	shift 2
	[ $# -gt 0 ] || set -- 'name "dns.example"' "ca \"$PWD/ca.pem\""
	for _line; do
		echo "	$_line"
	done
	echo "}"
}

conf_for() { # port upstream-port [LINE ...]: one upstream of ours
	_port=$1
	{
		upstream_block ours "$2"
		echo 'forward to "ours"'
		shift 2
		for _line; do
			echo "$_line"
		done
	} | conf "$_port"
}

# The id is in $dotproxy; $within is what starts it elsewhere.
start_dotproxy() { # [option ...]
	launch_dotproxy "$@"
	must 20 is_ready_or_gone "$log"
	grep -q ': ready, ' "$log" || {
		show_logs
		atf_fail "dotproxy did not start"
	}
}

launch_dotproxy() {
	log=${log:-dotproxy.log}
	# shellcheck disable=SC2086 # words
	${within:-} "$OBJ/dotproxy" -d -f "${file:-dotproxy.conf}" -L "$OBJ" \
	    "$@" >"$log" 2>&1 </dev/null &
	dotproxy=$!
	remember "$dotproxy"
}

is_ready_or_gone() {
	is_gone "$dotproxy" || grep -q 'ready, ' "$1"
}

# What it says when it cannot start: no_start PATTERN [OPTION ...]
no_start() {
	_pattern=$1
	shift
	_status=0
	timeout 10 "$OBJ/dotproxy" -d -f "${file:-dotproxy.conf}" -L "$OBJ" \
	    "$@" >no_start.log 2>&1 </dev/null || _status=$?
	case $_status in
	0|124)	show_logs
		atf_fail "it started, or hung: status $_status" ;;
	esac
	grep -Eq "$_pattern" no_start.log || {
		show_logs
		atf_fail "its log does not say: $_pattern"
	}
}

says() { # pattern [log]: in the log, now or soon
	must 10 grep -Eq -- "$1" "${2:-dotproxy.log}"
}

children() { # of dotproxy: ids, the TLS process first
	ps -o comm=,pid=,stat= --ppid "$dotproxy" | sort |
	    awk '$NF !~ /^Z/ { print $2 }'
}

child() { # tls|worker: the id of the first
	ps -o comm=,pid=,stat= --ppid "$dotproxy" | sort |
	    awk -v name="dotproxy-$1" '$1 == name && $NF !~ /^Z/ {
		print $2
		exit
	    }'
}

# What SIGUSR1 has every process tell, as ./counters: all of it, unless a child
# is only starting, which is not asked.
ask_for_counters() {
	_lines=$(wc -l <dotproxy.log)
	_processes=$(($(children | wc -l) + 1))
	kill -USR1 "$dotproxy"
	wait_for 5 have_told || :
}

have_told() {
	tail -n +$((_lines + 1)) dotproxy.log >counters
	[ "$(grep -c ': counters that are not 0: ' counters)" -ge "$_processes" ]
}

counter() { # name: added up
	ask_for_counters
	awk -v name="$1" '$(NF - 1) == name { n += $NF }
	    END { print n + 0 }' counters
}

counter_is() {
	[ "$(counter "$1")" -eq "$2" ]
}

counts_to() { # name number
	wait_for 10 counter_is "$1" "$2" || {
		cat counters
		atf_fail "$1 is $(counter "$1"), not $2"
	}
}

counter_reaches() {
	[ "$(counter "$1")" -ge "$2" ]
}

# Something was counted, so it was met at all: counted NAME [NUMBER], or more.
counted() {
	wait_for 10 counter_reaches "$1" "${2:-1}" || {
		cat counters
		atf_fail "$1 is $(counter "$1"), not ${2:-1} or more"
	}
}

# --- questions ---

q() { # dig's arguments; short of time, no second try
	# shellcheck disable=SC2086 # words
	${within:-} dig +time=6 +tries=1 @127.0.0.1 -p "$port" "$@"
}

# header NAME OUTPUT-OF-DIG: status, or flags
status_of() {
	sed -n 's/.*status: \([A-Z0-9]*\).*/\1/p' | head -n 1
}

answers() { # status dig's arguments: fails the case if it is another
	_want=$1
	shift
	q "$@" >dig.out 2>&1 || { cat dig.out; show_logs; atf_fail "dig $*"; }
	_got=$(status_of <dig.out)
	[ "$_got" = "$_want" ] || {
		cat dig.out
		show_logs
		atf_fail "dig $*: $_got, not $_want"
	}
}

is_answered() { # status dig's arguments: the same as a condition
	_want=$1
	shift
	[ "$(q "$@" 2>/dev/null | status_of)" = "$_want" ]
}

in_answer() { # pattern: of what answers left
	grep -Eq -- "$1" dig.out || {
		cat dig.out
		atf_fail "no such thing in it: $1"
	}
}

not_in_answer() {
	! grep -Eq -- "$1" dig.out || {
		cat dig.out
		atf_fail "it is in it: $1"
	}
}

# run_load TEXT load's arguments: its line is in load.out
run_load() {
	# shellcheck disable=SC2086 # words
	${within:-} "$load" -p "$port" "$@" >load.out 2>&1 || :
	cat load.out
}

figure() { # name: of load.out
	sed -n "s/.* $1=\([0-9]*\).*/\1/p; s/^$1=\([0-9]*\).*/\1/p" load.out
}

expect_figure() { # name relation number
	test "$(figure "$1")" "$2" "$3" || {
		cat load.out
		show_logs
		atf_fail "$1 is $(figure "$1"): not $2 $3"
	}
}

# all_answered COUNT: none lost, none failed, nothing wrong
all_answered() {
	expect_figure answered -eq "$1"
	expect_figure noerror -eq "$1"
	expect_figure lost -eq 0
	expect_figure wrong -eq 0
	expect_figure twice -eq 0
}

# --- messages, in hexadecimal ---

name_hex() { # www.example
	printf '%s\n' "$1" | tr . '\n' | while read -r _label; do
		[ -n "$_label" ] || continue
		printf '%02x' "${#_label}"
		printf %s "$_label" | od -An -v -tx1 | tr -d ' \n'
	done
	printf 00
}

question_hex() { # name [type-hex [class-hex]]
	printf '%s%s%s' "$(name_hex "$1")" "${2:-0001}" "${3:-0001}"
}

# message FLAGS QD AN NS AR REST: all hexadecimal, counts of one digit
message() {
	printf '%s%s000%s000%s000%s000%s%s' 1dea "$1" "$2" "$3" "$4" "$5" "$6"
}
