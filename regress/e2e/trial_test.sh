# dotproxy -t against servers that nobody here wrote, well and not; certificates
# that end soon; and pins that change while clients ask.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# unbound PORT: that knows the root, of which there is not much here.
start_rooted() {
	printf '. 3600 IN SOA a. b. 1 2 3 4 5\n. 3600 IN NS a.\n' >root
	unbound_end="auth-zone:
		name: \".\"
		zonefile: \"$PWD/root\"
		for-upstream: no
		for-downstream: yes" start_unbound "$1"
}

# trial STATUS [dotproxy's arguments]: what it says is in trial.out
trial() {
	_want=$1
	shift
	_status=0
	timeout 60 "$OBJ/dotproxy" -t -f "${file:-dotproxy.conf}" -L "$OBJ" \
	    "$@" >trial.out 2>trial.log </dev/null || _status=$?
	cat trial.out trial.log
	[ "$_status" -eq "$_want" ] || atf_fail "status $_status, not $_want"
}

said() { # pattern
	grep -Eq -- "$1" trial.out || atf_fail "it did not say: $1"
}

not_said() {
	! grep -Eq -- "$1" trial.out || atf_fail "it said: $1"
}

told_pin() { # NAME COMMENT
	grep -qxF "	pin \"$(pin_of "$1")\" # $2" trial.out ||
	    atf_fail "it did not say the pin of $1: $2"
}

is_well() { # upstream port
	said "^upstream \"$1\" at 127.0.0.1 port $2: ok\$"
}

# Two upstreams: unbound, which knows the root, and knot behind dnsdist, which
# knows its own zone alone.
start_two() {
	pki
	make_zone
	one=$(free_port)
	two=$(free_port)
	knot=$(free_port)
	start_rooted "$one"
	start_knot "$knot"
	start_dnsdist "$two" "$knot"
}

two_upstreams() { # [LINE ...] of both
	{
		upstream_block one "$one" 'name "dns.example"' \
		    "ca \"$PWD/ca.pem\"" "$@"
		upstream_block two "$two" 'name "dns.example"' \
		    "ca \"$PWD/ca.pem\"" "$@"
		echo 'forward to "one"'
		echo 'forward zone "zone.example" to "two"'
	} | conf "$(free_port)"
}

testcase all_is_well_and_the_pins_can_be_pasted 60 unbound knotd dnsdist ss
all_is_well_and_the_pins_can_be_pasted_body() {
	start_two
	two_upstreams
	trial 0
	is_well one "$one"
	is_well two "$two"
	said 'connect [0-9.]+ ms, handshake [0-9.]+ ms, answer [0-9.]+ ms; TLSv1\.3, [A-Z0-9_]+$'
	told_pin server "CN=dns.example"
	told_pin ca "CN=ca"
	said 'the leaf ends in [0-9]+ days'
	said '^2 of 2 addresses are well$'
	not_said matched
	# As they stand, comments and all.
	grep '^	pin' trial.out | sort -u >pins
	[ "$(wc -l <pins)" -eq 2 ] || atf_fail "not two pins"
	while IFS= read -r line; do
		two_upstreams "$line"
		trial 0
		said "^	pin \"sha256/.*\" # matched: CN="
		grep matched trial.out | grep -qF "${line%% #*}" ||
		    atf_fail "another matched"
	done <pins
	# Of the one that is named, alone.
	trial 0 two
	is_well two "$two"
	not_said 'upstream "one"'
	said '^1 of 1 addresses is well$'
}

# failing NAME PATTERN: that one alone
failing() {
	trial 1 "$1"
	said "^upstream \"$1\" at 127.0.0.1 port [0-9]+: $2\$"
	said '^0 of 1 addresses are well$'
}

