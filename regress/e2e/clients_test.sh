# Every client that people use, with the options that change what is sent.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

start_all() {
	pki
	make_zone
	up=$(free_port)
	port=$(free_port)
	unbound_conf='log-queries: yes' start_unbound "$up"
	conf_for "$port" "$up"
	start_dotproxy
}

testcase dig_is_answered_whatever_its_options 60 unbound ss
dig_is_answered_whatever_its_options_body() {
	start_all
	for how in +notcp +tcp +ignore +bufsize=512 +bufsize=4096 +dnssec \
	    +cdflag +adflag +noadflag +noedns +edns=0 +ednsopt=65001:c0ffee \
	    +cookie +cookie=0123456789abcdef +subnet=192.0.2.0/24 +nsid \
	    +expire +padding=256 +noedns\ +tcp +keepalive\ +tcp +norecurse \
	    +0x20 +qr; do
		# shellcheck disable=SC2086 # may be two options
		case $how in
		+0x20) set -- A.ZoNe.exAMple A ;;
		*) set -- $how a.zone.example A ;;
		esac
		answers NOERROR "$@"
		in_answer '^[aA]\.[zZ].*IN[[:space:]]A[[:space:]]192\.0\.2\.1$'
	done
	answers NOERROR +noedns a.zone.example
	not_in_answer 'OPT PSEUDOSECTION'
	answers NOERROR +edns=0 a.zone.example
	in_answer 'EDNS: version: 0, flags:; udp: [0-9]+'
	answers NOERROR +dnssec a.zone.example
	in_answer 'EDNS: version: 0, flags: do; udp: [0-9]+'
}

testcase options_of_a_client_go_no_further 30 ss
options_of_a_client_go_no_further_body() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up"
	conf_for "$port" "$up"
	start_dotproxy
	answers NOERROR +nocmd +subnet=192.0.2.0/24 +cookie=0123456789abcdef +nsid \
	    +ednsopt=65001:c0ffee subnet.test.example A
	grep 'subnet.test.example' upstream.queries >line ||
	    { cat upstream.queries; atf_fail "not in the upstream's log"; }
	cat line
	# Not even the length tells one client from another.
	grep -q ' len=128 padded=1 opt=1 do=0 .* ecs=0$' line ||
	    atf_fail "more than the question went through"
	# The cookie is answered here, with a server's.
	not_in_answer 'CLIENT-SUBNET|NSID|65001'
}

testcase kdig_is_told_when_its_connection_ends 30 kdig unbound ss
kdig_is_told_when_its_connection_ends_body() {
	start_all
	kdig @127.0.0.1 -p "$port" +tcp +ednsopt=11 a.zone.example >out
	cat out
	grep -q 'status: NOERROR' out || atf_fail "no answer"
	# The idle time-out: 10 s, in hundreds of ms.
	"$ask" -t -p "$port" "$(message 0100 1 0 0 1 \
	    "$(question_hex a.zone.example)00002904d000000000000400 0b0000" |
	    tr -d ' ')" >out || atf_fail "no answer"
	cat out
	grep -q 'keepalive=100$' out || atf_fail "no keepalive"
	# Nobody asked for it, or not over TCP.
	"$ask" -t -p "$port" "$(message 0100 1 0 0 1 \
	    "$(question_hex a.zone.example)00002904d0000000000000")" >out
	grep -q 'keepalive' out && atf_fail "keepalive, unasked"
	"$ask" -p "$port" "$(message 0100 1 0 0 1 \
	    "$(question_hex a.zone.example)00002904d0000000000004000b0000")" \
	    >out || atf_fail "no answer"
	grep -q 'keepalive' out && atf_fail "keepalive over UDP"
	:
}

testcase one_connection_of_kdig_serves_many_questions 30 kdig unbound ss
one_connection_of_kdig_serves_many_questions_body() {
	start_all
	kdig @127.0.0.1 -p "$port" +tcp +keepopen a.zone.example A \
	    aaaa.zone.example AAAA zone.example MX txt60000.zone.example TXT \
	    nothing.zone.example A >out
	[ "$(grep -c 'status: NOERROR' out)" -eq 4 ] ||
	    { cat out; atf_fail "an answer is missing"; }
	grep -q 'status: NXDOMAIN' out ||
	    { cat out; atf_fail "an answer is missing"; }
	counts_to tcp_accepted 1
}

testcase answers_over_tcp_come_as_they_are_ready_not_in_turn 30 ss
answers_over_tcp_come_as_they_are_ready_not_in_turn_body() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up"
	conf_for "$port" "$up"
	start_dotproxy
	"$ask" -t -p "$port" -w 5000 \
	    "$(message 0100 1 0 0 0 "$(question_hex slow-700.first.example)")" \
	    "$(message 0100 1 0 0 0 "$(question_hex slow-300.second.example)")" \
	    "$(message 0100 1 0 0 0 "$(question_hex third.example)")" >out ||
	    { cat out; show_logs; atf_fail "an answer is missing"; }
	cat out
	[ "$(grep -Eo '(first|second|third)' out | tr '\n' ' ')" = \
	    "third second first " ] || atf_fail "in another order"
}

testcase hundreds_of_pipelined_questions_are_all_answered 60 unbound ss
hundreds_of_pipelined_questions_are_all_answered_body() {
	start_all
	run_load -t -n 2000 -q 2000 -c 4 'n%.wild.zone.example'
	all_answered 2000
	expect_figure closed -eq 0
}

testcase nslookup_host_and_drill_are_answered 30 nslookup host drill unbound ss
nslookup_host_and_drill_are_answered_body() {
	start_all
	nslookup -port="$port" a.zone.example 127.0.0.1 >out ||
	    { cat out; atf_fail "nslookup"; }
	grep -q 'Address: 192.0.2.1$' out || { cat out; atf_fail "nslookup"; }
	nslookup -port="$port" -type=mx zone.example 127.0.0.1 >out
	grep -q 'mail exchanger = 10 mail.zone.example' out ||
	    { cat out; atf_fail "nslookup MX"; }
	nslookup -port="$port" nothing.zone.example 127.0.0.1 >out
	grep -q NXDOMAIN out || { cat out; atf_fail "nslookup NXDOMAIN"; }
	host -p "$port" -t txt txt.zone.example 127.0.0.1 >out ||
	    { cat out; atf_fail "host"; }
	grep -q '"one string" "and another"' out ||
	    { cat out; atf_fail "host"; }
	host -p "$port" -T -a zone.example 127.0.0.1 >out ||
	    { cat out; atf_fail "host -a"; }
	drill -p "$port" @127.0.0.1 a.zone.example >out ||
	    { cat out; atf_fail "drill"; }
	grep -q '192.0.2.1$' out || { cat out; atf_fail "drill"; }
	drill -p "$port" -t @127.0.0.1 TXT txt4200.zone.example >out ||
	    { cat out; atf_fail "drill -t"; }
	grep -c '^txt4200' out
}

atf_init_test_cases() {
	atf_add_test_case dig_is_answered_whatever_its_options
	atf_add_test_case options_of_a_client_go_no_further
	atf_add_test_case kdig_is_told_when_its_connection_ends
	atf_add_test_case one_connection_of_kdig_serves_many_questions
	atf_add_test_case answers_over_tcp_come_as_they_are_ready_not_in_turn
	atf_add_test_case hundreds_of_pipelined_questions_are_all_answered
	atf_add_test_case nslookup_host_and_drill_are_answered
}
