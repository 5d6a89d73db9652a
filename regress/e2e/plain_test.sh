# Zones with upstreams of their own, in clear text: knot's answers of any size,
# a server that forges and loses, and who is never asked.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

plain_block() { # NAME PORT [LINE]
	echo "upstream \"$1\" plain {"
	echo "	address 127.0.0.1 port $2"
	[ -z "${3-}" ] || echo "	$3"
	echo "}"
}

# The default is ours, over TLS; zone.example is knot's.
start_all() { # [line of the config]
	atf_require_prog "$upstream"
	pki
	make_zone
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up"
	{
		echo "${1-}"
		upstream_block ours "$up"
		plain_block knot "$knot"
		echo 'forward to "ours"'
		echo 'forward zone "zone.example" to "knot"'
	} | conf "$port"
	start_dotproxy
}

testcase a_plain_zone_is_answered_by_its_server 40 knotd ss
a_plain_zone_is_answered_by_its_server_body() {
	knot=$(free_port)
	make_zone
	start_knot "$knot"
	start_all
	answers NOERROR a.zone.example A
	in_answer '192\.0\.2\.1$'
	answers NXDOMAIN no.such.name.zone.example A
	answers NOERROR n1.test.example A
	says 'upstream "knot" at 127.0.0.1 port [0-9]*: in clear text, in use'
	! grep -q zone.example upstream.queries || {
		cat upstream.queries
		atf_fail "the default was asked for the zone"
	}
	kill "$dotproxy"
	must 10 is_gone "$dotproxy"
}

