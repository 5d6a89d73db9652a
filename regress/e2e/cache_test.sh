# What is known is answered without an upstream: by every worker, whoever died
# meanwhile, and when upstreams fail even what has ended.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

asked() { # name: how often the upstream was
	grep -c " name=$1\.* " upstream.queries
}

expect_asked() { # name number
	_n=$(asked "$1" || :)
	[ "$_n" -eq "$2" ] || {
		cat upstream.queries
		atf_fail "$1 was asked for $_n times, not $2"
	}
}

ttl() { # name: of its A record
	q "$1" A +noall +answer | awk '$4 == "A" { print $2; exit }'
}

ttl_is_below() { # number name
	_ttl=$(ttl "$2")
	[ -n "$_ttl" ] && [ "$_ttl" -lt "$1" ]
}

testcase the_second_question_is_not_asked_and_its_ttl_counts_down 40 ss
the_second_question_is_not_asked_and_its_ttl_counts_down_body() {
	start_ours
	first=$(ttl ttl-100.test.example)
	[ "$first" -eq 100 ] || atf_fail "a TTL of $first"
	must 5 ttl_is_below 100 ttl-100.test.example
	must 5 ttl_is_below 99 TTL-100.test.EXAMPLE
	answers NOERROR +tcp ttl-100.test.example A
	answers NXDOMAIN nx.test.example A
	answers NXDOMAIN nx.test.example A
	expect_asked ttl-100.test.example 1
	expect_asked nx.test.example 1
}

testcase without_a_cache_each_question_is_asked 40 ss
without_a_cache_each_question_is_asked_body() {
	start_ours 'no cache'
	for i in 1 2 3; do
		[ "$(ttl ttl-100.test.example)" -eq 100 ] || atf_fail "try $i"
	done
	expect_asked ttl-100.test.example 3
}

testcase killed_workers_lose_nothing_that_is_known 40 ss
killed_workers_lose_nothing_that_is_known_body() {
	start_ours
	answers NOERROR www.test.example A
	tls=$(child tls)
	for victim in $(children); do
		[ "$victim" != "$tls" ] || continue
		kill -9 "$victim"
		must 10 is_gone "$victim"
	done
	must 5 is_answered NOERROR www.test.example A
	# From whatever port, so whichever of the new ones it is.
	for i in 1 2 3 4 5 6 7 8; do
		answers NOERROR www.test.example A
	done
	expect_asked www.test.example 1
}

testcase a_reload_loses_nothing_that_is_known 40 ss
a_reload_loses_nothing_that_is_known_body() {
	start_ours
	answers NOERROR www.test.example A
	echo 'tcp connections 77' >>dotproxy.conf
	kill -HUP "$dotproxy"
	says ': reloaded'
	for i in 1 2 3 4; do
		answers NOERROR www.test.example A
	done
	expect_asked www.test.example 1
}

testcase a_reload_that_asks_elsewhere_forgets_who_answered_before 40 ss
a_reload_that_asks_elsewhere_forgets_who_answered_before_body() {
	start_ours
	answers NOERROR www.test.example A
	other=$(free_port)
	mv upstream.queries before.queries
	start_misbehaving "$other"
	{
		upstream_block theirs "$other"
		echo 'forward to "theirs"'
	} | conf "$port"
	kill -HUP "$dotproxy"
	says 'the cache is empty again: questions go elsewhere now'
	for i in 1 2 3 4; do
		answers NOERROR www.test.example A
	done
	expect_asked www.test.example 1
	# Once for a change, and no more for the same again.
	kill -HUP "$dotproxy"
	must 5 has_reloaded 2
	for i in 1 2 3 4; do
		answers NOERROR www.test.example A
	done
	expect_asked www.test.example 1
	atf_check -o inline:'1\n' grep -c 'the cache is empty' dotproxy.log
	counts_to cache_emptied 1
}

has_reloaded() { # times
	[ "$(grep -c ': reloaded' dotproxy.log)" -eq "$1" ]
}

testcase without_tls_process_and_upstream_hits_go_on_and_ended_ones_are_stale \
    60 ss
without_tls_process_and_upstream_hits_go_on_and_ended_ones_are_stale_body() {
	start_ours
	answers NOERROR www.test.example A
	answers NOERROR ttl-1.test.example A
	server=$(sed -n '1s/ .*//p' pids)
	kill -9 "$server" "$(child tls)"
	must 10 is_gone "$server"
	for i in 1 2 3 4; do
		answers NOERROR www.test.example A
		not_in_answer 'EDE: 3'
	done
	must 10 is_stale ttl-1.test.example
	[ "$(ttl ttl-1.test.example)" -eq 30 ] || atf_fail "not 30 seconds"
	answers NOERROR www.test.example A
	answers SERVFAIL other.test.example A
	expect_asked www.test.example 1
	expect_asked ttl-1.test.example 1
}

is_stale() {
	q "$1" A >dig.out && [ "$(status_of <dig.out)" = NOERROR ] &&
	    grep -q 'EDE: 3 ' dig.out
}

