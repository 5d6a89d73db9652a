# The config language: what parses is printed as its .ok says, what does not
# is told as its .err says, line by line.

top=$(atf_config_get top "$(atf_get_srcdir)/../../..")
config=$(atf_get_srcdir)/config
tool=$(atf_get_srcdir)/conf_print
pin=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

# A file that others may write is refused, and a checkout may be such.
take() {
	cp "$config/$1" "$1"
	chmod 600 "$1"
}

write() {
	cat >"$1"
	chmod 600 "$1"
}

# The one error that is told of a file.
one_error() {
	error=$1
	shift
	atf_check -s exit:1 -o empty -e inline:"conf_print: $error\n" \
		"$tool" "$@"
}

atf_test_case each_good_file_prints_as_expected
each_good_file_prints_as_expected_body() {
	for ok in "$config"/*.ok; do
		conf=$(basename "$ok" .ok).conf
		take "$conf"
		atf_check -o file:"$ok" "$tool" "$conf"
	done
	[ -n "$conf" ] || atf_fail "no file was tried"
}

atf_test_case what_is_printed_parses_to_the_same
what_is_printed_parses_to_the_same_body() {
	for ok in "$config"/*.ok; do
		write printed.conf <"$ok"
		atf_check -o file:"$ok" "$tool" printed.conf
	done
}

atf_test_case each_bad_file_is_told_of_line_by_line
each_bad_file_is_told_of_line_by_line_body() {
	for err in "$config"/*.err; do
		conf=$(basename "$err" .err).conf
		take "$conf"
		atf_check -s exit:1 -o empty -e file:"$err" "$tool" "$conf"
	done
	[ -n "$conf" ] || atf_fail "no file was tried"
}

atf_test_case every_file_is_good_or_bad
every_file_is_good_or_bad_body() {
	for conf in "$config"/*.conf; do
		[ "$conf" = "$config/dotproxy.conf" ] ||
		[ -f "${conf%.conf}.ok" ] || [ -f "${conf%.conf}.err" ] ||
			atf_fail "nothing is expected of $conf"
	done
}

atf_test_case the_defaults_are_those_of_the_man_page
the_defaults_are_those_of_the_man_page_body() {
	write empty.conf </dev/null
	atf_check -o save:printed "$tool" empty.conf
	for line in 'workers: one for each CPU' 'user "_dotproxy"' \
	    'chroot "/var/empty"' 'listen on 127.0.0.1 port 53' \
	    'listen on ::1 port 53' 127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 \
	    192.168.0.0/16 169.254.0.0/16 100.64.0.0/10 fc00::/7 fe80::/10 \
	    'udp size 1232' 'cache size 32M' \
	    'cache ttl min 0 max 1d negative 1h' 'cache stale 1d' \
	    'tcp connections 1024' 'tcp connections each 64' \
	    'upstream "cloudflare" {' 'name "one.one.one.one"' '"cloudflare"'
	do
		sed 's/^[#[:space:]]*//' printed | grep -qxF "$line" ||
			atf_fail "not among the defaults: $line"
	done
}

atf_test_case the_installed_file_shows_every_default
the_installed_file_shows_every_default_body() {
	write empty.conf </dev/null
	atf_check -o save:defaults "$tool" empty.conf
	write installed.conf <"$config/dotproxy.conf"
	atf_check -o file:defaults "$tool" installed.conf
	# Its settings, but the examples: these are defaults as they stand.
	sed -e '/^# A resolver of/,/^#}/d' -e '/^#workers/d' \
	    -e 's/^#\([^ ]\)/\1/' -e '/^\t# /d' "$config/dotproxy.conf" |
		write shown.conf
	atf_check -o file:defaults "$tool" shown.conf
	# One that it leaves out would be the default all the same.
	atf_check -o ignore grep '^#workers ' "$config/dotproxy.conf"
	settings defaults >wanted
	atf_check test "$(wc -l <wanted)" -gt 20
	settings shown.conf >shown
	atf_check diff wanted shown
}

# The keywords that each statement of a file begins with.
settings() {
	sed -n 's/^\tX("\([a-z0-9]*\)",.*/\1/p' \
	    "$top/parent/parse_keyword.h" >words
	awk 'NR == FNR {
		word[$1]
		next
	}
	/^[a-z]/ {
		for (i = 1; i <= NF && $i in word; i++)
			printf "%s ", $i
		print ""
	}' words "$1" | sort -u
}