testcase an_answer_too_large_for_udp_comes_by_tcp 40 knotd ss
an_answer_too_large_for_udp_comes_by_tcp_body() {
	knot=$(free_port)
	make_zone
	start_knot "$knot"
	start_all
	answers NOERROR +tcp many.zone.example A
	[ "$(grep -c '198\.51\.100\.' dig.out)" -eq 120 ] ||
	    atf_fail "not all of it"
	answers NOERROR +tcp txt60000.zone.example TXT
	[ "$(grep -c 'TXT.*"' dig.out)" -eq 240 ] ||
	    atf_fail "not all of it"
	# A slow machine asks twice, and then is told so twice.
	counted upstream_truncated 2
	[ "$(counter upstream_truncated)" -le \
	    $((2 + $(counter upstream_hedged))) ] ||
	    { cat counters; atf_fail "more was cut than was asked for"; }
}

testcase a_plain_zone_whose_server_is_down_fails_and_says_why 60 knotd ss
a_plain_zone_whose_server_is_down_fails_and_says_why_body() {
	knot=$(free_port)
	make_zone
	start_knot "$knot"
	_knot=$pid
	start_all 'cache ttl max 1s'
	answers NOERROR a.zone.example A
	kill "$_knot"
	must 10 is_gone "$_knot"
	answers SERVFAIL mail.zone.example A
	in_answer 'EDE.*upstream knot: refused'
	# What was true before is better than nothing; the default goes on.
	must 10 is_stale a.zone.example
	answers NOERROR n1.test.example A
	! grep -q zone.example upstream.queries ||
	    atf_fail "the default was asked for the zone"
	start_knot "$knot"
	must 10 is_answered NOERROR mail2.zone.example A
}

is_stale() {
	q "$1" A >dig.out && grep -q 'EDE: 3' dig.out &&
	    grep -q '192\.0\.2\.1$' dig.out
}

# --- one that forges ---

start_forged() { # forger's option ...
	pki
	plain=$(free_port)
	port=$(free_port)
	start_forger corp "$plain" "$@"
	{
		upstream_block ours "$(free_port)"
		plain_block corp "$plain"
		echo 'forward to "ours"'
		echo 'forward zone "corp.example" to "corp"'
	} | conf "$port"
	start_dotproxy
}

is_not_forged() { # count
	all_answered "$1"
	answers NOERROR x.corp.example A
	in_answer '192\.0\.2\.99$'
}

testcase forged_answers_are_not_taken 60 ss
forged_answers_are_not_taken_body() {
	start_forged -w
	run_load -n 300 -q 300 'n%.corp.example'
	is_not_forged 300
	counted upstream_unasked
	counted upstream_attacked
}

testcase a_flood_of_forged_answers_turns_questions_to_tcp 60 ss
a_flood_of_forged_answers_turns_questions_to_tcp_body() {
	start_forged -f 40
	run_load -n 100 -q 200 'n%.corp.example'
	is_not_forged 100
	counted upstream_attacked
	grep -q 'proto=tcp' corp.queries || atf_fail "never over TCP"
}

testcase lost_datagrams_cost_no_question 60 ss
lost_datagrams_cost_no_question_body() {
	start_forged -d 20
	run_load -n 1000 -q 200 'n%.corp.example'
	all_answered 1000
	# Some fifty were lost, and each is asked again as late, long before it
	# would have failed.
	counted upstream_hedged 30
}

testcase where_a_third_is_lost_no_question_is 60 ss
where_a_third_is_lost_no_question_is_body() {
	start_forged -d 3
	run_load -n 1000 -q 500 'n%.corp.example'
	all_answered 1000
	counted upstream_lost
	grep -q 'proto=tcp' corp.queries || atf_fail "never over TCP"
}

testcase a_server_that_changes_letters_is_asked_over_tcp 60 ss
a_server_that_changes_letters_is_asked_over_tcp_body() {
	start_forged -c
	run_load -n 100 -q 200 'name-with-letters-n%.corp.example'
	all_answered 100
	counted upstream_recased
	grep -q 'proto=tcp' corp.queries || atf_fail "never over TCP"
}

testcase what_is_cut_is_told_so_where_there_is_no_tcp 40 ss
what_is_cut_is_told_so_where_there_is_no_tcp_body() {
	start_forged -t -n
	answers NOERROR +ignore a.corp.example A
	in_answer 'flags:.* tc'
}

testcase questions_come_from_many_ports 60 ss
questions_come_from_many_ports_body() {
	start_forged
	run_load -n 6000 -q 2000 'n%.corp.example'
	all_answered 6000
	_ports=$(sed -n 's/.*port=\([0-9]*\).*/\1/p' corp.queries | sort -u |
	    wc -l)
	# Each is left after 1024 questions; four are in use at once.
	[ "$_ports" -ge 6 ] || atf_fail "from $_ports ports only"
	_most=$(sed -n 's/.*port=\([0-9]*\).*/\1/p' corp.queries | sort |
	    uniq -c | sort -n | awk 'END { print $1 }')
	[ "$_most" -le 1024 ] || atf_fail "$_most questions from one port"
}

# --- who is asked what ---

testcase the_longest_of_nested_zones_is_asked_and_no_other 60 ss
the_longest_of_nested_zones_is_asked_and_no_other_body() {
	pki
	port=$(free_port)
	one=$(free_port)
	two=$(free_port)
	three=$(free_port)
	start_forger one "$one" -a 192.0.2.1
	start_forger two "$two" -a 192.0.2.2
	_two=$pid
	start_forger three "$three" -a 192.0.2.3
	up=$(free_port)
	atf_require_prog "$upstream"
	start_misbehaving "$up"
	nested "$one" "$two" "$three" | conf "$port"
	start_dotproxy
	is_from 1 corp.example
	is_from 1 b.corp.example
	is_from 2 A.Corp.Example
	is_from 2 x.y.a.corp.example
	is_from 3 b.a.corp.example
	is_from 3 w.b.a.corp.example
	is_from 1 xa.corp.example
	answers NOERROR n1.test.example A
	# Down: the one above is not asked in its place, nor is the default;
	# a reload that turns them around does not change that.
	kill "$_two"
	must 10 is_gone "$_two"
	answers SERVFAIL z.a.corp.example A
	is_from 3 z.b.a.corp.example
	is_from 1 z.corp.example
	nested "$one" "$two" "$three" backwards | conf "$port"
	for _i in 1 2 3 4 5; do
		kill -HUP "$dotproxy"
		answers SERVFAIL "z$_i.a.corp.example" A
		is_from 3 "z$_i.b.a.corp.example"
		is_from 1 "z$_i.corp.example"
	done
	! grep corp.example upstream.queries || atf_fail "the default was asked"
	! grep 'name=.*a\.corp\.example' one.queries |
	    grep -v 'name=xa\.' || atf_fail "one was asked for another's"
	! grep 'name=.*\.corp' three.queries | grep -v '\(^\|\.\|=\)b\.a\.corp' ||
	    atf_fail "three was asked for another's"
}

nested() { # the ports of three plain ones
	_zones='1:corp.example:one 2:a.corp.example:two 3:b.a.corp.example:three'
	upstream_block ours "$up"
	plain_block one "$1"
	plain_block two "$2"
	plain_block three "$3"
	echo 'forward to "ours"'
	for _z in $_zones; do
		_rest=${_z#*:}
		echo "forward zone \"${_rest%:*}\" to \"${_rest#*:}\""
	done | if [ -z "${4-}" ]; then cat; else sort -r; fi
}

is_from() { # number name
	answers NOERROR "$2" A
	in_answer "192\\.0\\.2\\.$1\$"
}

testcase a_special_name_that_is_forwarded_is_asked_there 40 ss
a_special_name_that_is_forwarded_is_asked_there_body() {
	pki
	port=$(free_port)
	plain=$(free_port)
	start_forger ours "$plain"
	special | conf "$port"
	start_dotproxy
	answers NOERROR 1.1.10.in-addr.arpa A
	in_answer '192\.0\.2\.99$'
	answers NOERROR x.corp.onion A
	in_answer '192\.0\.2\.99$'
	answers NXDOMAIN y.onion A
	answers NXDOMAIN 1.11.168.192.in-addr.arpa PTR
	answers NOERROR known.corp.onion A
	in_answer '192\.0\.2\.7$'
	# A reload that forwards it no more.
	special | sed '/onion" to/d' | conf "$port"
	kill -HUP "$dotproxy"
	must 10 is_answered NXDOMAIN x.corp.onion A
	! grep 'name=known\|name=y\.' ours.queries ||
	    atf_fail "what is ours was asked"
}

special() {
	upstream_block tls "$(free_port)"
	plain_block own "$plain"
	cat <<-END
	forward to "tls"
	forward zone "10.in-addr.arpa" to "own"
	forward zone "corp.onion" to "own"
	local data "known.corp.onion" A 192.0.2.7
	END
}

atf_init_test_cases() {
	atf_add_test_case a_plain_zone_is_answered_by_its_server
	atf_add_test_case an_answer_too_large_for_udp_comes_by_tcp
	atf_add_test_case a_plain_zone_whose_server_is_down_fails_and_says_why
	atf_add_test_case forged_answers_are_not_taken
	atf_add_test_case a_flood_of_forged_answers_turns_questions_to_tcp
	atf_add_test_case lost_datagrams_cost_no_question
	atf_add_test_case where_a_third_is_lost_no_question_is
	atf_add_test_case a_server_that_changes_letters_is_asked_over_tcp
	atf_add_test_case what_is_cut_is_told_so_where_there_is_no_tcp
	atf_add_test_case questions_come_from_many_ports
	atf_add_test_case the_longest_of_nested_zones_is_asked_and_no_other
	atf_add_test_case a_special_name_that_is_forwarded_is_asked_there
}