testcase every_failure_has_its_reason 100 unbound ss
every_failure_has_its_reason_body() {
	pki
	pki_ca stranger
	not_after=20240101000000Z pki_cert old ca dns.example
	make_zone
	good=$(free_port)
	expired=$(free_port)
	mute=$(free_port)
	silent=$(free_port)
	closed=$(free_port)
	sick=$(free_port)
	plain=$(free_port)
	start_rooted "$good"
	tls_pem=old.pem tls_key=old.key start_misbehaving "$expired"
	start_misbehaving "$mute" --stall-all
	start_misbehaving "$silent" --handshake-stall
	start_misbehaving "$sick" --servfail-every 1
	in_background sink.log "$sink" tcp "$plain" "220 no TLS here"
	must 10 listens "$plain"
	set -- 'name "dns.example"' "ca \"$PWD/ca.pem\""
	{
		upstream_block well "$good" "$@"
		upstream_block pin "$good" "$@" "pin \"$(pin_of stranger)\""
		upstream_block name "$good" 'name "other.example"' "$2"
		upstream_block ca "$good" "$1" "ca \"$PWD/stranger.pem\""
		upstream_block expired "$expired" "$@"
		upstream_block mute "$mute" "$@"
		upstream_block silent "$silent" "$@"
		upstream_block closed "$closed" "$@"
		upstream_block sick "$sick" "$@"
		upstream_block plaintext "$plain" "$@"
		echo 'forward to "well"'
	} | conf "$(free_port)"
	failing pin 'certificate refused: no pin matched: .*'
	told_pin server "CN=dns.example"
	told_pin ca "CN=ca"
	not_said 'matched: CN'
	failing name 'certificate refused: wrong name: it is for dns\.example'
	failing ca 'certificate refused: unknown CA: .*'
	# Nobody is to paste what was not verified.
	not_said 'pin "'
	failing expired 'certificate refused: expired: .*'
	not_said 'pin "'
	failing closed 'connection refused.*'
	not_said 'connect [0-9]'
	failing sick 'it answered SERVFAIL'
	said 'answer [0-9.]+ ms'
	failing plaintext '(TLS failure|connection closed by the upstream).*'
	failing mute 'timed out: there was no answer'
	failing silent 'timed out: the handshake did not end'
	# All of them, some at a time: each keeps its place.
	trial 1
	said '^1 of 10 addresses is well$'
	is_well well "$good"
	sed -n 's/^upstream "\([a-z]*\)".*/\1/p' trial.out |
	    tr '\n' ' ' >order
	atf_check -o inline:'well pin name ca expired mute silent closed sick plaintext ' \
	    cat order
}

testcase one_of_two_that_fails_is_a_failure 40 unbound ss
one_of_two_that_fails_is_a_failure_body() {
	pki
	make_zone
	one=$(free_port)
	two=$(free_port)
	start_rooted "$one"
	two_upstreams
	trial 1
	is_well one "$one"
	said "^upstream \"two\" at 127.0.0.1 port $two: connection refused"
	said '^1 of 2 addresses is well$'
}

testcase a_stranger_s_subject_moves_no_terminal 40 ss
a_stranger_s_subject_moves_no_terminal_body() {
	atf_require_prog "$upstream"
	pki_ca ca
	pki_request server "/CN=$(printf 'red\033[31m\007')"
	host=dns.example pki_sign server ca leaf 20200101000000Z 20400101000000Z
	up=$(free_port)
	start_misbehaving "$up"
	conf_for "$(free_port)" "$up"
	trial 0
	said '# CN=red\\1B\[31m\\07$'
	! LC_ALL=C grep -q "$(printf '\033')" trial.out ||
	    atf_fail "an escape came through"
}

testcase what_is_no_trial_is_told_so 20
what_is_no_trial_is_told_so_body() {
	pki
	conf_for "$(free_port)" "$(free_port)"
	trial 2 nobody
	grep -q 'no upstream "nobody" is defined, nor built in' trial.log ||
	    atf_fail "not told"
	trial 2 ours ours
	grep -q usage: trial.log || atf_fail "no usage"
	trial 2 -n
	grep -q usage: trial.log || atf_fail "no usage"
	echo nonsense >>dotproxy.conf
	trial 1
}

# Beside one that serves, with the very same config, and it binds nothing.
beside() {
	pki
	make_zone
	up=$(free_port)
	port=$(free_port)
	start_rooted "$up"
	conf_for "$port" "$up"
	start_dotproxy
	answers NOERROR zone.example SOA
	trial 0
	is_well ours "$up"
	answers NOERROR zone.example NS
	# But for what it says of layers that it lacks, as ever.
	! grep -v ': sandbox: ' trial.log || atf_fail "it logged"
}