atf_test_case a_macro_from_the_command_line_beats_the_files_own
a_macro_from_the_command_line_beats_the_files_own_body() {
	write m.conf <<-'EOF'
	n = 2
	workers $n
	chroot $where
	EOF
	atf_check -o match:'^workers 7$' -o match:'^chroot "/a=b"$' \
		"$tool" -D n=7 -D where=/a=b m.conf
}

atf_test_case a_macro_holds_a_size_or_a_time_with_its_unit
a_macro_holds_a_size_or_a_time_with_its_unit_body() {
	write m.conf <<-'EOF'
	cache size $bytes
	cache ttl min $least max 2h
	cache stale $after
	EOF
	# What is given, and what it is: a unit changes no value.
	while read -r given is; do
		atf_check -o match:"^cache size $is\$" \
			"$tool" -D "bytes=$given" -D least=1 -D after=1 m.conf
	done <<-'EOF'
	1M 1M
	1024K 1M
	1048576 1M
	5M 5M
	2000K 2000K
	2002K 2000K
	1G 1G
	1073741824 1G
	2147483648 2G
	EOF
	while read -r given is; do
		atf_check -o match:"^cache stale $is\$" \
		    -o match:"^cache ttl min $is max 2h negative 1h\$" \
			"$tool" -D bytes=1M -D "least=$given" -D "after=$given" \
		    m.conf
	done <<-'EOF'
	7 7
	7s 7
	60 1m
	90s 90
	90m 90m
	3600 1h
	120m 2h
	EOF
	for given in '' M 1.5M 1m 1KB ' 1M' 1MM 0x100000 1048575 2147483649 \
	    4294967297 4194305K 5G 99999999999999999999M; do
		one_error "m.conf:1: near \"$given\": \
expected a size from 1M to 2G" -D "bytes=$given" -D least=1 -D after=1 m.conf
	done
	for given in '' h -1 1w 1H 604801 8d 10081m 4294967297; do
		one_error "m.conf:3: near \"$given\": \
expected a time from 1 to 7d" -D bytes=1M -D least=1 -D "after=$given" m.conf
	done
}

atf_test_case a_macro_from_the_command_line_does_not_hide_a_duplicate
a_macro_from_the_command_line_does_not_hide_a_duplicate_body() {
	write m.conf <<-'EOF'
	n = 2
	n = 3
	EOF
	one_error 'm.conf:2: near "n": given twice, first on line 1' \
		-D n=7 m.conf
}

atf_test_case a_macro_without_a_name_or_value_is_refused
a_macro_without_a_name_or_value_is_refused_body() {
	write m.conf </dev/null
	for macro in n =n 1=2 a-b=c "$(printf 'a=b\001')"; do
		atf_check -s exit:1 -e match:'expected macro=value' \
			"$tool" -D "$macro" m.conf
	done
}

atf_test_case lists_end_at_their_bounds
lists_end_at_their_bounds_body() {
	{
		echo 'allow from {'
		seq -f '10.0.%.0f.0/24' 0 255
		seq -f '10.1.%.0f.0/24' 0 255
		seq -f '10.2.%.0f.0/24' 0 255
		seq -f '10.3.%.0f.0/24' 0 255
		echo '}'
		seq -f 'listen on ::1 port %.0f' 1 32
		for i in $(seq 1 15); do
			echo "upstream u$i { pin sha256/$pin"
			seq -f 'address 192.0.2.%.0f' 1 16
			echo '}'
		done
		echo 'upstream cloudflare {'
		for c in A B C D E F G H I J K L M N O P; do
			echo "pin sha256/$c${pin#?}"
		done
		echo '}'
		echo 'forward to {'
		seq -f 'u%.0f' 1 15
		echo cloudflare '}'
	} >full.conf
	chmod 600 full.conf
	atf_check -o ignore "$tool" full.conf

	sed -e '/^10.3.255.0/a 10.4.0.0/24' \
	    -e '/port 32$/a listen on ::1 port 33' \
	    -e '/^address 192.0.2.16$/a address 192.0.2.17' \
	    -e "/^pin sha256.P/a pin sha256/Q${pin#?}" \
	    -e '$a upstream one_more { address ::2' \
	    -e "\$a pin sha256/$pin }" full.conf | write over.conf
	atf_check -s exit:1 -e save:told "$tool" over.conf
	for what in 1024\ prefixes 32\ addresses 16\ addresses 16\ pins \
	    16\ upstreams; do
		atf_check -o ignore grep "expected at most $what" told
	done
}