testcase with_no_stale_what_has_ended_is_not_told 60 ss
with_no_stale_what_has_ended_is_not_told_body() {
	start_ours 'no stale'
	answers NOERROR ttl-1.test.example A
	server=$(sed -n '1s/ .*//p' pids)
	kill -9 "$server"
	must 10 is_gone "$server"
	must 10 is_answered SERVFAIL ttl-1.test.example A
}

testcase what_many_ask_at_once_is_asked_once 40 ss
what_many_ask_at_once_is_asked_once_body() {
	start_ours
	# All within the time that the upstream takes.
	run_load -n 200 -q 2000 slow-600.test.example
	all_answered 200
	asked_by_one slow-600.test.example
}

# As one question: four attempts at most, for it is late by what the upstream
# has shown so far.
asked_by_one() { # NAME
	_n=$(asked "$1")
	{ [ "$_n" -ge 1 ] && [ "$_n" -le 4 ]; } ||
	    atf_fail "$1 was asked for $_n times"
}

# ask_from ADDRESS CASE dig's arguments: in the background, into ADDRESS.out
ask_from() {
	_from=$1
	shift
	dig -b "127.0.0.$_from" +time=6 +tries=1 @127.0.0.1 -p "$port" \
	    +qid="1$_from" TXT "$@" >"$_from.out" 2>&1 &
	askers="$askers $!"
}

# told ADDRESS NAME PATTERN ...: what it was told has its ID and letters, and
# these; none of those that begin with an exclamation mark.
told() {
	_told=$1.out
	if ! grep -q "status: NOERROR, id: 1$1\$" "$_told" ||
	    ! grep -q "^;$2\.[[:space:]]" "$_told"; then
		cat "$_told"
		atf_fail "$1 was told something else"
	fi
	shift 2
	for _pattern; do
		case $_pattern in
		!*)	grep -Eq -- "${_pattern#!}" "$_told" || continue ;;
		*)	! grep -Eq -- "$_pattern" "$_told" || continue ;;
		esac
		cat "$_told"
		atf_fail "$_told: $_pattern"
	done
}

testcase what_clients_of_all_workers_ask_at_once_is_asked_once 40 ss
what_clients_of_all_workers_ask_at_once_is_asked_once_body() {
	start_ours
	name=ad.big-1000.slow-700.test.example
	askers=
	# Whichever worker an address is steered to: of 14 some to each.
	for from in 20 21 22 23 24 25 26 27 28 29; do
		ask_from "$from" "$name"
	done
	ask_from 30 +noedns +ignore AD.big-1000.slow-700.test.example
	ask_from 31 +bufsize=600 +ignore ad.BIG-1000.slow-700.test.example
	ask_from 32 +tcp +noedns ad.big-1000.SLOW-700.test.example
	ask_from 33 +bufsize=4096 +noadflag ad.big-1000.slow-700.TEST.example
	# shellcheck disable=SC2086 # ids
	wait $askers
	for from in 20 21 22 23 24 25 26 27 28 29; do
		told "$from" "$name" '^;; flags: qr rd ra ad;' \
		    '^; EDNS: version: 0' 'ANSWER: [1-9]'
	done
	told 30 AD.big-1000.slow-700.test.example '^;; flags: qr tc rd ra ad;' \
	    'ANSWER: 0' '!EDNS'
	told 31 ad.BIG-1000.slow-700.test.example '^;; flags: qr tc rd ra ad;' \
	    'ANSWER: 0' '^; EDNS: version: 0'
	told 32 ad.big-1000.SLOW-700.test.example '^;; flags: qr rd ra ad;' \
	    'ANSWER: [1-9]' '!EDNS'
	told 33 ad.big-1000.slow-700.TEST.example '^;; flags: qr rd ra;' \
	    'ANSWER: [1-9]' '^; EDNS: version: 0'
	asked_by_one "$name"
	ask_for_counters
	for i in 0 1; do
		grep -q "worker $i.* queries_forwarded [1-9]" counters ||
		    { cat counters; atf_fail "worker $i asked for nothing"; }
	done
}

testcase what_fails_is_not_asked_again_at_once 40 ss
what_fails_is_not_asked_again_at_once_body() {
	start_ours
	for i in 1 2 3 4 5; do
		answers SERVFAIL servfail.test.example A
	done
	# A second is over soon; that it was one failure for each of five is not.
	[ "$(asked servfail.test.example)" -lt 5 ] || atf_fail "each time"
}

atf_init_test_cases() {
	atf_add_test_case the_second_question_is_not_asked_and_its_ttl_counts_down
	atf_add_test_case without_a_cache_each_question_is_asked
	atf_add_test_case killed_workers_lose_nothing_that_is_known
	atf_add_test_case a_reload_loses_nothing_that_is_known
	atf_add_test_case a_reload_that_asks_elsewhere_forgets_who_answered_before
	atf_add_test_case \
	    without_tls_process_and_upstream_hits_go_on_and_ended_ones_are_stale
	atf_add_test_case with_no_stale_what_has_ended_is_not_told
	atf_add_test_case what_many_ask_at_once_is_asked_once
	atf_add_test_case what_clients_of_all_workers_ask_at_once_is_asked_once
	atf_add_test_case what_fails_is_not_asked_again_at_once
}