testcase it_runs_beside_one_that_serves 40 unbound ss
it_runs_beside_one_that_serves_body() {
	beside
}

as=unprivileged testcase an_ordinary_user_can_try_upstreams 40 unbound ss
an_ordinary_user_can_try_upstreams_body() {
	[ "$(id -u)" -ne 0 ] || atf_fail "this is root"
	beside
}

testcase a_tls_process_that_cannot_be_run_is_a_failure 20
a_tls_process_that_cannot_be_run_is_a_failure_body() {
	pki
	conf_for "$(free_port)" "$(free_port)"
	mkdir none
	"$OBJ/dotproxy" -t -f dotproxy.conf -L none >trial.out 2>trial.log &&
	    atf_fail "it was well"
	cat trial.log
	grep -q 'dotproxy-tls cannot be run; -L names the folder' trial.log ||
	    atf_fail "not told why"
	grep -q 'the trial was not finished' trial.log || atf_fail "not told"
}

testcase plain_upstreams_and_proxied_ones_are_tried_too 40 unbound knotd \
    microsocks ss
plain_upstreams_and_proxied_ones_are_tried_too_body() {
	pki
	make_zone
	far=$(free_port)
	kube=$(free_port)
	proxy=$(free_port)
	start_rooted "$far"
	start_knot "$kube"
	set -- 'name "dns.example"' "ca \"$PWD/ca.pem\"" \
	    "via socks5 127.0.0.1:$proxy"
	{
		upstream_block far "$far" "$@"
		echo "upstream \"kube\" plain { address 127.0.0.1 port $kube }"
		echo 'forward to "far"'
		echo 'forward zone "zone.example" to "kube"'
	} | conf "$(free_port)"
	trial 1
	said '^upstream "far" at .*: no way through the SOCKS proxy: '
	is_well kube "$kube"
	in_background socks.log microsocks -i 127.0.0.1 -p "$proxy"
	must 10 listens "$proxy"
	trial 0
	is_well far "$far"
	told_pin ca "CN=ca"
	is_well kube "$kube"
	# No handshake, no chain: it is what it says, and no more.
	sed '1,/"kube"/d' trial.out >after
	atf_check -o inline:'1\n' grep -cE '^	answer [0-9.]+ ms$' after
	atf_check -o inline:'2\n' grep -c '' after
	grep -q "connected to 127\.0\.0\.1:$far" socks.log ||
	    atf_fail "not through the proxy"
}

testcase a_lost_datagram_is_no_failure 30
a_lost_datagram_is_no_failure_body() {
	pki
	kube=$(free_port)
	in_background sink.log "$sink" lossy "$kube"
	must 5 grep -q listening sink.log
	{
		upstream_block far "$(free_port)"
		echo "upstream \"kube\" plain { address 127.0.0.1 port $kube }"
		echo 'forward to "far"'
		echo 'forward zone "zone.example" to "kube"'
	} | conf "$(free_port)"
	trial 0 kube
	is_well kube "$kube"
	must 5 grep -qx 'asked 2' sink.log
	# The time tells of it.
	said '^	answer 1[0-9]{3}\.[0-9] ms$'
}

# Where there is no network, so that nobody outside is asked.
testcase a_built_in_upstream_is_tried_by_name 40 unshare
a_built_in_upstream_is_tried_by_name_head() {
	atf_set require.user root
	atf_set require.progs unshare
	atf_set timeout 40
}
a_built_in_upstream_is_tried_by_name_body() {
	echo 'forward to "cloudflare"' | conf "$(free_port)"
	_status=0
	unshare -n "$OBJ/dotproxy" -t -f dotproxy.conf -L "$OBJ" quad9 \
	    >trial.out 2>trial.log || _status=$?
	cat trial.out trial.log
	[ "$_status" -eq 1 ] || atf_fail "status $_status"
	for address in 9.9.9.9 149.112.112.112 2620:fe::fe 2620:fe::9; do
		said "^upstream \"quad9\" at $address port 853: unreachable"
	done
	not_said cloudflare
	said '^0 of 4 addresses are well$'
}