atf_test_case a_file_has_63_zones_at_most_and_each_16_upstreams
a_file_has_63_zones_at_most_and_each_16_upstreams_body() {
	ups=
	for i in $(seq 1 16); do
		echo "upstream u$i { address ::1"
		echo "pin sha256/$pin }"
		ups="$ups u$i"
	done >some.conf
	echo "forward to u16" >>some.conf
	for i in $(seq 1 63); do
		echo "forward zone z$i.example to {$ups } policy race"
	done >>some.conf
	write full.conf <some.conf
	atf_check -o save:printed "$tool" full.conf
	atf_check -o inline:'64\n' grep -c '^forward' printed
	atf_check -o inline:'1009\n' grep -c '^	"u[0-9]*"$' printed
	# The one of `forward to` is the first now.
	atf_check -o inline:'upstream "u16" {\n' sed -n '/^upstream/{p;q;}' printed
	write again.conf <printed
	atf_check -o file:printed "$tool" again.conf
	{
		cat some.conf
		echo "forward zone z64.example to u1"
	} | write over.conf
	one_error 'over.conf:97: near "z64.example": expected at most 63 zones' \
		over.conf
}

atf_test_case a_zones_name_of_255_bytes_is_the_longest
a_zones_name_of_255_bytes_is_the_longest_body() {
	label=$(printf '%063d' 0)
	name=$label.$label.$label.$(printf '%061d' 0)
	echo "forward zone $name to cloudflare" | write n.conf
	atf_check -o match:"^forward zone \"$name\" to " "$tool" n.conf
	echo "forward zone ${name}0 to cloudflare" | write n.conf
	one_error "n.conf:1: near \"$label....\": expected a domain name" n.conf
}

atf_test_case the_default_upstream_has_room_or_is_told_of
the_default_upstream_has_room_or_is_told_of_body() {
	for i in $(seq 1 16); do
		echo "upstream u$i { address ::1"
		echo "pin sha256/$pin }"
	done | write u.conf
	one_error \
	    'u.conf:33: near "cloudflare": expected at most 16 upstreams' u.conf
}

atf_test_case a_word_of_more_than_1023_bytes_is_refused
a_word_of_more_than_1023_bytes_is_refused_body() {
	path=/$(printf '%01022d' 0)
	echo "chroot $path" | write long.conf
	atf_check -o match:"^chroot \"$path\"\$" "$tool" long.conf
	echo "chroot ${path}0" | write long.conf
	atf_check -s exit:1 -e match:'long.conf:1: .*the word is too long' \
		"$tool" long.conf
	echo "chroot \"${path}0\"" | write long.conf
	atf_check -s exit:1 -e match:'long.conf:1: .*the word is too long' \
		"$tool" long.conf
}

atf_test_case a_host_name_of_253_bytes_is_the_longest
a_host_name_of_253_bytes_is_the_longest_body() {
	label=$(printf '%062da' 0)
	host=$label.$label.$label.$(printf '%060da' 0)
	printf 'upstream a { address ::1\nname %s }\n' "0$host" | write h.conf
	atf_check -s exit:1 -e match:'expected a host name' "$tool" h.conf
	printf 'upstream a { address ::1\nname %s }\n' "$host" | write h.conf
	atf_check -o match:"name \"$host\"" "$tool" h.conf
}

atf_test_case a_nul_byte_is_told_of_with_its_line
a_nul_byte_is_told_of_with_its_line_body() {
	printf 'workers 2\nuser \0\n' | write nul.conf
	one_error 'nul.conf:2: has a NUL byte: this is not a config' nul.conf
}

atf_test_case a_file_of_more_than_a_mebibyte_is_refused
a_file_of_more_than_a_mebibyte_is_refused_body() {
	head -c 1048576 /dev/zero | tr '\0' '\n' | write big.conf
	atf_check -o ignore "$tool" big.conf
	echo >>big.conf
	one_error 'big.conf: is larger than 1 MiB' big.conf
}

