# Policies and zones with two upstreams that nobody here wrote: who was asked,
# by their own counters and logs.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

# An unbound that has an answer to any name: start_real NAME PORT
start_real() {
	cat >"$1.conf" <<-END
	server:
		username: ""
		chroot: ""
		directory: "$PWD"
		pidfile: ""
		use-syslog: no
		logfile: ""
		verbosity: 1
		log-queries: yes
		do-daemonize: no
		interface: 127.0.0.1@$2
		tls-port: $2
		tls-service-key: "$PWD/server.key"
		tls-service-pem: "$PWD/server.pem"
		access-control: 127.0.0.0/8 allow
		incoming-num-tcp: 100
		module-config: "iterator"
		local-zone: "." redirect
		local-data: ". 60 IN A 192.0.2.1"
	remote-control:
		control-enable: yes
		control-use-cert: no
		control-interface: "$PWD/$1.sock"
	END
	in_background "$1.log" unbound -d -p -c "$1.conf"
	must 20 listens "$2"
	must 20 asked "$1"
}

asked() { # NAME: how many questions it has read
	unbound-control -c "$1.conf" stats_noreset |
	    sed -n 's/^total\.num\.queries=//p' | grep .
}

start_both() { # what the config forwards
	pki
	one=$(free_port)
	two=$(free_port)
	port=$(free_port)
	start_real one "$one"
	first=$pid
	start_real two "$two"
	{
		upstream_block one "$one"
		upstream_block two "$two"
		printf '%s\n' "$@"
	} | conf "$port"
	start_dotproxy
	answers NOERROR first.test.example
}

ask_200() {
	run_load -n 200 -q 200 "$1"
	all_answered 200
}

at_least() { # NAME QUESTIONS
	_n=$(asked "$1")
	[ "$_n" -ge "$2" ] || atf_fail "$1 was asked $_n times, not $2"
}

# Beside what is asked again or ahead, and whether it is alive.
hardly() { # NAME
	_n=$(asked "$1")
	[ "$_n" -le 40 ] || atf_fail "$1 was asked $_n times"
}

testcase failover_asks_the_first_and_the_second_once_that_is_gone 60 unbound \
    unbound-control ss
failover_asks_the_first_and_the_second_once_that_is_gone_body() {
	start_both 'forward to { "one" "two" } policy failover'
	ask_200 'n%.test.example'
	at_least one 200
	hardly two
	kill "$first"
	must 10 is_gone "$first"
	ask_200 'm%.test.example'
	at_least two 200
}

testcase round_robin_asks_them_in_turn 60 unbound unbound-control ss
round_robin_asks_them_in_turn_body() {
	start_both 'forward to { "one" "two" } policy round-robin'
	ask_200 'n%.test.example'
	at_least one 80
	at_least two 80
}

testcase a_race_asks_both 60 unbound unbound-control ss
a_race_asks_both_body() {
	start_both 'forward to { "one" "two" } policy race'
	ask_200 'n%.test.example'
	at_least one 180
	at_least two 180
}

testcase the_fastest_is_asked_and_the_slow_one_now_and_then 60 unbound \
    unbound-control ss
the_fastest_is_asked_and_the_slow_one_now_and_then_body() {
	atf_require_prog "$upstream"
	pki
	one=$(free_port)
	slow=$(free_port)
	port=$(free_port)
	start_real one "$one"
	start_misbehaving "$slow" --delay 100
	{
		upstream_block slow "$slow"
		upstream_block one "$one"
		echo 'forward to { "slow" "one" } policy fastest'
	} | conf "$port"
	start_dotproxy
	ask_200 'n%.test.example'
	ask_200 'm%.test.example'
	at_least one 300
	[ "$(grep -c test.example upstream.queries)" -gt 0 ] ||
	    atf_fail "the slow one was never tried"
}

testcase no_upstream_sees_a_name_of_another_zone 60 unbound unbound-control ss
no_upstream_sees_a_name_of_another_zone_body() {
	start_both 'forward to "one"' \
	    'forward zone "corp.example" to "two"' \
	    'forward zone "public.corp.example" to "one"'
	ask_200 'n%.corp.example'
	ask_200 'n%.test.example'
	ask_200 'n%.public.corp.example'
	at_least one 400
	at_least two 200
	# Not even when its own is gone.
	kill "$first"
	must 10 is_gone "$first"
	answers SERVFAIL +time=6 gone.test.example
	answers NOERROR still.corp.example
	grep -q 'n[0-9]*\.corp\.example' two.log || atf_fail "it logs nothing"
	! grep -E '[^c]\.corp\.example' one.log ||
	    atf_fail "the default was asked for the zone"
	! grep -E 'test\.example|public\.corp\.example' two.log ||
	    atf_fail "the zone's was asked for others"
}

atf_init_test_cases() {
	atf_add_test_case \
	    failover_asks_the_first_and_the_second_once_that_is_gone
	atf_add_test_case round_robin_asks_them_in_turn
	atf_add_test_case a_race_asks_both
	atf_add_test_case the_fastest_is_asked_and_the_slow_one_now_and_then
	atf_add_test_case no_upstream_sees_a_name_of_another_zone
}