in_days() { # N, and half a one
	date -u -d "+$1 days +12 hours" +%Y%m%d%H%M%SZ
}

testcase a_certificate_that_ends_soon_is_warned_of_once 40 ss
a_certificate_that_ends_soon_is_warned_of_once_body() {
	atf_require_prog "$upstream"
	not_after=$(in_days 9) pki_ca ca
	not_after=$(in_days 4) pki_cert server ca dns.example
	not_after=$(in_days 12) pki_ca unused
	not_after=$(in_days 30) pki_ca lasting
	cat ca.pem unused.pem lasting.pem >bundle.pem
	up=$(free_port)
	port=$(free_port)
	# Each answer on a connection of its own.
	start_misbehaving "$up" --close-after 1
	{
		upstream_block ours "$up" 'name "dns.example"' \
		    "ca \"$PWD/bundle.pem\"" "pin \"$(pin_of ca)\"" \
		    "pin \"$(pin_of unused)\"" "pin \"$(pin_of lasting)\""
		echo 'forward to "ours"'
	} | conf "$port"
	start_dotproxy
	for i in 1 2 3 4 5; do
		answers NOERROR "n$i.test.example" A
	done
	says 'upstream "ours": the certificate of CN=dns.example ends in 4 days'
	says 'upstream "ours": the certificate of CN=ca ends in 9 days'
	# It is pinned, though nothing was verified by it today.
	says 'upstream "ours": the certificate of CN=unused ends in 12 days'
	[ "$(grep -c ' ends in ' dotproxy.log)" -eq 3 ] ||
	    { show_logs; atf_fail "not once of each"; }
	trial 0
	said 'the leaf ends in 4 days$'
}

testcase no_pin_is_a_reason_of_its_own_everywhere 40 ss
no_pin_is_a_reason_of_its_own_everywhere_body() {
	atf_require_prog "$upstream"
	pki
	pki_ca stranger
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up"
	{
		upstream_block ours "$up" 'name "dns.example"' \
		    "ca \"$PWD/ca.pem\"" "pin \"$(pin_of stranger)\""
		echo 'forward to "ours"'
	} | conf "$port"
	start_dotproxy
	answers SERVFAIL test.example A
	in_answer 'EDE: 22 .*upstream ours: no pin matched'
	says 'certificate refused: no pin matched'
	counted upstream_no_pin
	[ "$(counter upstream_no_pin)" -eq "$(counter upstream_refused)" ] ||
	    { cat counters; atf_fail "refused for something else, too"; }
}

# The same port, with the key that is named.
serve_with() { # name
	tls_pem=$1.pem tls_key=$1.key start_misbehaving "$up" --delay 20
	server=$pid
}

pinned() { # NAME ...
	_pins=
	for _name; do
		_pins="$_pins
	pin \"$(pin_of "$_name")\""
	done
	{
		upstream_block ours "$up" 'name "dns.example"' \
		    "ca \"$PWD/ca.pem\"" "${_pins#?}"
		upstream_block spare "$spare" 'name "dns.example"' \
		    "ca \"$PWD/ca.pem\""
		echo 'forward to { "ours" "spare" }'
	} | conf "$port"
}

testcase a_key_that_rotates_cuts_nobody_off 60 ss
a_key_that_rotates_cuts_nobody_off_body() {
	atf_require_prog "$upstream"
	pki
	pki_cert next ca dns.example
	up=$(free_port)
	spare=$(free_port)
	port=$(free_port)
	serve_with server
	# While the one restarts with its new key, the other answers.
	tls_pem=server.pem tls_key=server.key \
	    start_misbehaving "$spare" --delay 20
	pinned server next
	start_dotproxy
	"$load" -p "$port" -n 2000 -q 400 -r 1000 'n%.load.example' \
	    >load.out 2>&1 &
	loading=$!
	remember "$loading"
	must 5 is_answered NOERROR before.test.example
	kill "$server"
	must 5 is_gone "$server"
	serve_with next
	wait "$loading" || :
	cat load.out
	expect_figure noerror -eq 2000
	expect_figure lost -eq 0
	# Only the next one's key, and that is right: it is in use.
	pinned next
	trial 0 ours
	told_pin next "matched: CN=dns.example"
	pinned server
	trial 1 ours
	said 'no pin matched'
	! grep -q 'no pin matched' dotproxy.log || atf_fail "it was cut off"
}