atf_test_case a_file_that_others_may_write_is_refused
a_file_that_others_may_write_is_refused_body() {
	for mode in 620 602; do
		write w.conf </dev/null
		chmod "$mode" w.conf
		atf_check -s exit:1 -e match:'fix with chmod go-w' \
			"$tool" w.conf
	done
	chmod 644 w.conf
	atf_check -o ignore "$tool" w.conf
}

atf_test_case a_password_that_everyone_may_read_is_warned_of
a_password_that_everyone_may_read_is_warned_of_body() {
	write p.conf <<-'EOF'
	upstream "cloudflare" {
		via socks5 127.0.0.1:1080 user u password "p"
	}
	EOF
	atf_check -o match:'user "u" password "p"$' "$tool" p.conf
	chmod 640 p.conf
	atf_check -o ignore "$tool" p.conf
	chmod 644 p.conf
	atf_check -o match:'user "u" password "p"$' \
	    -e match:'everyone may read it; fix with chmod o-r' "$tool" p.conf
	sed -i 's/ user.*//' p.conf
	atf_check -o match:'via socks5 127.0.0.1:1080$' "$tool" p.conf
}

atf_test_case a_socks_word_of_255_bytes_is_the_longest
a_socks_word_of_255_bytes_is_the_longest_body() {
	word=$(printf '%0255d' 0)
	way='upstream "cloudflare" { via socks5 127.0.0.1:1080 user'
	echo "$way $word password $word }" | write w.conf
	atf_check -o match:"user \"$word\" password \"$word\"\$" \
		"$tool" w.conf
	echo "$way ${word}0 password x }" | write w.conf
	atf_check -s exit:1 -e match:'expected a word of 1 to 255 bytes' \
		"$tool" w.conf
	echo "$way x password ${word}0 }" | write w.conf
	atf_check -s exit:1 -e match:'expected a word of 1 to 255 bytes' \
		"$tool" w.conf
}

atf_test_case a_file_of_another_user_is_refused
a_file_of_another_user_is_refused_head() {
	atf_set require.user root
}
a_file_of_another_user_is_refused_body() {
	write o.conf </dev/null
	chown 1 o.conf
	atf_check -s exit:1 -e match:'belongs to user 1: .*fix with chown' \
		"$tool" o.conf
}

atf_test_case what_is_no_readable_file_is_refused_and_never_waited_for
what_is_no_readable_file_is_refused_and_never_waited_for_body() {
	one_error 'nowhere.conf: cannot be opened: No such file or directory' \
		nowhere.conf
	mkdir -m 700 folder.conf
	one_error 'folder.conf: is not a file' folder.conf
	mkfifo -m 600 fifo.conf
	one_error 'fifo.conf: is not a file' fifo.conf
}

atf_init_test_cases() {
	atf_add_test_case each_good_file_prints_as_expected
	atf_add_test_case what_is_printed_parses_to_the_same
	atf_add_test_case each_bad_file_is_told_of_line_by_line
	atf_add_test_case every_file_is_good_or_bad
	atf_add_test_case the_defaults_are_those_of_the_man_page
	atf_add_test_case the_installed_file_shows_every_default
	atf_add_test_case a_macro_from_the_command_line_beats_the_files_own
	atf_add_test_case a_macro_holds_a_size_or_a_time_with_its_unit
	atf_add_test_case \
	    a_macro_from_the_command_line_does_not_hide_a_duplicate
	atf_add_test_case a_macro_without_a_name_or_value_is_refused
	atf_add_test_case lists_end_at_their_bounds
	atf_add_test_case a_file_has_63_zones_at_most_and_each_16_upstreams
	atf_add_test_case a_zones_name_of_255_bytes_is_the_longest
	atf_add_test_case the_default_upstream_has_room_or_is_told_of
	atf_add_test_case a_word_of_more_than_1023_bytes_is_refused
	atf_add_test_case a_host_name_of_253_bytes_is_the_longest
	atf_add_test_case a_nul_byte_is_told_of_with_its_line
	atf_add_test_case a_file_of_more_than_a_mebibyte_is_refused
	atf_add_test_case a_file_that_others_may_write_is_refused
	atf_add_test_case a_password_that_everyone_may_read_is_warned_of
	atf_add_test_case a_socks_word_of_255_bytes_is_the_longest
	atf_add_test_case a_file_of_another_user_is_refused
	atf_add_test_case \
	    what_is_no_readable_file_is_refused_and_never_waited_for
}
