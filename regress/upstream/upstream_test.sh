# The upstream of the tests, asked by a DoT client that is not ours: what it
# answers when it behaves.

start() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout key.pem -out cert.pem -days 30 -subj /CN=upstream \
	    -addext subjectAltName=DNS:dns.test 2>openssl.err ||
		atf_fail "openssl: $(cat openssl.err)"
	"$(atf_get_srcdir)/upstream" -c cert.pem -k key.pem -t 60 \
	    --log log >out 2>err &
	pid=$!
	until grep -qs '^port ' out; do
		kill -0 "$pid" 2>/dev/null || atf_fail "upstream: $(cat err)"
		sleep 0.02
	done
	port=$(sed -n 's/^port //p' out)
}

stop() {
	kill "$pid"
	wait "$pid" || atf_fail "upstream: exit $?: $(cat err)"
}

ask() {
	kdig @127.0.0.1 -p "$port" +tls-ca=cert.pem +tls-hostname=dns.test \
	    +timeout=5 +retry=0 "$@"
}

begin() {
	atf_test_case "$1"
	eval "$1_head() { atf_set require.progs kdig openssl; }"
}

begin a_and_aaaa_are_derived_from_the_name
a_and_aaaa_are_derived_from_the_name_body() {
	start
	ask example.test A +short >a || atf_fail "no answer"
	ask EXAMPLE.test A +nodnssec +short >b
	ask another.test A +short >c
	ask example.test AAAA +short >aaaa
	stop
	atf_check -o ignore grep -Ex '192\.0\.2\.[0-9]+' a
	atf_check cmp a b
	atf_check -s exit:1 -o ignore cmp a c
	atf_check -o ignore grep -Ex '2001:db8::[0-9a-f]+' aaaa
}

begin labels_steer_the_answer
labels_steer_the_answer_body() {
	start
	ask a.nx.test >nx
	ask servfail.test >servfail
	ask ede.test +edns >ede
	ask tc.test >tc
	ask x.test MX >nodata
	ask ttl-7.test +noall +answer >ttl
	ask ad.test >ad
	stop
	atf_check -o match:'status: NXDOMAIN' -o match:SOA cat nx
	atf_check -o match:'status: SERVFAIL' -o not-match:EDE cat servfail
	atf_check -o match:'status: SERVFAIL' -o match:'EDE: 6' cat ede
	atf_check -o match:'Flags: qr tc rd' -o match:'ANSWER: 0' cat tc
	atf_check -o match:'status: NOERROR' -o match:'ANSWER: 0' cat nodata
	atf_check -o match:'^ttl-7.test. *	7	' cat ttl
	atf_check -o match:'Flags: qr rd ra ad' cat ad
}

begin a_big_answer_has_the_length_that_is_asked_for
a_big_answer_has_the_length_that_is_asked_for_body() {
	start
	for n in 200 512 1233 40000 65535; do
		ask "big-$n.test" TXT >big || atf_fail "$n: no answer"
		atf_check -o ignore grep "Received $n B" big
		ask "big-$n.test" TXT +noedns +nopadding >big ||
			atf_fail "$n: no answer"
		atf_check -o ignore grep "Received $n B" big
	done
	stop
}

begin answers_are_padded_to_468
answers_are_padded_to_468_body() {
	start
	ask example.test A >a
	ask ede.test A >b
	stop
	atf_check -o ignore grep 'Received 468 B' a
	atf_check -o ignore grep 'Received 468 B' b
}

begin each_query_is_logged_and_counted
each_query_is_logged_and_counted_body() {
	start
	ask one.test A +dnssec +cdflag +noadflag >/dev/null
	ask two.test AAAA +nordflag +nopadding +subnet=192.0.2.0/24 >/dev/null
	stop
	atf_check -o match:'name=one.test. type=1 .*len=128 padded=1 opt=1 do=1 cd=1 ad=0 rd=1 ecs=0' \
	    grep '^query conn=1 ' log
	atf_check -o match:'name=two.test. type=28 .*padded=0 opt=1 do=0 cd=0 ad=1 rd=0 ecs=1' \
	    grep '^query conn=2 ' log
	atf_check -o match:'^record conn=1 bytes=130 questions=1$' cat log
	atf_check -o match:'^total connections=2 handshakes=2 queries=2 answers=2 duplicates=0 records=2 malformed=0 dropped=0$' \
	    cat out
}

begin many_questions_on_one_connection_are_all_answered
many_questions_on_one_connection_are_all_answered_body() {
	start
	set --
	for i in $(seq 1 50); do
		set -- "$@" "n$i.test"
	done
	ask +keepopen +short "$@" >answers
	stop
	atf_check -o inline:'50\n' grep -c '^192' answers
	atf_check -o match:'connections=1 handshakes=1 queries=50' cat out
}

begin it_ends_when_its_standard_input_does
it_ends_when_its_standard_input_does_body() {
	start
	stop
	: | timeout 20 "$(atf_get_srcdir)/upstream" -c cert.pem -k key.pem \
	    --stdin >ended || atf_fail "exit $?"
	atf_check -o match:'^total connections=0' cat ended
}

atf_init_test_cases() {
	atf_add_test_case a_and_aaaa_are_derived_from_the_name
	atf_add_test_case labels_steer_the_answer
	atf_add_test_case a_big_answer_has_the_length_that_is_asked_for
	atf_add_test_case answers_are_padded_to_468
	atf_add_test_case each_query_is_logged_and_counted
	atf_add_test_case many_questions_on_one_connection_are_all_answered
	atf_add_test_case it_ends_when_its_standard_input_does
}