testcase a_reload_with_the_next_pin_drops_nothing_in_flight 60 ss
a_reload_with_the_next_pin_drops_nothing_in_flight_body() {
	atf_require_prog "$upstream"
	pki
	pki_cert next ca dns.example
	up=$(free_port)
	port=$(free_port)
	tls_pem=server.pem tls_key=server.key \
	    start_misbehaving "$up" --delay 100
	spare=$up
	only_ours server
	start_dotproxy
	# No client asks again: each question has its one chance.
	"$load" -p "$port" -n 2000 -q 400 'n%.load.example' >load.out 2>&1 &
	loading=$!
	remember "$loading"
	must 5 is_answered NOERROR before.test.example
	for i in 1 2 3; do
		only_ours server next
		kill -HUP "$dotproxy"
		must 5 has_reloaded $((2 * i - 1))
		only_ours server
		kill -HUP "$dotproxy"
		must 5 has_reloaded $((2 * i))
	done
	! is_gone "$loading" || atf_fail "the load was over before the reloads"
	wait "$loading" || :
	cat load.out
	all_answered 2000
}

only_ours() { # NAME ...: pins
	pinned "$@"
	sed 's/^forward to.*/forward to "ours"/' dotproxy.conf >conf.new
	mv conf.new dotproxy.conf
}

has_reloaded() { # times
	[ "$(grep -c ': reloaded' dotproxy.log)" -eq "$1" ]
}

# unbound has Nagle's algorithm, and sends session tickets before it answers.
as=root testcase a_first_answer_waits_for_no_acknowledgement_of_ours 60 \
    unbound unshare nsenter nstat
# shellcheck disable=SC2086 # words
a_first_answer_waits_for_no_acknowledgement_of_ours_body() {
	! is_sanitized || atf_skip "built with sanitizers: too slow for this"
	pki
	make_zone
	up=$(free_port)
	start_rooted "$up"
	unshare -n true || atf_skip "no network namespace can be made here"
	in_background net.log unshare -n sleep 60
	apart="nsenter -t $pid -n"
	must 5 $apart ip link set lo up
	in_background apart.log $apart unbound -d -p -c unbound.conf
	must 20 apart_listens
	{
		upstream_block one "$up" 'name "dns.example"' \
		    "ca \"$PWD/ca.pem\""
		echo 'forward to "one"'
	} | conf "$(free_port)"
	for _ in 1 2 3; do
		atf_check -o match:': ok$' $apart "$OBJ/dotproxy" -t \
		    -f dotproxy.conf -L "$OBJ"
	done
	$apart nstat -asz TcpExtDelayedACKs >nstat.out
	# shellcheck disable=SC2016 # awk's
	atf_check -o inline:'0\n' awk '/DelayedACKs/ { print $2 }' nstat.out
}

apart_listens() {
	$apart ss -Hltn "sport = :$up" | grep -q .
}

atf_init_test_cases() {
	atf_add_test_case all_is_well_and_the_pins_can_be_pasted
	atf_add_test_case every_failure_has_its_reason
	atf_add_test_case one_of_two_that_fails_is_a_failure
	atf_add_test_case a_stranger_s_subject_moves_no_terminal
	atf_add_test_case what_is_no_trial_is_told_so
	atf_add_test_case it_runs_beside_one_that_serves
	atf_add_test_case an_ordinary_user_can_try_upstreams
	atf_add_test_case a_tls_process_that_cannot_be_run_is_a_failure
	atf_add_test_case plain_upstreams_and_proxied_ones_are_tried_too
	atf_add_test_case a_lost_datagram_is_no_failure
	atf_add_test_case a_built_in_upstream_is_tried_by_name
	atf_add_test_case a_certificate_that_ends_soon_is_warned_of_once
	atf_add_test_case no_pin_is_a_reason_of_its_own_everywhere
	atf_add_test_case a_key_that_rotates_cuts_nobody_off
	atf_add_test_case a_reload_with_the_next_pin_drops_nothing_in_flight
	atf_add_test_case a_first_answer_waits_for_no_acknowledgement_of_ours
}
